"""Trains word vectors with the compiled loops of `jit.skipgram`, a span at a time."""

from functools import partial
from typing import Any

import numpy as np

from ...backend import Array
from . import compiler
from .compiler import announced, compiled, missing
from .jit.skipgram import VectorBuffers, Windows, train_windows
from .threads import run_threads

__all__ = ["missing", "seconds_until_ready", "train_span"]

seconds_until_ready = partial(compiler.seconds_until_ready, train_windows)


def train_span(
    draws: Any,
    rates: Array,
    batch_size: int,
    W_in: Array,
    W_out: Array,
    n_threads: int = 1,
) -> Array:
    """Train the windows of a `gpunet.text.draws.SpanWindows`, `batch_size` at a time.

    `rates` are of the batches, in the dtype of W_in; W_in and W_out, shape (n_words,
    dim), are mutated. Returns the loss of each window before the step of its batch,
    summed over its pairs, float64, nats.
    """
    windows = Windows(*draws)
    m, dim = len(windows.center), W_in.shape[1]
    n_out, first = 1 + windows.negatives.shape[1], windows.first
    starts = np.append(np.arange(0, m, batch_size), m)
    most = int(np.diff(first[starts]).max(initial=0))
    d_in = np.empty((most, dim), W_in.dtype)
    d_out = np.empty((min(batch_size, m) * n_out, dim), W_in.dtype)
    widest = int(np.diff(first).max(initial=0))
    losses = np.zeros(m)
    sync = np.zeros(16, np.int64)
    z = np.empty((n_threads, max(widest, 1) * n_out), W_in.dtype)
    outputs, neighbors = (np.empty((n_threads, n), np.int64) for n in (n_out, widest))
    vectors = VectorBuffers(W_in, W_out, d_in, d_out, z, outputs, neighbors)
    task = (windows, starts, rates, vectors, losses, sync)
    with announced(train_windows, W_in.dtype):
        run_threads(compiled(train_windows), n_threads, sync, task)
    return losses
