"""The step of the skip-gram: gradients of its pairs, by hand and as dense layers."""

import numpy as np
import pytest
from helpers import error, normal, on_device

from gpunet import open_backend
from gpunet.text import (
    pairs,
)
from gpunet.text.draws import SpanWindows

N_WORDS, DIM = 7, 3


def windows(seed=0, n=9):
    """Draws in which words repeat, negatives too, and some are the word itself."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, N_WORDS, n).astype(np.int32)
    center = np.arange(n)
    left = np.maximum(center - rng.integers(1, 4, n), 0)
    right = np.minimum(center + rng.integers(1, 4, n) + 1, n)
    first = np.append(0, np.cumsum(right - left - 1))
    negatives = rng.integers(0, N_WORDS, (n, 4)).astype(np.int32)
    return SpanWindows(words, center, left, right, first, negatives)


def plain_pairs(draws):
    """Return (neighbor, output, label) of every pair, by plain loops."""
    found = []
    for m, i in enumerate(draws.center):
        word = draws.words[i]
        for p in range(draws.left[m], draws.right[m]):
            if p != i:
                found.append((draws.words[p], word, 1.0))
                found += [
                    (draws.words[p], n, 0.0) for n in draws.negatives[m] if n != word
                ]
    return [np.array(column) for column in zip(*found, strict=True)]


def dense(W_in, W_out, draws):
    """Return loss and gradients as of two dense layers on one-hot rows."""
    neighbor, output, label = plain_pairs(draws)
    A, B = np.eye(N_WORDS)[neighbor], np.eye(N_WORDS)[output]
    hidden, other = A @ W_in, B @ W_out
    z = np.sum(hidden * other, axis=1)
    loss = np.sum(np.log1p(np.exp(z)) - label * z)
    dz = (1 / (1 + np.exp(-z)) - label)[:, None]
    return loss, A.T @ (dz * other), B.T @ (dz * hidden)


def tables(bk, dtype="float64"):
    W = normal(3, 2, N_WORDS, DIM)
    return bk.array(W[0], dtype), bk.array(W[1], dtype)


def test_gradient_is_the_dense_one_hot_form(bk):
    draws = windows()
    W_in, W_out = tables(bk)
    start = bk.to_host(W_in).copy(), bk.to_host(W_out).copy()
    loss, d_in, d_out = dense(*start, draws)
    host, first = pairs.lay_out(draws)
    batch = pairs.batch_of(pairs.on_device(host, bk), first, 0, len(draws.center))
    found = pairs.step(W_in, W_out, batch, 0.1, with_loss=True)
    assert on_device(bk, W_in) and W_in.dtype == bk.dtype("float64")
    assert error(start[0] - bk.to_host(W_in), 0.1 * d_in) < 1e-12
    assert error(start[1] - bk.to_host(W_out), 0.1 * d_out) < 1e-12
    assert float(bk.to_host(found)) == pytest.approx(loss, rel=1e-12)


def test_gradient_matches_central_differences():
    bk, draws = open_backend("cpu"), windows(1)
    host, first = pairs.lay_out(draws)
    batch = pairs.batch_of(host, first, 2, 7)
    for which in range(2):
        W = list(tables(bk))
        stepped = [w.copy() for w in W]
        pairs.step(*stepped, batch, 1.0)
        slope = np.zeros_like(W[which])
        for k in np.ndindex(slope.shape):
            for sign in (1, -1):
                moved = [w.copy() for w in W]
                moved[which][k] += sign * 1e-5
                z, *_ = pairs.forward(*moved, batch)
                slope[k] += sign * pairs.loss_sum(z, batch) / 2e-5
        assert error(W[which] - stepped[which], slope) < 1e-8


def test_one_pair_by_hand():
    # "a b" with a twice as a negative: z = 0, so sigma is 1/2 everywhere.
    draws = SpanWindows(*map(np.array, ([0, 1], [1], [0], [2], [0, 1], [[2, 2]])))
    host, first = pairs.lay_out(draws)
    W_in, W_out = np.array([[1.0], [5.0], [7.0]]), np.zeros((3, 1))
    loss = pairs.step(W_in, W_out, pairs.batch_of(host, first, 0, 1), 0.5, True)
    assert float(loss) == pytest.approx(3 * np.log(2))
    assert W_in.tolist() == [[1.0], [5.0], [7.0]]
    assert W_out.tolist() == [[0.0], [0.25], [-0.5]]  # the repeated row has both


def test_a_span_in_batches_has_every_pair_once():
    draws = windows(2)
    host, first = pairs.lay_out(draws)
    found = []
    for lo in range(0, 9, 4):
        batch = pairs.batch_of(host, first, lo, min(lo + 4, 9))
        found += batch.neighbors.ravel()[batch.cells].tolist()
    neighbor, _, label = plain_pairs(draws)
    assert found == neighbor[label == 1].tolist()
