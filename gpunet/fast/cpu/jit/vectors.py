"""Vectors of 64 bytes: the words in which the hot loops are written.

NumPy says here what the words mean; compiled, they are the LLVM of `intrinsics`.
numba's own loops cannot know that arrays do not overlap, so they keep sums in memory:
a row of 32 costs 10 cycles a term there and 2 in registers.
"""

from typing import Any

import numpy as np

from ....backend import Array

BYTES = 64


def lanes(dtype: Any) -> int:
    """Return how many numbers of a dtype a vector holds."""
    return BYTES // np.dtype(dtype).itemsize


def load(a: Array, o: int) -> Array:
    """Return the vector at a[o] of a flat array; bounds are not checked."""
    return a[o : o + BYTES // a.itemsize].copy()


def store(a: Array, o: int, v: Array) -> None:
    """Write the vector v to a[o], in place."""
    a[o : o + v.size] = v


def zeros(a: Array) -> Array:
    """Return a vector of zeros, of the dtype of the array a."""
    return np.zeros(lanes(a.dtype), a.dtype)


def fill(a: Array, x: float) -> Array:
    """Return a vector of x, of the dtype of the array a."""
    return np.full(lanes(a.dtype), x, a.dtype)


def madd(acc: Array, x: float, v: Array) -> Array:
    """Return acc + x v, for a number x or a vector."""
    return acc + x * v


def less(a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return x where a < b, else y; each a vector or a number."""
    return np.where(a < b, x, y)


def floor(x: Any) -> Any:
    """Return the largest whole numbers that are not above x."""
    return np.floor(x)


def two_to(n: Any) -> Any:
    """Return 2^n for whole n such that it is a normal number, or 0 just below them."""
    return np.exp2(n)


def load_wide(a: Array, o: int) -> Array:
    """Return the 8 numbers from a[o] as a vector of float64."""
    return a[o : o + lanes(np.float64)].astype(np.float64)


def total(v: Array) -> float:
    """Return the sum of the vector's numbers, in a fixed order."""
    return v.sum()


def ratio(m: Array, v: Array, eps: float) -> Array:
    """Return the vector m / (sqrt(v) + eps)."""
    return m / (np.sqrt(v) + eps)


def at(a: Array, k: int) -> float:
    """Return a[k] of a flat array, k at least 0."""
    return a[k]


def put(a: Array, k: int, x: float) -> None:
    """Write x to a[k] of a flat array, k at least 0."""
    a[k] = x


def mulhi(a: int, b: int) -> int:
    """Return the upper 64 bits of the product of two uint64."""
    return np.uint64(int(a) * int(b) >> 64)  # type: ignore[return-value]


def tile(rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count):
    """Add X M to a tile of `rows` rows (1 or 4) and `vectors` vectors (1, 2 or 4).

    out[o + i so + j] += sum_k X[x + i xi + k xk] M[m + k ms + j], all arrays flat.
    The sums stay in registers, and each is added up in the order of k.
    """
    for i in range(rows):
        for j in range(vectors * lanes(out.dtype)):
            for k in range(count):
                out[o + i * so + j] += X[x + i * xi + k * xk] * M[m + k * ms + j]


def lane_tile(
    rows, vectors, out, o, so, sj, B, b, bi, bj, X, x, xi, xk, M, m, mk, mj, count
):
    """Put B + X M into a tile of `rows` rows of `vectors` vectors (1, 2 or 4).

    out[o + i so + j sj + l] = B[b + i bi + j bj + l]
        + sum_k X[x + i xi + k xk + l] M[m + k mk + j mj + l], lane by lane.
    The sums stay in registers, and each is added up in the order of k.
    """
    for i in range(rows):
        for j in range(vectors):
            v = load(B, b + i * bi + j * bj)
            for k in range(count):
                x_k, m_k = x + i * xi + k * xk, m + j * mj + k * mk
                v = madd(v, load(X, x_k), load(M, m_k))
            store(out, o + i * so + j * sj, v)


def transpose(out, o, so, X, starts, k):
    """Put as many columns of X, from k, as a vector is long into `out`, so apart.

    Lane i of each is of the row of X that begins at starts[i].
    """
    for j in range(lanes(out.dtype)):
        for i in range(lanes(out.dtype)):
            out[o + j * so + i] = X[starts[i] + k + j]


def dots(out, o, so, A, a, sa, B, b, sb, n):
    """Put the products of four rows of A with four rows of B into a tile of `out`.

    out[o + i so + j] = sum_k A[a + i sa + k] B[b + j sb + k] for k < n.
    """
    for i in range(4):
        for j in range(4):
            p, q = a + i * sa, b + j * sb
            out[o + i * so + j] = np.dot(A[p : p + n], B[q : q + n])


def fetch(a: Array, o: int) -> None:
    """Prefetch the cache line that holds a[o]."""


def arrive(sync: Array) -> None:
    """Add 1 to sync[0], atomically."""
    sync[0] += 1


def peek(sync: Array, k: int) -> int:
    """Return sync[k] as other threads left it."""
    return sync[k]


def pause() -> None:
    """Sleep 20 us: a thread that spins takes the core from those it waits for."""
