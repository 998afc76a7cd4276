"""Networks of one shape that see the same batches: all their steps in one call.

What the Trainer's engine does for a Network, this does for those who have tensors
alone; each thread may have a crowd of its own.
"""

from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from .compiler import announced, compiled
from .jit import span, tables
from .lowering import lay_out
from .threads import team_for, together
from .workspace import aligned, room_for, table_for


class Shape(NamedTuple):
    """What all networks of a crowd have in common.

    Attributes
    ----------
    sizes : list of (n_in, n_out)
    kinds : list of int
        Each layer's activation, a number of `functions`.
    loss, optimizer : int
        Likewise.
    squares, clip : float
        See `tables.Plan`.
    labels : bool
        Whether answers are labels (else rows of targets).
    dtype : dtype
    """

    sizes: list[tuple[int, int]]
    kinds: list[int]
    loss: int
    optimizer: int
    squares: float
    clip: float
    labels: bool
    dtype: Any


class Crowd:
    """Networks in training, as flat arrays.

    Their cost is scikit-learn's: the penalty is of the whole batch, over its size.

    Parameters
    ----------
    shape : Shape
    rows : tables.Rows
    batch : int
        Examples a step, but for the last.
    vectors : array, shape (members, n_parameters)
        Where to start: all weights, layer by layer, then all biases; copied.
    memories : list of array, shape (members, n_parameters)
        What the optimizer remembers, likewise.
    alone : bool
        Whether no other crowd trains beside this one, so that a single network may
        take all threads.

    Attributes
    ----------
    h, l2 : arrays, shape (members, 5), (members, 1)
        Settings of the optimizer, see `functions.move`, and penalties; to be set.
    """

    def __init__(self, shape, rows, batch, vectors, memories, alone):
        where = lay_out(
            shape.sizes, shape.kinds, [False] * len(shape.kinds), shape.dtype
        )
        self._at, n, layers = _places(where.table), len(vectors), len(shape.kinds)
        self._plan = tables.Plan(
            table=table_for(where, batch),
            alphas=np.zeros(layers, shape.dtype),
            drop=np.zeros(layers),
            loss=shape.loss,
            optimizer=shape.optimizer,
            soften=np.asarray([1.0, 0.0]),
            squares=shape.squares,
            steep=1.0,
            clip=shape.clip,
            whole=True,
            labels=shape.labels,
            counts=False,
            track=True,
        )
        self._rows, self._batch = rows, batch
        self._team = team_for(where, batch) if alone and n == 1 else 1
        work = room_for(where, rows, batch, self._team, shape.dtype)
        self._work = work._replace(squared=np.zeros(1))
        self._flats = [_rows_of(n, where.size, shape.dtype) for _ in range(3)]
        for flat, v in zip(self._flats, (vectors, *memories), strict=False):
            flat[:, self._at] = v
        self.h = np.zeros((n, 5), shape.dtype)
        self.l2 = np.zeros((n, 1), shape.dtype)

    def take(self, order: Array, rates: Array, corrections: Array) -> Array:
        """Take a span of steps; return the sums of all costs, shape (members,).

        Parameters
        ----------
        order : int64 array
            The examples, batch by batch, C order.
        rates : array, shape (members, steps)
        corrections : array, shape (steps,)
            Adam's; see `plan.Settings`.
        """
        n, dtype = len(self.h), self.h.dtype
        sums = [np.zeros((n, 1)) for _ in range(3)]
        key = np.zeros((n, 2), np.uint64)
        state = tables.State(*self._flats, *sums, self.h, self.l2, key)
        rates, corrections = (
            np.array(a, dtype, order="C") for a in (rates, corrections)
        )
        task = tables.Task(order, self._batch, rates, corrections, 0, 0, False)
        whole = (self._plan, self._rows, state, self._work, task, 0, n)
        with announced(span.members, dtype, self._rows.idx.dtype):
            together(compiled(span.members), self._team, self._work.sync, whole)
        return sums[0][:, 0]

    def vectors(self) -> Array:
        """Return copies of all parameters, shape (members, n_parameters)."""
        return self._flats[0][:, self._at]

    def memories(self) -> list[Array]:
        """Return copies of what the optimizer may remember, likewise."""
        return [flat[:, self._at] for flat in self._flats[1:]]

    def keep(self, some: Array) -> None:
        """Go on with some of the networks; `some` says of each whether."""
        kept = []
        for flat in self._flats:
            kept.append(_rows_of(int(some.sum()), flat.shape[1], flat.dtype))
            kept[-1][...] = flat[some]
        self._flats, self.h, self.l2 = kept, self.h[some], self.l2[some]


def _rows_of(n: int, size: int, dtype: Any) -> Array:
    return aligned(n * size, dtype).reshape(n, size)


def _places(table: Array) -> Array:
    """Return where each number of a vector stands in a flat array."""
    weights, biases = [], []
    for n_in, n_out, width, W, b, *_ in table:
        columns = np.arange(n_out)
        weights.append((W + width * np.arange(n_in)[:, None] + columns).reshape(-1))
        biases.append(b + columns)
    return np.concatenate([*weights, *biases])
