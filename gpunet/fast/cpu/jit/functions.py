"""Activations, losses and optimizers of the compiled engine, over flat arrays.

Plain loops, which LLVM makes vectors of. e^x is our own polynomial for that reason:
the C library's takes one number at a time, 10 ns each.
"""

import math
from typing import Any

import numpy as np

from ....backend import Array
from .vectors import fill, load, madd, ratio, store, zeros

IDENTITY, RELU, LEAKY, SIGMOID, TANH = range(5)
SOFTMAX, BINARY, SQUARES = range(3)
SGD, MOMENTUM, NESTEROV, ADAM = range(4)

_LOG2E = 1.4426950408889634
# ln 2 in two pieces: the first has few bits, so that n times it is exact.
_HIGH, _LOW = 0.693359375, -2.1219444005469057e-4


def power(x: float) -> tuple[float, float]:
    """Return (2^n, e^r - 1) with e^x = 2^n e^r and |r| at most ln(2) / 2."""
    n = math.floor(x * _LOG2E + 0.5)
    return 2.0**n, math.expm1(x - n * _HIGH - n * _LOW)


def _power32(x):
    # NaN stays NaN; 2^n itself must stay finite, and is 0 below the normal numbers.
    x = np.float32(-88.0) if x < np.float32(-88.0) else x
    x = np.float32(88.0) if x > np.float32(88.0) else x
    n = np.floor(x * np.float32(_LOG2E) + np.float32(0.5))
    r = x - n * np.float32(_HIGH) - n * np.float32(_LOW)
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1.0)
    s = np.int32((np.int32(n) + 127) << 23)
    return s.view(np.float32), p * r


def _power64(x):
    x = -709.0 if x < -709.0 else x
    x = 709.0 if x > 709.0 else x
    n = np.floor(x * _LOG2E + 0.5)
    r = x - n * _HIGH - n * _LOW
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    s = np.int64((np.int64(n) + 1023) << 52)
    return s.view(np.float64), p * r


def install(numba: Any) -> None:
    """Teach numba `power`; once in a process."""
    from numba.extending import overload

    # Sums in their order: n (_HIGH + _LOW) in one would lose |x| / 6 last digits.
    exact = overload(power, jit_options={"fastmath": {"contract"}})
    exact(lambda x: _power32 if x == numba.float32 else _power64)


def activate(A: Array, o: int, n: int, kind: int, alpha: float) -> None:
    """Replace z by f(z) in A[o : o + n]."""
    zero, one = A.dtype.type(0.0), A.dtype.type(1.0)
    two, most = A.dtype.type(2.0), A.dtype.type(20.0)
    if kind == RELU:
        for i in range(o, o + n):
            A[i] = zero if A[i] <= zero else A[i]  # NaN stays NaN
    elif kind == LEAKY:
        for i in range(o, o + n):
            A[i] = alpha * A[i] if A[i] < zero else A[i]
    elif kind == SIGMOID:
        for i in range(o, o + n):
            s, p = power(A[i])
            e = s + s * p  # e^z, at most e^88: e / (1 + e) keeps small numbers
            A[i] = e / (one + e)
    elif kind == TANH:
        for i in range(o, o + n):
            z = abs(A[i])
            s, p = power(two * (most if z > most else z))
            t = s * p + (s - one)  # e^2z - 1, exact near 0
            t = t / (t + two)
            A[i] = -t if A[i] < zero else t


def slope(a: float, kind: int, alpha: float) -> float:
    """Return f'(z), from a = f(z)."""
    one = a * 0 + 1
    if kind == SIGMOID:
        return a * (one - a)
    if kind == TANH:
        return one - a * a
    if kind == LEAKY:
        return alpha if a < 0 else one
    if kind == RELU:
        return one if a > 0 else a * 0  # NaN stays NaN
    return one


