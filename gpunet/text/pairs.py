"""One step of the skip-gram with negative sampling, by hand, on any device.

A window has neighbors c and a word in the middle w. Each neighbor's vector W_in[c]
should have a high product with the word's other vector W_out[w], and a low one with
those of k words drawn at random, the negatives, which the whole window shares:

    z = W_in[c] . W_out[o]              o one of w, n1 ... nk
    L = -log sigma(z)                   where o is w
        -log sigma(-z)                  where o is a negative
    dz = sigma(z) - (1 if o is w else 0)
    dW_in[c] += dz W_out[o]             dW_out[o] += dz W_in[c]

A lookup is the product with a one-hot row, so its gradient is scattered: a word
in ten windows receives the sum of ten rows.

Source: T. Mikolov et al., "Distributed representations of words and phrases and
their compositionality" (2013), eq. 4; the negatives of a window are shared as by
S. Ji et al., "Parallelizing word2vec in shared and distributed memory" (2016).
"""

from typing import NamedTuple

import numpy as np

from ..activations import sigmoid, softplus
from ..backend import Array, Backend, namespace, scatter_add
from .draws import SpanWindows


class Pairs(NamedTuple):
    """Windows of one width, b of them, as numbers of words.

    Beyond `lengths` a window repeats some word, which takes no part.
    """

    neighbors: Array  # (b, width)
    lengths: Array  # (b, 1): the neighbors of each window
    outputs: Array  # (b, 1 + k): the word in the middle, then its negatives
    cells: Array  # (p,): where in the flattened `neighbors` the p true ones are


def lay_out(draws: SpanWindows) -> tuple[Pairs, np.ndarray]:
    """Return the windows of a span on the host, and where each window's cells begin.

    Every window is as wide as the widest; its neighbors are packed to the left.
    """
    lengths = np.diff(draws.first)
    column = np.arange(max(int(lengths.max(initial=0)), 1))
    position = draws.left[:, None] + column
    position += position >= draws.center[:, None]
    valid = column < lengths[:, None]
    neighbors = draws.words[np.where(valid, position, draws.center[:, None])]
    outputs = np.column_stack((draws.words[draws.center], draws.negatives))
    pairs = Pairs(neighbors, lengths[:, None], outputs, np.flatnonzero(valid))
    return Pairs(*(x.astype(np.int64) for x in pairs)), draws.first


def batch_of(pairs: Pairs, first: np.ndarray, lo: int, hi: int) -> Pairs:
    """Return windows lo to hi - 1 of a span."""
    neighbors, lengths, outputs, cells = pairs
    cells = cells[int(first[lo]) : int(first[hi])] - lo * neighbors.shape[1]
    return Pairs(neighbors[lo:hi, :], lengths[lo:hi, :], outputs[lo:hi, :], cells)


def on_device(pairs: Pairs, bk: Backend) -> Pairs:
    """Return the windows on a device."""
    return Pairs(*map(bk.view, pairs))


def _rows(table: Array, ids: Array) -> Array:
    xp = namespace(table)
    flat = xp.take(table, xp.reshape(ids, (-1,)), axis=0)
    return xp.reshape(flat, (*ids.shape, table.shape[1]))


def forward(W_in: Array, W_out: Array, pairs: Pairs) -> tuple[Array, Array, Array]:
    """Return z, shape (b, width, 1 + k), and the vectors that it is made of."""
    xp = namespace(W_in)
    C, T = _rows(W_in, pairs.neighbors), _rows(W_out, pairs.outputs)
    return C @ xp.matrix_transpose(T), C, T  # (b, width, dim) @ (b, dim, 1 + k)


def _counted(z: Array, pairs: Pairs) -> Array:
    """Return which entries of z are pairs: true neighbors, true negatives."""
    xp = namespace(z)
    column = xp.arange(z.shape[1], device=z.device)
    is_word = pairs.outputs == pairs.outputs[:, :1]
    is_word = is_word & (xp.arange(z.shape[2], device=z.device) > 0)
    return (column < pairs.lengths)[:, :, None] & ~is_word[:, None, :]


def _is_word(z: Array) -> Array:
    """Return 1 for the word in the middle, 0 for its negatives, shape (1 + k,)."""
    xp = namespace(z)
    return xp.astype(xp.arange(z.shape[2], device=z.device) == 0, z.dtype)


def loss_sum(z: Array, pairs: Pairs) -> Array:
    """Return the sum of L over all pairs of the windows, nats, shape ()."""
    xp = namespace(z)
    losses = softplus(z * (1.0 - 2.0 * _is_word(z)))
    return xp.sum(xp.where(_counted(z, pairs), losses, 0.0 * losses))


def backward(z: Array, C: Array, T: Array, pairs: Pairs) -> tuple[Array, Array]:
    """Return the gradients of the sum of L.

    Returns
    -------
    d_neighbors : array, shape (p, dim)
        Of the rows of W_in that the true neighbors name, in the order of `cells`.
    d_outputs : array, shape (b * (1 + k), dim)
        Of the rows of W_out that the flattened `outputs` name.
    """
    xp = namespace(z)
    dz = sigmoid(z)
    dz -= _is_word(z)
    dz = dz * xp.astype(_counted(z, pairs), z.dtype)
    dC = xp.reshape(dz @ T, (-1, T.shape[2]))  # (b, width, 1 + k) @ (b, 1 + k, dim)
    dT = xp.reshape(xp.matrix_transpose(dz) @ C, (-1, C.shape[2]))
    return xp.take(dC, pairs.cells, axis=0), dT


def step(
    W_in: Array, W_out: Array, pairs: Pairs, rate: float, with_loss: bool = False
) -> Array | None:
    """Take one step of gradient descent on the sum of L, in place.

    With `with_loss`, return the sum of L before the step.
    """
    xp = namespace(W_in)
    z, C, T = forward(W_in, W_out, pairs)
    loss = loss_sum(z, pairs) if with_loss else None
    d_neighbors, d_outputs = backward(z, C, T, pairs)
    names = xp.take(xp.reshape(pairs.neighbors, (-1,)), pairs.cells, axis=0)
    scatter_add(W_in, names, d_neighbors * -rate)
    scatter_add(W_out, xp.reshape(pairs.outputs, (-1,)), d_outputs * -rate)
    return loss
