"""Training that skips the columns which are 0 in all rows of a batch.

Pictures have margins. With the columns sorted by how often they are not 0, those
of a batch that are 0 lie at the end, mostly: what is left is a block that BLAS
takes as it is. Of MNIST's 784 pixels a batch of 200 needs 635, one of 10 needs 540.
"""

from typing import Any

import numpy as np
import scipy.sparse

from .lean import Lean, forward, unpack

_BATCH = 200  # of the rows looked at


def _by_use(x: np.ndarray) -> np.ndarray:
    """Return the columns, the most often used first."""
    return np.argsort(-np.count_nonzero(x, axis=0), kind="stable")


def _ends(x: np.ndarray) -> np.ndarray:
    """Return for each row how many columns it has without its last zeros."""
    used = x != 0
    ends = x.shape[1] - np.argmax(used[:, ::-1], axis=1)
    return np.where(used.any(axis=1), ends, 0)


def worth_sorting(x: Any, coefs: list, epochs: int) -> bool:
    """Return whether a training of so many epochs is sooner done by `Sorted`.

    Parameters
    ----------
    x : array or CSR/CSC, shape (n, n_features)
    coefs : list of arrays
    epochs : int
        Two of them are what the sorting takes.
    """
    small = coefs[0].ndim > 2 or coefs[0].size < 10_000  # the product is not the time
    if scipy.sparse.issparse(x) or epochs < 3 or small:
        return False
    some = x[:: max(1, len(x) // (5 * _BATCH))]
    ends = _ends(some[:, _by_use(some)])
    needed = np.maximum.reduceat(ends, np.arange(0, len(ends), _BATCH))
    return bool(needed.mean() < 0.9 * x.shape[1])


class Sorted(Lean):
    """A `Lean` whose columns, and so its first weights, lie sorted by use.

    What is asked of it, and what it gives, has the columns as they were.
    """

    def __init__(self, coefs, intercepts, activation, out_activation, alpha, data):
        x, t, weight = data
        self._columns = _by_use(x)
        n_used = int(np.count_nonzero(x.any(axis=0)))
        x = x.take(self._columns[:n_used], axis=1)  # (n, n_used)
        self._ends = _ends(x)
        own = (intercepts, activation, out_activation, alpha, (x, t, weight))
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

    def _rows(self, order: Any, a: int, b: int) -> Any:
        ends = self._ends[a:b] if order is None else self._ends[order[a:b]]
        return super()._rows(order, a, b)[:, : ends.max()]
