"""Activations, losses and update rules of the compiled engine, over flat arrays.

e^x is a polynomial of vectors: the C library's takes one number at a time, 10 ns each.
"""

import numpy as np

from .power import logarithm, power
from .vectors import less, load, load_wide, madd, ratio, store, zeros

IDENTITY, RELU, LEAKY, SIGMOID, TANH = range(5)
SOFTMAX, BINARY, SQUARES = range(3)
SGD, MOMENTUM, NESTEROV, ADAM = range(4)
FOLD = 800  # outputs: a product of so many numbers up to 2 is finite


def activate(A, o, n, kind, alpha):
    """Replace z by f(z) in A[o : o + n], whole vectors."""
    L, one, two = 64 // A.itemsize, A.dtype.type(1.0), A.dtype.type(2.0)
    zero, most = A.dtype.type(0.0), A.dtype.type(20.0)
    if kind == RELU:
        for i in range(o, o + n, L):
            z = load(A, i)
            store(A, i, less(z, zero, zero, z))  # NaN stays NaN
    elif kind == LEAKY:
        for i in range(o, o + n, L):
            z = load(A, i)
            store(A, i, less(z, zero, alpha * z, z))
    elif kind == SIGMOID:
        for i in range(o, o + n, L):
            store(A, i, logistic(load(A, i)))
    elif kind == TANH:
        for i in range(o, o + n, L):
            x = load(A, i)
            z = less(x, zero, zero - x, x)
            s, p = power(two * less(most, z, most, z))
            t = s * p + (s - one)  # e^2z - 1, exact near 0
            t = t / (t + two)
            store(A, i, less(x, zero, zero - t, t))


def logistic(z):
    """Return 1 / (1 + e^-z) of a vector."""
    s, p = power(z)
    e = s + s * p  # e^z, at most e^88: e / (1 + e) keeps small numbers
    return e / (e + 1.0)


def slope(a, kind, alpha):
    """Return f'(z), from a = f(z), a vector."""
    one = a * 0 + 1
    if kind == SIGMOID:
        return a * (one - a)
    if kind == TANH:
        return one - a * a
    if kind == LEAKY:
        return less(a, a * 0, alpha, one)
    if kind == RELU:
        return less(a * 0, a, one, a * 0)  # NaN stays NaN
    return one


def predictions(Y, D, o, n_out, n, kind, size):
    """Put the predictions (probabilities, or y for squares) of `size` rows into D.

    Y and D hold rows of n numbers, of which n_out are used.
    """
    L, one = 64 // Y.itemsize, Y.dtype.type(1.0)
    if kind == SQUARES:
        for i in range(o, o + size * n, L):
            store(D, i, load(Y, i))
    elif kind == BINARY:
        for i in range(o, o + size * n, L):
            store(D, i, logistic(load(Y, i)))
    else:
        for r in range(o, o + size * n, n):
            top = Y[r]
            for j in range(r + 1, r + n_out):
                top = Y[j] if Y[j] > top else top
            for j in range(r, r + n, L):
                s, p = power(load(Y, j) - top)
                store(D, j, s + s * p)
            total = D[r]
            for j in range(r + 1, r + n_out):
                total += D[j]
            for j in range(r, r + n, L):  # what pads a row means nothing
                store(D, j, load(D, j) * (one / total))


def cost(Y, T, powers, r, n_out, kind, square_factor):
    """Return the cost of the row Y[r : r + n_out], in double precision.

    T holds its targets, smoothed already; for `powers` see `log_sum`.
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
            s, p = power(-abs(y))
            e = s + s * p
            more += e + more * e
            if j % FOLD == FOLD - 1 or j == n_out - 1:
                loss += logarithm(1.0, more)
                more = 0.0
        return loss
    total = log_sum(Y, powers, r, n_out)
    for j in range(n_out):
        # 0 x inf is NaN: a class of probability 0 costs nothing.
        if T[j] != 0.0:
            loss += T[j] * (total - Y[r + j])
    return loss


def log_sum(Y, powers, r, n_out):
    """Return log(sum_j e^Y[r + j]) of the row Y[r : r + n_out], in double precision.

    `powers` is room for a padded row of float64.
    """
    top, total = np.float64(Y[r]), 0.0
    for j in range(1, n_out):
        top = max(top, np.float64(Y[r + j]))
    for j in range(0, n_out, 8):
        s, p = power(load_wide(Y, r + j) - top)
        store(powers, j, s + s * p)
    for j in range(n_out):
        total += powers[j]
    return top + logarithm(total, 0.0)


def clipped_log(p, clip):
    """Return -log p, with p no nearer to 0 and 1 than clip."""
    p = np.float64(p)
    p = clip if p < clip else p  # NaN stays NaN
    return -logarithm(1.0 - clip if p > 1.0 - clip else p, 0.0)


def clipped_cost(targets, row, D, r, n_out, clip):
    """Return the cost of the probabilities D[r : r + n_out], each by itself."""
    loss, one = 0.0, D.dtype.type(1.0)
    for j in range(n_out):
        p = D[r + j]
        loss += clipped_log(p if targets[row, j] > 0.5 else one - p, clip)
    return loss


def apply_gradient(P, G, M, V, o, n, kind, down, hyper, l2):
    """Move P[o : o + n] against its gradient G, in place; M and V are its memory.

    o and n are whole vectors, as rows are. `down` is the negative rate, of Adam times
    its correction. `hyper` holds momentum, or Adam's beta1, beta2, 1 - beta1,
    1 - beta2, eps, in P's dtype. All of these are numbers, or vectors.
    """
    L = 64 // P.itemsize
    for i in range(o, o + n, L):
        p, none = load(P, i), zeros(P)
        g = madd(load(G, i), l2, p)
        if kind == SGD:
            store(P, i, madd(p, down, g))
        elif kind == ADAM:
            m = madd(madd(none, hyper[0], load(M, i)), hyper[2], g)
            v = madd(madd(none, hyper[1], load(V, i)), hyper[3], madd(none, g, g))
            store(M, i, m)
            store(V, i, v)
            store(P, i, madd(p, down, ratio(m, v, hyper[4])))
        else:
            m = madd(madd(none, hyper[0], load(M, i)), down, g)
            store(M, i, m)
            if kind == MOMENTUM:
                store(P, i, madd(p, 1.0, m))
            else:
                store(P, i, madd(madd(p, hyper[0], m), down, g))
