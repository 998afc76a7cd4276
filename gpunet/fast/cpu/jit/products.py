"""Products of matrices, of rows that are lists of what is not zero.

A list is `count` numbers val[v0 + k] of the columns idx[i0 + k], short where pictures
are background or rectifiers silent. Rows of matrices are `n` apart. Four vectors of
sums are computed at once, because an addition takes four cycles.
"""

import numpy as np

from .structs import N_IN, WIDTH, W
from .vectors import at, dots, load, madd, put, store, tile, total, zeros


def gather(out, o, M, m, n, used, idx, i0, val, v0, count, L):
    """Add sum_k val[k] * M[idx[k], :used] to out[o : o + used], in place.

    Row i of M begins at m + i * n.
    """
    j = 0
    while used - j >= 4 * L:
        _gather_4(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 4 * L
    if used - j >= 2 * L:
        _gather_2(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 2 * L
    if used - j >= L:
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


def product(out, o, so, rows, n, X, x, xi, xk, M, m, ms, count, L):
    """Add X M to the (rows, n) matrix at out[o], whose rows lie `so` apart.

    X[i, k] is at x + i xi + k xk, so X may be transposed; row k of M at m + k ms.
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


def rows_by_rows(out, o, so, rows, columns, A, a, sa, B, b, sb, n, L):
    """Put A B^T into the (rows, columns) matrix at out[o]; n is the length of rows."""
    for j in range(0, columns - columns % 4, 4):
        for i in range(0, rows - rows % 4, 4):
            dots(out, o + i * so + j, so, A, a + i * sa, sa, B, b + j * sb, sb, n)
    for i in range(rows):
        whole = i < rows - rows % 4
        for j in range(columns - columns % 4 if whole else 0, columns):
            out[o + i * so + j] = dot(A, a + i * sa, B, b + j * sb, n, L)


def rows_by_transposed(D, o, so, rows, n_in, used, d, sd, P, w, n_out, room, L):
    """Put D W^T into the rows at D[o] by way of the transpose of W, in `room`.

    D's (rows, n_out) begin at d, sd apart, and so do W's rows at w. Sums of few terms
    are slow one by one, and fast as rows.
    """
    for j in range(n_out):
        for i in range(n_in):
            put(room, j * so + i, at(P, w + i * sd + j))
        for i in range(n_in, so):
            put(room, j * so + i, P.dtype.type(0.0))
    for i in range(o, o + rows * so, L):
        store(D, i, zeros(D))
    product(D, o, so, rows, used, D, d, sd, 1, room, 0, so, n_out, L)


def scatter(M, m, n, used, idx, i0, val, v0, count, D, d, r0, r1, n_rows, L):
    """Add val[k] * D[d : d + used] to M[idx[k], :used], for idx[k] from r0 to r1 - 1.

    The rows of M are n apart, and there are n_rows of them; idx rises.
    """
    a, b = 0, count
    if r0 > 0:
        a = find(idx, i0, count, r0)
    if r1 < n_rows:
        b = find(idx, i0, count, r1)
    j = 0
    while used - j >= 2 * L:
        u, v = load(D, d + j), load(D, d + j + L)
        for k in range(a, b):
            x, r = at(val, v0 + k), m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), x, u))
            store(M, r + L, madd(load(M, r + L), x, v))
        j += 2 * L
    if used - j >= L:
        u = load(D, d + j)
        for k in range(a, b):
            r = m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), at(val, v0 + k), u))


def find(idx, i0, count, row):
    """Return the first k with idx[i0 + k] >= row, or count; idx rises."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if at(idx, i0 + middle) < row:
            low = middle + 1
        else:
            high = middle
    return low


def dot(a, i, b, j, n, L):
    """Return the sum of a[i + k] b[j + k] for k below n, a multiple of L."""
    sums = zeros(a)
    for k in range(0, n, L):
        sums = madd(sums, load(a, i + k), load(b, j + k))
    return total(sums)


def length(a):
    """Return the length of the vector a."""
    total = 0.0
    for x in a:
        total += np.float64(x) * x
    return np.sqrt(total)


def add_squares(squared_weights, layers, P):
    """Add the squares of all weights to squared_weights[0], unless it is None."""
    if squared_weights is not None:  # decided when compiled, at no cost in a step
        total = 0.0
        for i in range(len(layers)):
            w = layers[i, W]
            for j in range(w, w + layers[i, N_IN] * layers[i, WIDTH]):
                total += np.float64(P[j]) * P[j]
        squared_weights[0] += total
