"""Mini-batches: which examples each step sees, on the device.

Orders are drawn on the host, one for each epoch and seed, and a chunk of them is
copied at a time; a batch is then one `take`.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from ..backend import Array, HostArray
from ..random import epoch_order
from .device_data import DeviceData


class Chunk(NamedTuple):
    """The loaded chunk as compiled engines read it, and where a step begins in it.

    Attributes
    ----------
    index, t, weight : device arrays of all the chunk's steps
        Shape (examples, ...) or, with orders of members, (members, examples, ...);
        weight may be None.
    first : int
        Where the step's batch begins.
    stride : int
        From one member's numbers to the next's; 0 where all share them.
    """

    index: Array
    t: Array
    weight: Array | None
    first: int
    stride: int


class Batches:
    """The mini-batches of one data set for some members.

    ``batches[k]`` is (x, t, weight) of step k of the loaded chunk: x of shape
    (batch, features...), t and weight (batch, ...), members first where each has
    its own order.

    Parameters
    ----------
    data : DeviceData
    batch_size : int
        The last batch of an epoch may be shorter.
    seeds : int or sequence of int
        One seed for an order that all share, or the seed of each member.
    shuffle : bool

    Attributes
    ----------
    n_steps : int
        In an epoch.
    per_member : bool
        Whether batches have a member axis.
    """

    def __init__(
        self,
        data: DeviceData,
        batch_size: int,
        seeds: int | Sequence[int],
        shuffle: bool = True,
    ):
        self.data, self.batch_size = data, batch_size
        self.n_steps = ceil(data.n / batch_size)
        self.per_member = not isinstance(seeds, int)
        self._seeds, self._shuffle = seeds, shuffle

    def start_epoch(self, epoch: int) -> None:
        """Draw the orders of an epoch."""
        self._orders = epoch_order(self._seeds, epoch, self.data.n, self._shuffle)

    def order(self, first: int, last: int) -> HostArray:
        """Return which examples the steps first to last - 1 see, (..., examples)."""
        end = min(last * self.batch_size, self.data.n)
        return self._orders[..., first * self.batch_size : end]

    def load_chunk(self, first: int, last: int) -> None:
        """Copy the orders of steps first to last - 1 to the device."""
        self._start = first * self.batch_size
        self._host_index = self.order(first, last)
        self._index = self.data.bk.array(self._host_index)
        # Answers are small: gathered once a chunk, they cost nothing at each step.
        self._t = self._rows(self.data.t, self._index)
        weight = self.data.weight
        self._weight = None if weight is None else self._rows(weight, self._index)

    def __getitem__(self, k: int) -> tuple[Array, Array, Array | None]:
        a = k * self.batch_size - self._start
        here = slice(a, a + self.size(k))
        weight = self._weight
        if self.per_member:
            x = self._features((slice(None), here))
            weight = None if weight is None else weight[:, here]
            return x, self._t[:, here, ...], weight
        x = self._features((here,))
        return x, self._t[here, ...], None if weight is None else weight[here]

    def chunk(self, k: int) -> Chunk:
        """Return where step k is in the loaded chunk."""
        first = k * self.batch_size - self._start
        stride = self._index.shape[-1] if self.per_member else 0
        return Chunk(self._index, self._t, self._weight, first, stride)

    def size(self, k: int) -> int:
        """Return how many examples step k sees."""
        return min(self.batch_size, self.data.n - k * self.batch_size)

    def _features(self, here: tuple[slice, ...]) -> Array:
        if not self.data.on_disk:
            return self.data.floats(self._rows(self.data.x, self._index[here]))
        index = self._host_index[here]
        x = self.data.x[index.reshape(-1)]
        return self.data.bk.xp.reshape(x, (*index.shape, x.shape[-1]))

    def _rows(self, source: Array, index: Array) -> Array:
        xp = self.data.bk.xp
        if not self.per_member:
            return xp.take(source, index, axis=0)
        rows = xp.take(source, xp.reshape(index, (-1,)), axis=0)
        return xp.reshape(rows, (*index.shape, *source.shape[1:]))
