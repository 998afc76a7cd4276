"""Products of matrices, of rows that are lists of what is not zero.

A row is a list: `count` numbers val[v0 + k] that stand at the places idx[i0 + k].
Pictures are mostly background and a rectifier silences half of its neurons, so the
lists are short; a row without zeros is a list too, with 0, 1, 2, ... as its places.
Matrices are flat, their rows padded to whole vectors (`n` is that width), and four
vectors of sums are under way at once, because an addition takes four cycles.
"""

import numpy as np

from ....backend import Array
from .tables import N_IN, WIDTH, W
from .vectors import at, dots, load, madd, store, tile, total, zeros


def gather(
    out: Array,
    o: int,
    M: Array,
    m: int,
    n: int,
    part: int,
    idx: Array,
    i0: int,
    val: Array,
    v0: int,
    count: int,
    L: int,
) -> None:
    """Add sum_k val[k] * M[idx[k], :part] to out[o : o + part], in place.

    Row i of M begins at m + i * n.
    """
    j = 0
    while part - j >= 4 * L:
        _gather_4(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 4 * L
    if part - j >= 2 * L:
        _gather_2(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 2 * L
    if part - j >= L:
        _gather_1(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)


def _gather_4(out, o, M, m, n, idx, i0, val, v0, count, L):
    a, b = load(out, o), load(out, o + L)
    c, d = load(out, o + 2 * L), load(out, o + 3 * L)
    for k in range(count):
        x, r = at(val, v0 + k), m + at(idx, i0 + k) * n
        a = madd(a, x, load(M, r))
        b = madd(b, x, load(M, r + L))
        c = madd(c, x, load(M, r + 2 * L))
        d = madd(d, x, load(M, r + 3 * L))
    store(out, o, a)
    store(out, o + L, b)
    store(out, o + 2 * L, c)
    store(out, o + 3 * L, d)


def _gather_2(out, o, M, m, n, idx, i0, val, v0, count, L):
    a, b = load(out, o), load(out, o + L)
    c, d, k = zeros(out), zeros(out), 0
    while k + 2 <= count:
        x, r = at(val, v0 + k), m + at(idx, i0 + k) * n
        a = madd(a, x, load(M, r))
        b = madd(b, x, load(M, r + L))
        x, r = at(val, v0 + k + 1), m + at(idx, i0 + k + 1) * n
        c = madd(c, x, load(M, r))
        d = madd(d, x, load(M, r + L))
        k += 2
    if k < count:
        x, r = at(val, v0 + k), m + at(idx, i0 + k) * n
        a = madd(a, x, load(M, r))
        b = madd(b, x, load(M, r + L))
    store(out, o, madd(a, 1.0, c))
    store(out, o + L, madd(b, 1.0, d))


def _gather_1(out, o, M, m, n, idx, i0, val, v0, count, L):
    a, b = load(out, o), zeros(out)
    c, d, k = zeros(out), zeros(out), 0
    while k + 4 <= count:
        i = i0 + k
        a = madd(a, at(val, v0 + k), load(M, m + at(idx, i) * n))
        b = madd(b, at(val, v0 + k + 1), load(M, m + at(idx, i + 1) * n))
        c = madd(c, at(val, v0 + k + 2), load(M, m + at(idx, i + 2) * n))
        d = madd(d, at(val, v0 + k + 3), load(M, m + at(idx, i + 3) * n))
        k += 4
    while k < count:
        a = madd(a, at(val, v0 + k), load(M, m + at(idx, i0 + k) * n))
        k += 1
    store(out, o, madd(madd(a, 1.0, b), 1.0, madd(c, 1.0, d)))


def product(
    out: Array,
    o: int,
    so: int,
    rows: int,
    n: int,
    X: Array,
    x: int,
    xi: int,
    xk: int,
    M: Array,
    m: int,
    ms: int,
    count: int,
    L: int,
) -> None:
    """Add X M to the (rows, n) matrix at out[o], whose rows lie `so` apart.

    X[i, k] stands at x + i xi + k xk, so either way round; row k of M at m + k ms.
    """
    j = 0
    while j < n:
        width = 4 if n - j >= 4 * L else 2 if n - j >= 2 * L else 1
        i = 0
        while i < rows:
            p, q = o + i * so + j, x + i * xi
            if rows - i >= 4:
                if width == 4:
                    tile(4, 4, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                elif width == 2:
                    tile(4, 2, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                else:
                    tile(4, 1, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                i += 4
            else:
                if width == 4:
                    tile(1, 4, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                elif width == 2:
                    tile(1, 2, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                else:
                    tile(1, 1, out, p, so, X, q, xi, xk, M, m + j, ms, count)
                i += 1
        j += width * L


def rows_by_rows(
    out: Array,
    o: int,
    so: int,
    rows: int,
    columns: int,
    A: Array,
    a: int,
    sa: int,
    B: Array,
    b: int,
    sb: int,
    n: int,
    L: int,
) -> None:
    """Put A B^T into the (rows, columns) matrix at out[o]; n is their length."""
    for j in range(0, columns - columns % 4, 4):
        for i in range(0, rows - rows % 4, 4):
            dots(out, o + i * so + j, so, A, a + i * sa, sa, B, b + j * sb, sb, n)
    for i in range(rows):
        whole = i < rows - rows % 4
        for j in range(columns - columns % 4 if whole else 0, columns):
            out[o + i * so + j] = dot(A, a + i * sa, B, b + j * sb, n, L)


def rows_by_flipped(D, o, so, rows, n_in, part, d, sd, P, w, n_out, F, me, L):
    """Put D W^T into the rows at D[o] by way of the transpose of W, in F[me].

    D's (rows, n_out) begin at d, sd apart, and so do W's rows at w: sums of few terms
    are slow each for itself, and fast as rows.
    """
    flipped = F[me]
    for j in range(n_out):
        for i in range(n_in):
            flipped[j * so + i] = P[w + i * sd + j]
        for i in range(n_in, so):
            flipped[j * so + i] = 0.0
    for i in range(o, o + rows * so):
        D[i] = 0.0
    product(D, o, so, rows, part, D, d, sd, 1, flipped, 0, so, n_out, L)


def scatter(
    M: Array,
    m: int,
    n: int,
    part: int,
    idx: Array,
    i0: int,
    val: Array,
    v0: int,
    count: int,
    D: Array,
    d: int,
    r0: int,
    r1: int,
    n_rows: int,
    L: int,
) -> None:
    """Add val[k] * D[d : d + part] to M[idx[k], :part], for idx[k] from r0 to r1 - 1.

    The rows of M are n apart, and there are n_rows of them; idx rises.
    """
    a, b = 0, count
    if r0 > 0:
        a = find(idx, i0, count, r0)
    if r1 < n_rows:
        b = find(idx, i0, count, r1)
    j = 0
    while part - j >= 2 * L:
        u, v = load(D, d + j), load(D, d + j + L)
        for k in range(a, b):
            x, r = at(val, v0 + k), m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), x, u))
            store(M, r + L, madd(load(M, r + L), x, v))
        j += 2 * L
    if part - j >= L:
        u = load(D, d + j)
        for k in range(a, b):
            r = m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), at(val, v0 + k), u))


def find(idx: Array, i0: int, count: int, row: int) -> int:
    """Return the first k with idx[i0 + k] >= row, or count; idx rises."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if at(idx, i0 + middle) < row:
            low = middle + 1
        else:
            high = middle
    return low


def dot(a: Array, i: int, b: Array, j: int, n: int, L: int) -> float:
    """Return the sum of a[i + k] b[j + k] for k below n, a multiple of L."""
    sums = zeros(a)
    for k in range(0, n, L):
        sums = madd(sums, load(a, i + k), load(b, j + k))
    return total(sums)


def length(a: Array) -> float:
    """Return the length of the vector a."""
    total = 0.0
    for x in a:
        total += np.float64(x) * x
    return np.sqrt(total)


def add_squares(squared: Array | None, table: Array, P: Array) -> None:
    """Add the squares of all weights to squared[0], where there is such an array."""
    if squared is not None:  # decided when compiled: a step of the Trainer has no loop
        total = 0.0
        for layer in range(len(table)):
            w = table[layer, W]
            for i in range(w, w + table[layer, N_IN] * table[layer, WIDTH]):
                total += np.float64(P[i]) * P[i]
        squared[0] += total
