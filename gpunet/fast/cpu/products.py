"""Products of matrices, of rows that are lists of what is not zero.

A row is a list: `count` numbers val[v0 + k] that stand at the places idx[i0 + k].
Pictures are mostly background and a rectifier silences half of its neurons, so the
lists are short; a row without zeros is a list too, with 0, 1, 2, ... as its places.
Matrices are flat, their rows padded to whole vectors (`n` is that width), and four
vectors of sums are under way at once, because an addition takes four cycles.
"""

from ..._types import Array
from .vectors import at, load, madd, store, total, zeros


def gather(
    out: Array,
    o: int,
    M: Array,
    m: int,
    n: int,
    idx: Array,
    i0: int,
    val: Array,
    v0: int,
    count: int,
    L: int,
) -> None:
    """Add sum_k val[k] * M[idx[k], :] to out[o : o + n], in place."""
    j = 0
    while n - j >= 4 * L:
        _gather_4(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 4 * L
    if n - j >= 2 * L:
        _gather_2(out, o + j, M, m + j, n, idx, i0, val, v0, count, L)
        j += 2 * L
    if n - j >= L:
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


def scatter(
    M: Array,
    m: int,
    n: int,
    idx: Array,
    i0: int,
    val: Array,
    v0: int,
    count: int,
    D: Array,
    d: int,
    L: int,
) -> None:
    """Add val[k] * D[d : d + n] to the rows M[idx[k], :], in place."""
    j = 0
    while n - j >= 2 * L:
        a, b = load(D, d + j), load(D, d + j + L)
        for k in range(count):
            x, r = at(val, v0 + k), m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), x, a))
            store(M, r + L, madd(load(M, r + L), x, b))
        j += 2 * L
    if n - j >= L:
        a = load(D, d + j)
        for k in range(count):
            r = m + at(idx, i0 + k) * n + j
            store(M, r, madd(load(M, r), at(val, v0 + k), a))


def dot(a: Array, i: int, b: Array, j: int, n: int, L: int) -> float:
    """Return the sum of a[i + k] b[j + k] for k below n, a multiple of L."""
    sums = zeros(a)
    for k in range(0, n, L):
        sums = madd(sums, load(a, i + k), load(b, j + k))
    return total(sums)
