"""Mini-batches: which examples each step sees, on the device.

The data lie on the device whole. Orders are drawn on the host, one per epoch
and seed, and a span of them is copied at a time; a batch is then one `take`.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from ..backend import Array, Backend, namespace
from ..losses import one_hot
from ..random import epoch_order

_FEW = 32  # classes


def floats(x: Array, dtype: Any, scale: float) -> Array:
    """Return bytes as floats times `scale`; other numbers as they are."""
    xp = namespace(x)
    return xp.astype(x, dtype) * scale if x.dtype == xp.uint8 else x


class Place(NamedTuple):
    """Where a step's batch lies in the loaded span, for engines.

    Attributes
    ----------
    index, answers, weights : device arrays of the whole span
        Shape (steps, ...) or, with own orders, (members, steps, ...); weights may
        be None.
    first : int
        Where the batch begins in it.
    stride : int
        From one member's numbers to the next's; 0 where all share them.
    """

    index: Array
    answers: Array
    weights: Array | None
    first: int
    stride: int


class Feed:
    """The mini-batches of one data set for some members.

    Parameters
    ----------
    bk : Backend
    x : device array, shape (n, features...)
        Bytes stay bytes; a batch of them is converted when it is taken.
    t : device array, labels (n,) or targets (n, n_out)
    weight : device array, shape (n,), or None
    batch_size : int
        The last batch of an epoch may be shorter; it counts by its true size.
    seeds : sequence of int
    own_orders : bool
        Whether batches have a member axis.
    order : "own", "shared" or "none"
    n_out : int
        Outputs of the network: labels of a few classes become one-hot rows a
        span at a time, which saves a small network 4 % of its step.
    dtype : str
        Of these rows, and of bytes when they are converted.
    scale : float
        What bytes are multiplied with.

    Attributes
    ----------
    x, answers : device array
        All examples, as given.
    own_orders : bool
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
        n_out: int = 0,
        dtype: str = "float32",
        scale: float = 1.0,
    ):
        self._bk, self.x, self.answers, self._weight = bk, x, t, weight
        self.own_orders, self.scale = own_orders, scale
        self._bytes = x.dtype == bk.dtype("uint8")
        self.n, self.batch_size = x.shape[0], batch_size
        self.steps = ceil(self.n / batch_size)
        self._seeds, self._order = tuple(seeds), order
        self._lead = (len(self._seeds),) if own_orders else ()
        few = t.ndim == 1 and 1 < n_out <= _FEW and not own_orders
        self._n_out, self._dtype = n_out if few else 0, bk.dtype(dtype)

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
        # Answers are small: gathered once a span, they cost nothing at each step.
        self._answers = self._rows(self.answers, self._index)
        self._targets = self._answers
        if self._n_out:
            self._targets = one_hot(self._answers, self._n_out, self._dtype)
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
        if not self._lead:
            x = self._bk.xp.take(self.x, self._index[a:b], axis=0)
            if self._bytes:
                x = floats(x, self._dtype, self.scale)
            weights = None if self._weights is None else self._weights[a:b]
            return x, self._targets[a:b, ...], weights
        x = self._rows(self.x, self._index[:, a:b])
        if self._bytes:
            x = floats(x, self._dtype, self.scale)
        weights = None if self._weights is None else self._weights[:, a:b]
        return x, self._targets[:, a:b, ...], weights

    def given(self, step: int) -> Array:
        """Return the answers of one step as they were given: labels stay labels."""
        a = step * self.batch_size - self._start
        b = a + self.size(step)
        return self._answers[:, a:b, ...] if self._lead else self._answers[a:b, ...]

    def place(self, step: int) -> Place:
        """Return where one step of the loaded span lies."""
        first = step * self.batch_size - self._start
        stride = self._index.shape[-1] if self._lead else 0
        return Place(self._index, self._answers, self._weights, first, stride)

    def size(self, step: int) -> int:
        """Return how many examples a step sees."""
        return min(self.batch_size, self.n - step * self.batch_size)

    def _rows(self, source: Array, index: Array) -> Array:
        xp = self._bk.xp
        if not self._lead:
            return xp.take(source, index, axis=0)
        rows = xp.take(source, xp.reshape(index, (-1,)), axis=0)
        return xp.reshape(rows, (*index.shape, *source.shape[1:]))
