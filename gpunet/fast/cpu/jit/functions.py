"""Activations, losses and update rules of the compiled engine, over flat arrays.

Plain loops, which LLVM vectorizes. e^x is a polynomial for that reason: the C
library's takes one number at a time, 10 ns each.
"""

import math

import numpy as np

from .power import power
from .vectors import fill, load, madd, ratio, store, zeros

IDENTITY, RELU, LEAKY, SIGMOID, TANH = range(5)
SOFTMAX, BINARY, SQUARES = range(3)
SGD, MOMENTUM, NESTEROV, ADAM = range(4)


def activate(A, o, n, kind, alpha):
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


def slope(a, kind, alpha):
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


def predictions(Y, D, o, n_out, n, kind, size):
    """Put the predictions (probabilities, or y for squares) of `size` rows into D.

    Y and D hold rows of n numbers, of which n_out are used.
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
            total = zero
            for j in range(r, r + n_out):
                total += D[j]
            for j in range(r, r + n, L):  # what pads a row means nothing
                store(D, j, madd(zeros(D), one / total, load(D, j)))


def cost(Y, T, r, n_out, kind, square_factor):
    """Return the cost of the row Y[r : r + n_out], in double precision.

    T holds its targets, smoothed already.
    """
    loss = 0.0
    if kind == SQUARES:
        for j in range(n_out):
            e = np.float64(Y[r + j]) - T[j]
            loss += e * e
        return square_factor * loss
    if kind == BINARY:
        more = 0.0  # the product of all 1 + e^-|y|, less 1: small numbers are kept
        for j in range(n_out):
            y = np.float64(Y[r + j])
            loss += max(y, 0.0) - y * T[j]
            e = math.exp(-abs(y))
            more += e + more * e
            if more > 1e250:
                loss += math.log1p(more)
                more = 0.0
        return loss + math.log1p(more)
    top = np.float64(Y[r])
    for j in range(1, n_out):
        top = max(top, np.float64(Y[r + j]))
    total = 0.0
    for j in range(n_out):
        total += math.exp(Y[r + j] - top)
    total = top + math.log(total)
    for j in range(n_out):
        # 0 x inf is NaN: a class of probability 0 costs nothing.
        if T[j] != 0.0:
            loss += T[j] * (total - Y[r + j])
    return loss


def clipped_log(p, clip):
    """Return -log p, with p no nearer to 0 and 1 than clip."""
    p = np.float64(p)
    p = clip if p < clip else p  # NaN stays NaN
    return -math.log(1.0 - clip if p > 1.0 - clip else p)


def clipped_cost(targets, row, D, r, n_out, clip):
    """Return the cost of the probabilities D[r : r + n_out], each by itself."""
    loss, one = 0.0, D.dtype.type(1.0)
    for j in range(n_out):
        p = D[r + j]
        loss += clipped_log(p if targets[row, j] > 0.5 else one - p, clip)
    return loss


def apply_gradient(P, G, M, V, o, n, kind, rate, hyper, l2, correction):
    """Move P[o : o + n] against its gradient G, in place; M and V are its memory.

    o and n are whole vectors, as rows are. `hyper` holds momentum, or Adam's beta1,
    beta2, 1 - beta1, 1 - beta2, eps, in P's dtype.
    """
    L = 64 // P.itemsize
    for i in range(o, o + n, L):
        p, none = load(P, i), zeros(P)
        g = madd(load(G, i), l2, p)
        if kind == SGD:
            store(P, i, madd(p, -rate, g))
        elif kind == ADAM:
            m = madd(madd(none, hyper[0], load(M, i)), hyper[2], g)
            v = madd(madd(none, hyper[1], load(V, i)), hyper[3], madd(none, g, g))
            store(M, i, m)
            store(V, i, v)
            store(P, i, madd(p, -rate * correction, ratio(m, v, hyper[4])))
        else:
            m = madd(madd(none, hyper[0], load(M, i)), -rate, g)
            store(M, i, m)
            if kind == MOMENTUM:
                store(P, i, madd(p, 1.0, m))
            else:
                store(P, i, madd(madd(p, hyper[0], m), -rate, g))
