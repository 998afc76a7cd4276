"""Batches from a file larger than memory: gathered row by row, never whole."""

from typing import Any

from ..backend import Array, Backend
from ..data import MatrixRows
from .batches import Feed


class DeviceRows:
    """Rows on disk as an array of the device that is made when it is cut.

    Parameters
    ----------
    bk : Backend
    rows : MatrixRows
    scale : float
        What the rows are multiplied with.
    """

    def __init__(self, bk: Backend, rows: MatrixRows, scale: float = 1.0):
        self._bk, self._rows, self._scale = bk, rows, scale
        self.shape, self.ndim = rows.shape, 2
        self.dtype = bk.dtype(str(rows.dtype))

    def __getitem__(self, index: Any) -> Array:
        """Return some rows, a slice or a host index, on the device."""
        x = self._rows[index].load()
        if self._scale != 1.0:
            x *= self._scale
        return self._bk.view(x)


class DiskFeed(Feed):
    """The mini-batches of a data set whose features stay on disk.

    The answers and the orders are in memory; each step reads its own rows.
    """

    def __init__(self, bk: Backend, x: DeviceRows, *rest: Any, **settings: Any):
        super().__init__(bk, x, *rest, **settings)
        self._on_disk = x

    def load(self, first: int, last: int) -> None:
        """Bring the orders of steps first to last - 1 to the device."""
        super().load(first, last)
        end = min(last * self.batch_size, self.n)
        self._rows_of_span = self._orders[..., self._start : end]

    def batch(self, step: int) -> tuple[Array, Array, Array | None]:
        """Return (x, t, weight) of one step of the loaded span; see `Feed`."""
        a = step * self.batch_size - self._start
        b = a + self.size(step)
        index = self._rows_of_span[..., a:b]
        x = self._on_disk[index.reshape(-1)]
        x = self._bk.xp.reshape(x, (*index.shape, x.shape[-1]))
        weights = None if self._weights is None else self._weights[..., a:b]
        if self._lead:
            return x, self._targets[:, a:b, ...], weights
        return x, self._targets[a:b, ...], weights
