"""Training that skips the columns which are 0 in all rows of a part of a batch.

Pictures have margins. With the columns sorted by how often they are not 0, a row's
last ones are 0; with a batch's rows sorted by where that begins, the zeros lie
above a staircase, and each of its steps is a block that BLAS takes as it is. Of
MNIST's 784 pixels a row needs 411, a batch of 200 as one block 636, one of 10 540.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from threadpoolctl import threadpool_info

from .steppers.numpy_stepper import Lean, forward, unpack

_BATCH = 200  # of the rows looked at
# Rows of a block: OpenBLAS takes products of up to a million multiplications without
# copying them into its own order. The first layer of the default network on MNIST, a
# batch of 200, there and back: 1,140 us as one block, 730 us as 17.
_ROWS, _SMALL = 12, 1_000_000


class Blocks(NamedTuple):
    """Rows of a batch, those that use more columns first.

    Attributes
    ----------
    x : array, shape (batch, n_columns)
    stops : list of int, shape (n_blocks,)
        Where each block of rows ends.
    used : list of int, shape (n_blocks + 1,)
        How many columns each block needs, and 0.
    """

    x: np.ndarray
    stops: list[int]
    used: list[int]


def _by_use(used: np.ndarray) -> np.ndarray:
    """Return the columns that are not all 0, the most often used first."""
    counts = np.count_nonzero(used, axis=0)
    return np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]


def _ends(used: np.ndarray) -> np.ndarray:
    """Return for each row how many columns it has without its last zeros."""
    ends = used.shape[1] - np.argmax(used[:, ::-1], axis=1)
    return np.where(used.any(axis=1), ends, 0)


def worth_sorting(x: Any, coefs: list, epochs: int) -> bool:
    """Return whether a training of so many epochs is sooner done by `Sorted`.

    Parameters
    ----------
    x : array or CSR/CSC, shape (n, n_features)
    coefs : list of arrays
    epochs : int
        Sorting takes about half of one.
    """
    small = coefs[0].ndim > 2 or coefs[0].size < 10_000  # the product is not the time
    if scipy.sparse.issparse(x) or epochs < 3 or small:
        return False
    used = x[:: max(1, len(x) // (5 * _BATCH))] != 0
    ends = _ends(used.take(_by_use(used), axis=1))
    needed = np.maximum.reduceat(ends, np.arange(0, len(ends), _BATCH))
    return bool(needed.mean() < 0.9 * x.shape[1])


class Sorted(Lean):
    """A `Lean` whose columns, and so its first weights, lie sorted by use.

    What is asked of it, and what it gives, has the columns as they were. The rows of
    a batch come in another order, which changes its sums by rounding alone.
    """

    def __init__(self, coefs, intercepts, activation, out_activation, alpha, data):
        x, t, weight = data
        used = x != 0
        some = _by_use(used)
        self._ends = _ends(used.take(some, axis=1))
        rest = np.setdiff1d(np.arange(x.shape[1]), some)
        self._columns = np.concatenate([some, rest])
        threads = [
            i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"
        ]
        # threads share one large product better than many small ones
        small = _ROWS * len(some) * coefs[0].shape[1] <= _SMALL
        self._in_steps = small and max(threads, default=1) == 1
        data = x.take(some, axis=1), t, weight  # (n, n_used)
        own = (intercepts, activation, out_activation, alpha, data)
        super().__init__([coefs[0][self._columns], *coefs[1:]], *own)

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x, shape (n, n_out)."""
        net = (*self.tensors(), self._activate, self._finish)
        return forward(x, *net, [None] * len(self.coefs))

    def tensors(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return (coefs, intercepts) as they stand: copies."""
        return self._unsorted(self.p)

    def remember(self, solver: Any) -> None:
        """Give a solver's memories the order of the columns back."""
        for slot in solver.slots:
            first = unpack(slot, self.coefs)[0][0]
            first[...] = self._unsorted(slot)[0][0]

    def _unsorted(self, vector: np.ndarray) -> tuple[list, list]:
        coefs, intercepts = unpack(vector.copy(), self.coefs)
        coefs[0][self._columns] = coefs[0].copy()
        return coefs, intercepts

    def epoch(self, order, batches, solver):
        """Take a step for each batch; see `Lean.epoch`."""
        order = np.arange(len(self._ends)) if order is None else order
        batch = np.repeat(np.arange(len(batches)), [b - a for a, b in batches])
        order = order[np.lexsort((-self._ends[order], batch))]
        self._falling = self._ends[order].tolist()
        return super().epoch(order, batches, solver)

    def _rows(self, order: Any, a: int, b: int) -> Blocks:
        rows = _ROWS if self._in_steps else b - a
        stops = [*range(a + rows, b, rows), b]
        x = super()._rows(order, a, b)
        return Blocks(x, [k - a for k in stops], [*self._falling[a:b:rows], 0])

    @staticmethod
    def _first(blocks: Blocks, W: np.ndarray, out: np.ndarray) -> np.ndarray:
        x, start = blocks.x, 0
        for stop, n in zip(blocks.stops, blocks.used, strict=False):
            np.matmul(x[start:stop, :n], W[:n], out=out[start:stop])
            start = stop
        return out

    @staticmethod
    def _first_back(blocks: Blocks, dz: np.ndarray, dW: np.ndarray) -> None:
        x, _, used = blocks
        dW[used[0] :] = 0
        for stop, (n, least) in zip(blocks.stops, pairwise(used), strict=True):
            np.matmul(x[:stop, least:n].T, dz[:stop], out=dW[least:n])