def compare(
    Y: Array, D: Array, o: int, n_out: int, n: int, kind: int, size: int
) -> None:
    """Put the predictions (link(y), or y for squares) of `size` rows into D.

    Y and D hold rows of n numbers, of which n_out mean something.
    """
    zero, one = Y.dtype.type(0.0), Y.dtype.type(1.0)
    if kind == SQUARES:
        for i in range(o, o + size * n):
            D[i] = Y[i]
    elif kind == BINARY:
        for i in range(o, o + size * n):
            s, p = power(Y[i])
            e = s + s * p
            D[i] = e / (one + e)
    else:
        L, ones = 64 // Y.itemsize, fill(Y, one)
        for r in range(o, o + size * n, n):
            top = Y[r]
            for j in range(r + 1, r + n_out):
                top = Y[j] if Y[j] > top else top
            for j in range(r, r + n, L):
                store(D, j, madd(load(Y, j), -top, ones))
        for i in range(o, o + size * n):
            s, p = power(D[i])
            D[i] = s + s * p
        for r in range(o, o + size * n, n):
            whole = zero
            for j in range(r, r + n_out):
                whole += D[j]
            for j in range(r, r + n, L):  # what pads a row means nothing
                store(D, j, madd(zeros(D), one / whole, load(D, j)))


def cost(Y: Array, T: Array, r: int, n_out: int, kind: int, squares: float) -> float:
    """Return the cost of the row Y[r : r + n_out], in double precision.

    T holds its targets, softened already; `squares` is the factor of a squared error.
    """
    lost = 0.0
    if kind == SQUARES:
        for j in range(n_out):
            e = np.float64(Y[r + j]) - T[j]
            lost += e * e
        return squares * lost
    if kind == BINARY:
        more = 0.0  # the product of all 1 + e^-|y|, less 1: small numbers are kept
        for j in range(n_out):
            y = np.float64(Y[r + j])
            lost += max(y, 0.0) - y * T[j]
            e = math.exp(-abs(y))
            more += e + more * e
            if more > 1e250:
                lost += math.log1p(more)
                more = 0.0
        return lost + math.log1p(more)
    top = np.float64(Y[r])
    for j in range(1, n_out):
        top = max(top, np.float64(Y[r + j]))
    whole = 0.0
    for j in range(n_out):
        whole += math.exp(Y[r + j] - top)
    whole = top + math.log(whole)
    for j in range(n_out):
        # 0 x inf is NaN: a class that is not wanted costs nothing.
        if T[j] != 0.0:
            lost += T[j] * (whole - Y[r + j])
    return lost


def surprise(p: float, clip: float) -> float:
    """Return -log p, with p no nearer to 0 and 1 than clip."""
    p = np.float64(p)
    p = clip if p < clip else p  # NaN stays NaN
    return -math.log(1.0 - clip if p > 1.0 - clip else p)


def clipped_cost(
    targets: Array, row: int, D: Array, r: int, n_out: int, clip: float
) -> float:
    """Return the cost of the probabilities D[r : r + n_out], each for itself."""
    lost, one = 0.0, D.dtype.type(1.0)
    for j in range(n_out):
        p = D[r + j]
        lost += surprise(p if targets[row, j] > 0.5 else one - p, clip)
    return lost


def move(
    P: Array,
    G: Array,
    M: Array,
    V: Array,
    o: int,
    n: int,
    kind: int,
    rate: float,
    h: Array,
    l2: float,
    correction: float,
) -> None:
    """Move P[o : o + n] against its gradient G, in place; M and V are its memory.

    o and n are whole vectors, as rows are.
    h holds momentum, or Adam's b1, b2, 1 - b1, 1 - b2, eps, in P's dtype.
    """
    L = 64 // P.itemsize
    for i in range(o, o + n, L):
        p, none = load(P, i), zeros(P)
        g = madd(load(G, i), l2, p)
        if kind == SGD:
            store(P, i, madd(p, -rate, g))
        elif kind == ADAM:
            m = madd(madd(none, h[0], load(M, i)), h[2], g)
            v = madd(madd(none, h[1], load(V, i)), h[3], madd(none, g, g))
            store(M, i, m)
            store(V, i, v)
            store(P, i, madd(p, -rate * correction, ratio(m, v, h[4])))
        else:
            m = madd(madd(none, h[0], load(M, i)), -rate, g)
            store(M, i, m)
            if kind == MOMENTUM:
                store(P, i, madd(p, 1.0, m))
            else:
                store(P, i, madd(madd(p, h[0], m), -rate, g))
