"""Networks of one shape that see the same batches: all their steps in one call.

The Trainer's engine trains a Network; this trains those who have tensors alone.
Several populations may train side by side, each in a thread of its own.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from .compiler import announced, compiled
from .jit.span import train_members
from .jit.structs import Examples, LoweredNetwork, MemberState, StepSpan
from .lowering import Layout, lay_out
from .threads import run_threads, threads_for
from .workspace import aligned, layers_for, workspace_for


class PopulationShape(NamedTuple):
    """What all networks of a population have in common; see `LoweredNetwork`."""

    sizes: Sequence[tuple[int, int]]  # (n_in, n_out) of each layer
    activations: Sequence[int]  # numbers of `functions`, as loss and optimizer are
    loss: int
    optimizer: int
    square_factor: float
    clip: float
    labels: bool
    dtype: Any


class PopulationState:
    """Networks in training, as flat arrays.

    Their cost is scikit-learn's: the penalty is of the whole batch, over its size.
    They start from copies of `vectors`, shape (members, n_parameters): all weights,
    layer by layer, then all biases; and of `memories`, the optimizer's state, likewise.
    A single network may use all threads if no other population trains beside it
    (`alone`). `hyper`, shape (members, 5), and `l2`, (members, 1), are to be set: see
    `functions.apply_gradient`.
    """

    def __init__(
        self,
        shape: PopulationShape,
        examples: Examples,
        batch_size: int,
        vectors: Array,
        memories: Sequence[Array],
        alone: bool,
    ):
        n, dtype = len(vectors), shape.dtype
        no_dropout = [False] * len(shape.sizes)
        layout = lay_out(shape.sizes, shape.activations, no_dropout, dtype)
        self._columns = _columns(layout.layers)
        self._net = _lower(shape, layout, batch_size)
        self._examples, self._batch_size = examples, batch_size
        self._n_threads = threads_for(layout, batch_size) if alone and n == 1 else 1
        space = workspace_for(layout, examples, batch_size, self._n_threads, dtype)
        self._workspace = space._replace(squared_weights=np.zeros(1))
        self._flats = [_aligned_rows(n, layout.size, dtype) for _ in range(3)]
        for flat, start in zip(self._flats, (vectors, *memories), strict=False):
            flat[:, self._columns] = start
        self.hyper, self.l2 = np.zeros((n, 5), dtype), np.zeros((n, 1), dtype)

    def train(self, order: Array, rates: Array, corrections: Array) -> Array:
        """Take a span of steps; return the sums of all costs, shape (members,).

        `order` are the examples, int64; rates are (members, steps), Adam's
        corrections (steps,).
        """
        n, dtype, (P, M, V) = len(self.hyper), self.hyper.dtype, self._flats
        loss, n_correct, grad_norm = np.zeros((3, n, 1))
        key = np.zeros((n, 2), np.uint64)
        state = MemberState(
            P, M, V, loss, n_correct, grad_norm, self.hyper, self.l2, key
        )
        rates = np.array(rates, dtype, order="C")
        corrections = np.array(corrections, dtype)
        span = StepSpan(order, self._batch_size, rates, corrections, 0, 0, False)
        task = (self._net, self._examples, state, self._workspace, span, 0, n)
        with announced(train_members, dtype, self._examples.columns.dtype):
            kernel = compiled(train_members)
            run_threads(kernel, self._n_threads, self._workspace.sync, task)
        return loss[:, 0]

    def vectors(self) -> Array:
        """Return copies of all parameters, shape (members, n_parameters)."""
        return self._flats[0][:, self._columns]

    def memories(self) -> list[Array]:
        """Return copies of the optimizer's two possible memories, likewise."""
        return [flat[:, self._columns] for flat in self._flats[1:]]

    def keep(self, some: Array) -> None:
        """Keep only the members where `some` is true."""
        flats = []
        for flat in self._flats:
            flats.append(_aligned_rows(int(some.sum()), flat.shape[1], flat.dtype))
            flats[-1][...] = flat[some]
        self._flats, self.hyper, self.l2 = flats, self.hyper[some], self.l2[some]


def _lower(shape: PopulationShape, layout: Layout, batch_size: int) -> LoweredNetwork:
    return LoweredNetwork(
        layers=layers_for(layout, batch_size),
        alphas=np.zeros(len(shape.sizes), shape.dtype),
        dropout=np.zeros(len(shape.sizes)),
        loss=shape.loss,
        optimizer=shape.optimizer,
        smoothing=np.asarray([1.0, 0.0]),
        square_factor=shape.square_factor,
        slope_factor=1.0,
        labels=shape.labels,
        clip=shape.clip,
        batch_penalty=True,
    )


def _aligned_rows(n: int, size: int, dtype: Any) -> Array:
    return aligned(n * size, dtype).reshape(n, size)


def _columns(layers: Array) -> Array:
    """Return where each number of a vector is in a flat array."""
    weights, biases = [], []
    for n_in, n_out, width, w, b, *_ in layers:
        columns = np.arange(n_out)
        weights.append((w + width * np.arange(n_in)[:, None] + columns).reshape(-1))
        biases.append(b + columns)
    return np.concatenate([*weights, *biases])
