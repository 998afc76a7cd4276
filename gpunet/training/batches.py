"""Mini-batches: which examples each step sees, on the device.

The data lie on the device whole. Orders are drawn on the host, one per epoch
and seed, and a span of them is copied at a time; a batch is then one `take`.
"""

from collections.abc import Sequence
from math import ceil

from .._types import Array
from ..backend import Backend
from ..population import epoch_order


class Feed:
    """The mini-batches of one data set for some members.

    Parameters
    ----------
    bk : Backend
    x : device array, shape (n, features...)
    t : device array, labels (n,) or targets (n, n_out)
    weight : device array, shape (n,), or None
    batch_size : int
        The last batch of an epoch may be shorter; it counts by its true size.
    seeds : sequence of int
    own_orders : bool
        Whether batches have a member axis.
    order : "own", "shared" or "none"
    """

    def __init__(
        self,
        bk: Backend,
        x: Array,
        t: Array,
        weight: Array | None,
        *,
        batch_size: int,
        seeds: Sequence[int],
        own_orders: bool,
        order: str,
    ):
        self._bk, self._x, self.answers, self._weight = bk, x, t, weight
        self.n, self.batch_size = x.shape[0], batch_size
        self.steps = ceil(self.n / batch_size)
        self._seeds, self._order = tuple(seeds), order
        self._lead = (len(self._seeds),) if own_orders else ()

    def begin(self, epoch: int) -> None:
        """Draw the orders of an epoch."""
        self._orders = epoch_order(self._seeds, epoch, self.n, self._order)
        if not self._lead and self._orders.ndim == 2:
            self._orders = self._orders[0]

    def load(self, first: int, last: int) -> None:
        """Bring the orders of steps first to last - 1 to the device."""
        self._start = first * self.batch_size
        part = self._orders[..., self._start : min(last * self.batch_size, self.n)]
        self._index = self._bk.array(part)
        # Labels are small: gathered once a span, they cost nothing at each step.
        self._labels = self._rows(self.answers, self._index)
        self._weights = (
            None if self._weight is None else self._rows(self._weight, self._index)
        )

    def batch(self, step: int) -> tuple[Array, Array, Array | None]:
        """Return (x, t, weight) of one step of the loaded span.

        Returns
        -------
        x : array, shape (batch, features...), members first with own orders
        t, weight : arrays, shape (batch, ...), likewise
        """
        a = step * self.batch_size - self._start
        b = a + self.size(step)
        x = self._rows(self._x, self._index[..., a:b])
        if not self._lead:
            return x, self._labels[a:b, ...], self._cut(a, b)
        return x, self._labels[:, a:b, ...], self._cut(a, b)

    def size(self, step: int) -> int:
        """Return how many examples a step sees."""
        return min(self.batch_size, self.n - step * self.batch_size)

    def _cut(self, a: int, b: int) -> Array | None:
        return None if self._weights is None else self._weights[..., a:b]

    def _rows(self, source: Array, index: Array) -> Array:
        xp = self._bk.xp
        if not self._lead:
            return xp.take(source, index, axis=0)
        rows = xp.take(source, xp.reshape(index, (-1,)), axis=0)
        return xp.reshape(rows, (*index.shape, *source.shape[1:]))
