"""The skip-gram's steps as compiled loops: `gpunet.text.pairs`, one window at a time.

First each thread computes the gradients of some windows of a batch, then each adds all
to some columns, in the order of the windows. So no two threads write to one number,
and any number of threads leaves the same bits.
"""

from typing import Any, NamedTuple

import numpy as np

from .span import barrier

_LEAST = 1e-100  # a product of probabilities is turned into a logarithm before this
_SURE = 1e-30  # no answer counts as less probable than this, 69 nats


class Windows(NamedTuple):
    """The windows of a span; see `gpunet.text.draws.SpanWindows`."""

    words: Any
    center: Any
    left: Any
    right: Any
    first: Any
    negatives: Any


class VectorBuffers(NamedTuple):
    """The vectors in training, and the steps of one batch for each use of a word.

    Each thread has a row of what follows: of one window, its slopes and its words.
    """

    W_in: Any
    W_out: Any
    d_in: Any
    d_out: Any
    z: Any
    outputs: Any
    neighbors: Any


def train_windows(windows, starts, rates, vectors, losses, sync, thread, n_threads):
    """Train all batches, as thread `thread` of `n_threads`."""
    dim = vectors.W_in.shape[1]
    for b in range(len(starts) - 1):
        lo, hi = starts[b], starts[b + 1]
        first = lo + (hi - lo) * thread // n_threads
        end = lo + (hi - lo) * (thread + 1) // n_threads
        gradients(first, end, lo, windows, rates[b], vectors, losses, thread)
        if not barrier(sync, 2 * b + 1, n_threads):
            return
        first, end = dim * thread // n_threads, dim * (thread + 1) // n_threads
        add(lo, hi, first, end, windows, vectors)
        if not barrier(sync, 2 * b + 2, n_threads):
            return


def gradients(begin, end, lo, windows, rate, vectors, losses, thread):
    """Write the steps of windows begin to end - 1 of the batch that begins at lo."""
    words, center, left, right, starts, negatives = windows
    W_in, W_out, d_in, d_out = vectors[:4]
    z, outputs = vectors.z[thread], vectors.outputs[thread]
    neighbors, n_out = vectors.neighbors[thread], len(outputs)
    for m in range(begin, end):
        i = center[m]
        outputs[0] = words[i]
        for j in range(1, n_out):
            outputs[j] = negatives[m, j - 1]
        n = 0
        for p in range(left[m], right[m]):
            if p != i:
                neighbors[n] = words[p]
                products(W_in, words[p], W_out, outputs, z, n * n_out)
                for j in range(1, n_out):
                    z[n * n_out + j] = -z[n * n_out + j]
                n += 1
        logistic(z, n * n_out)
        losses[m] = to_slopes(z, n, n_out, outputs, rate)
        for c in range(n):
            row = starts[m] - starts[lo] + c
            combine(z, c * n_out, 1, W_out, outputs, n_out, d_in, row)
        for j in range(n_out):
            row = (m - lo) * n_out + j
            combine(z, j, n_out, W_in, neighbors, n, d_out, row)


def to_slopes(z, n, n_out, outputs, rate):
    """Turn probabilities of the right answers into steps; return the window's loss."""
    product, loss = 1.0, 0.0
    for c in range(n):
        for j in range(n_out):
            a = z[c * n_out + j]
            g = rate * (1 - a)
            if j > 0:
                g = 0 * g if outputs[j] == outputs[0] else -g
            z[c * n_out + j] = g
            if j == 0 or outputs[j] != outputs[0]:
                product *= max(np.float64(a), _SURE)
        if product < _LEAST:
            loss -= np.log(product)
            product = 1.0
    return loss - np.log(product)


def add(lo, hi, begin, end, windows, vectors):
    """Add the steps of a batch to columns begin to end - 1 of the vectors."""
    words, center, left, right, _, negatives = windows
    W_in, W_out, d_in, d_out = vectors[:4]
    row_in, row_out = 0, 0
    for m in range(lo, hi):
        i = center[m]
        for p in range(left[m], right[m]):
            if p != i:
                add_row(W_in[words[p], begin:end], d_in[row_in, begin:end])
                row_in += 1
        for j in range(negatives.shape[1] + 1):
            o = words[i] if j == 0 else negatives[m, j - 1]
            add_row(W_out[o, begin:end], d_out[row_out, begin:end])
            row_out += 1


def add_row(to, more):
    """Add in place; columns counted from 0 are what the compiler vectorizes."""
    for d in range(len(to)):
        to[d] += more[d]


def products(X, r, Y, rows, z, at):
    """z[at + j] = X[r] . Y[rows[j]], three at a time: X[r] is read a third as often."""
    zero = z.dtype.type(0)
    n = len(rows)
    for j in range(0, n - n % 3, 3):
        k, l, m = rows[j], rows[j + 1], rows[j + 2]  # noqa: E741
        s, t, u = zero, zero, zero
        for d in range(X.shape[1]):
            s += X[r, d] * Y[k, d]
            t += X[r, d] * Y[l, d]
            u += X[r, d] * Y[m, d]
        z[at + j], z[at + j + 1], z[at + j + 2] = s, t, u
    for j in range(n - n % 3, n):
        k, s = rows[j], zero
        for d in range(X.shape[1]):
            s += X[r, d] * Y[k, d]
        z[at + j] = s


def combine(z, at, stride, Y, rows, n, out, row):
    """out[row] = sum over j < n of z[at + j stride] Y[rows[j]], three at a time."""
    for j in range(0, n, 3):
        # Beyond the last, the first again with a weight of zero.
        k, s = rows[j], z[at + j * stride]
        l, t = (rows[j + 1], z[at + (j + 1) * stride]) if j + 1 < n else (k, 0 * s)  # noqa: E741
        m, u = (rows[j + 2], z[at + (j + 2) * stride]) if j + 2 < n else (k, 0 * s)
        if j == 0:
            for d in range(Y.shape[1]):
                out[row, d] = s * Y[k, d] + t * Y[l, d] + u * Y[m, d]
        else:
            for d in range(Y.shape[1]):
                out[row, d] += s * Y[k, d] + t * Y[l, d] + u * Y[m, d]


def logistic(z, n):
    """Turn z[:n] into sigma(z), exact to the last bits of float32.

    e^-z is the 1024th power of a short series, by ten squarings, in float64: all
    products and sums, so that it is vectorized, which a call of exp is not.
    """
    for i in range(n):
        y = -np.float64(z[i]) / 1024
        y = min(max(y, -0.6), 0.6)
        e = 1 + y * (
            1 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y / 720))))
        )
        for _ in range(10):
            e = e * e
        z[i] = 1 / (1 + e)
