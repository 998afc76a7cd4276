"""Data as the kernels read them, and room for a step's numbers."""

from typing import Any

import numpy as np

from ...backend import Array
from .compiler import compiled
from .jit import examples, tables
from .jit.vectors import lanes
from .lowering import Layout

_SPARSE = 0.5  # a data set with fewer numbers than this part is kept as lists
NOTHING = np.zeros(0, np.int64)


def aligned(n: int, dtype: Any) -> Array:
    """Return n zeros that begin at a whole vector: half as long to read as others."""
    room = np.zeros((n + 1) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + n * np.dtype(dtype).itemsize].view(dtype)


def places(n_columns: int) -> Any:
    """Return the dtype that columns are counted in: half as much to read if short."""
    return np.uint16 if n_columns < 2**16 else np.int32


def lay_rows(x: Array) -> tuple[Array, Array, Array]:
    """Return the rows of x, shape (n, features), as (val, idx, start); see `Rows`."""
    x = np.require(x, None, "CW")  # kernels for what is read-only are others
    counts, kind = np.count_nonzero(x, axis=1), places(x.shape[1])
    if counts.sum() >= _SPARSE * x.size:
        return x.reshape(-1), np.arange(x.shape[1], dtype=kind), NOTHING
    start = np.zeros(len(x) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    val, idx = np.empty(start[-1], x.dtype), np.empty(start[-1], kind)
    compiled(examples.list_rows)(x, start, idx, val)
    return val, idx, start


def bounds(table: Array, rows: tables.Rows, team: int) -> Array:
    """Return the rows of each layer's W at which threads take over, (layers, team + 1).

    The first layer's are of equal work: pictures have more in their middle.
    """
    cuts = np.zeros((len(table), team + 1), np.int64)
    for cut, n in zip(cuts, table[:, tables.N_IN], strict=True):
        cut[:] = [min(-(-n * k // team) + 3 & ~3, n) for k in range(team + 1)]
        cut[0] = 0
    if rows.start.size:
        # By blocks: bincount makes int64 of what it counts, 72 MB for MNIST.
        blocks = (rows.idx[k : k + 2**18] for k in range(0, rows.idx.size, 2**18))
        n_in = table[0, tables.N_IN]
        work = np.cumsum(sum(np.bincount(part, minlength=n_in) for part in blocks))
        parts = work[-1] * np.arange(1, team) / team
        cuts[0, 1:team] = np.searchsorted(work, parts)
    return cuts


def table_for(where: Layout, batch: int) -> Array:
    """Return the table of layers for so many examples a step."""
    table = where.table.copy()
    table[:, tables.ROWS] *= batch
    # Of a few rows silent neurons are worth leaving out; products of four whole
    # rows at a time are faster than that.
    table[:, tables.LISTED] = batch < 4
    return table


def room_for(
    where: Layout, rows: tables.Rows, batch: int, team: int, dtype: Any
) -> tables.Work:
    """Return the room for steps of so many examples by so many threads."""
    table, room = where.table, batch * where.row
    n_in, _, _, *_, part = table[0]
    whole, step = not rows.start.size and batch >= 4, lanes(dtype)
    wide = (n_in + step if n_in % (4 * step) == 0 else n_in) if whole else 0
    turned = 0
    if rows.start.size and batch >= 32 and part % (4 * step) == 0:
        turned = team * int(np.sort(np.diff(rows.start))[-batch:].sum())
    widths = table[:, tables.WIDTH]
    narrow = (
        widths[:-1] * table[1:, tables.N_OUT] * (table[1:, tables.PART] <= 4 * step)
    )
    flipped = int(narrow.max(initial=0))
    work = tables.Work(
        A=aligned(room, dtype),
        D=aligned(room, dtype),
        val=aligned(room, dtype),
        mask=aligned(room, dtype),
        idx=np.zeros(room, np.int32),
        count=np.zeros((len(table), batch), np.int64),
        lost=np.zeros(batch, dtype),
        hits=np.zeros(batch, np.int64),
        bounds=bounds(table, rows, team),
        X=aligned(batch * wide, dtype).reshape(batch, -1),
        turned=np.zeros(turned, dtype),
        owner=np.zeros(turned, np.int32),
        ends=np.zeros(n_in, np.int64),
        next=np.zeros((team, n_in), np.int64),
        lows=np.zeros((team, 2 * batch), np.int64),
        T=np.zeros((team, where.row)),
        F=aligned(team * flipped, dtype).reshape(team, flipped),
        G=aligned(where.size, dtype),
        squared=None,
        sync=np.zeros(16, np.int64),
    )
    work.mask[:] = 1.0
    return work
