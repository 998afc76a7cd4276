"""The skip-gram's steps as compiled loops: `gpunet.text.pairs`, one window at a time.

Written as plain functions; numba compiles them when a compiled engine is wanted.
A batch has two halves. The gradients of its windows are computed from the vectors
as they stood before it, each thread taking some of the windows; then they are
added, each thread taking some of the columns, in the order of the windows. So no
two threads write to one number, and any number of threads gives the same bits.
"""

from functools import cache
from typing import Any

import numpy as np

from .compiler import announced, compiled, missing, register
from .compiler import seconds_until_ready as seconds_for
from .jit.span import together
from .threads import together as by_a_team

_LEAST = 1e-100  # a product of probabilities is turned into a logarithm before this
_SURE = 1e-30  # no answer counts as less probable than this, 69 nats

__all__ = ["missing", "seconds_until_ready", "train_span"]


@cache
def kernel() -> Any:
    """Return `_train`, compiled."""
    train = compiled(_train)
    register((_train, _logistic, _products, _combine, _gradients, _add_row, _add))
    return train


def seconds_until_ready(dtype: str) -> float:
    """Return about how long it takes here until compiled code can run."""
    return seconds_for(_train, dtype)


def train_span(draws, rates, batch_size, W_in, W_out, threads=1):
    """Train the windows of a span, batch by batch, in place.

    Parameters
    ----------
    draws : gpunet.text.draws.Draws
    rates : array, shape (n_batches,), the dtype of W_in
        The learning rate of each batch.
    batch_size : int
        Windows a batch.
    W_in, W_out : arrays, shape (n_words, dim), C order, mutated
    threads : int

    Returns
    -------
    losses : array, shape (m,), float64
        The loss of each window before the step of its batch, summed over its
        pairs, nats.
    """
    words, center, left, right, first, negatives = draws
    m, dim, n_out = len(center), W_in.shape[1], 1 + negatives.shape[1]
    starts = np.append(np.arange(0, m, batch_size), m)
    most = int(np.diff(first[starts]).max(initial=0))
    d_in = np.empty((most, dim), W_in.dtype)
    d_out = np.empty((min(batch_size, m) * n_out, dim), W_in.dtype)
    widest = int(np.diff(first).max(initial=0))
    losses = np.zeros(m)
    sync = np.zeros(16, np.int64)
    windows = (words, center, left, right, first, negatives)
    space = (starts, widest, rates, W_in, W_out, d_in, d_out, losses, sync)
    with announced(_train, W_in.dtype):
        by_a_team(kernel(), threads, sync, (*windows, *space))
    return losses


def _train(words, center, left, right, first, negatives, starts, widest, rates,
           W_in, W_out, d_in, d_out, losses, sync, me, team):  # fmt: skip
    """Train all batches, as thread `me` of a team."""
    dim, wait = W_in.shape[1], 0
    for b in range(len(starts) - 1):
        lo, hi = starts[b], starts[b + 1]
        _gradients(lo + (hi - lo) * me // team, lo + (hi - lo) * (me + 1) // team, lo,
                   words, center, left, right, first, negatives,
                   rates[b], widest, W_in, W_out, d_in, d_out, losses)  # fmt: skip
        wait += team
        if not together(sync, wait, team):
            return
        _add(lo, hi, dim * me // team, dim * (me + 1) // team,
             words, center, left, right, negatives,
             W_in, W_out, d_in, d_out)  # fmt: skip
        wait += team
        if not together(sync, wait, team):
            return


def _gradients(begin, end, lo, words, center, left, right, first, negatives,
               rate, widest, W_in, W_out, d_in, d_out, losses):  # fmt: skip
    """Write the steps of windows begin to end - 1 of the batch that begins at lo."""
    n_out = negatives.shape[1] + 1
    z = np.empty(max(widest, 1) * n_out, W_in.dtype)
    outputs, neighbors = np.empty(n_out, np.int64), np.empty(widest, np.int64)
    for m in range(begin, end):
        i = center[m]
        outputs[0] = words[i]
        for j in range(1, n_out):
            outputs[j] = negatives[m, j - 1]
        n = 0
        for p in range(left[m], right[m]):
            if p != i:
                neighbors[n] = words[p]
                _products(W_in, words[p], W_out, outputs, z, n * n_out)
                for j in range(1, n_out):
                    z[n * n_out + j] = -z[n * n_out + j]
                n += 1
        _logistic(z, n * n_out)
        product, loss = 1.0, 0.0
        for c in range(n):
            for j in range(n_out):
                a = z[c * n_out + j]  # the probability given to the right answer
                g = rate * (1 - a)
                if j > 0:
                    g = 0 * g if outputs[j] == outputs[0] else -g
                z[c * n_out + j] = g
                if j == 0 or outputs[j] != outputs[0]:
                    product *= max(np.float64(a), _SURE)
            if product < _LEAST:
                loss -= np.log(product)
                product = 1.0
        losses[m] = loss - np.log(product)
        for c in range(n):
            row = first[m] - first[lo] + c
            _combine(z, c * n_out, 1, W_out, outputs, n_out, d_in, row)
        for j in range(n_out):
            row = (m - lo) * n_out + j
            _combine(z, j, n_out, W_in, neighbors, n, d_out, row)


def _add(lo, hi, begin, end, words, center, left, right, negatives,
         W_in, W_out, d_in, d_out):  # fmt: skip
    """Add the steps of a batch to columns begin to end - 1 of the vectors."""
    row_in, row_out = 0, 0
    for m in range(lo, hi):
        i = center[m]
        for p in range(left[m], right[m]):
            if p != i:
                _add_row(W_in[words[p], begin:end], d_in[row_in, begin:end])
                row_in += 1
        for j in range(negatives.shape[1] + 1):
            o = words[i] if j == 0 else negatives[m, j - 1]
            _add_row(W_out[o, begin:end], d_out[row_out, begin:end])
            row_out += 1


def _add_row(to, more):
    """Add in place; of columns counted from 0 the compiler makes vector lanes."""
    for d in range(len(to)):
        to[d] += more[d]


def _products(X, r, Y, rows, z, at):
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


def _combine(z, at, stride, Y, rows, n, out, row):
    """out[row] = sum over j < n of z[at + j stride] Y[rows[j]], three at a time."""
    for j in range(0, n, 3):
        # Beyond the last the first is taken once more, with a weight of zero.
        k, s = rows[j], z[at + j * stride]
        l, t = (rows[j + 1], z[at + (j + 1) * stride]) if j + 1 < n else (k, 0 * s)  # noqa: E741
        m, u = (rows[j + 2], z[at + (j + 2) * stride]) if j + 2 < n else (k, 0 * s)
        if j == 0:
            for d in range(Y.shape[1]):
                out[row, d] = s * Y[k, d] + t * Y[l, d] + u * Y[m, d]
        else:
            for d in range(Y.shape[1]):
                out[row, d] += s * Y[k, d] + t * Y[l, d] + u * Y[m, d]


def _logistic(z, n):
    """Turn z[:n] into sigma(z), exact to the last bits of float32.

    e^-z is the 1024th power of a short series, by ten squarings, in float64: all
    products and sums, so that it runs in vector lanes, which a call of exp does not.
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
