"""Data as the kernels read them, and the arrays of a step."""

from typing import Any

import numpy as np

from ...backend import Array
from .jit.structs import N_IN, N_OUT, ROWS, SPARSE, USED, WIDTH, Examples, Workspace
from .jit.vectors import lanes
from .lowering import Layout

_SPARSE = 0.5  # data with a smaller share of numbers that are not 0 become lists
_BLOCK = 256  # rows listed at once: their indices stay in the cache
NOTHING = np.zeros(0, np.int64)


def aligned(n: int, dtype: Any) -> Array:
    """Return n zeros that begin at a whole vector, which halves the time to read."""
    n_bytes = n * np.dtype(dtype).itemsize
    memory = np.zeros(n_bytes + np.dtype(dtype).itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + n_bytes].view(dtype)


def column_dtype(n_columns: int) -> Any:
    """Return the dtype of column numbers: half as much to read where they are short."""
    return np.uint16 if n_columns < 2**16 else np.int32


def is_sparse(x: Array) -> bool:
    """Return whether rows of x become lists of what is not 0."""
    return np.count_nonzero(x) < _SPARSE * x.size


def lay_rows(
    x: Array, scale: float = 1.0, dtype: Any = None
) -> tuple[Array, Array, Array]:
    """Return (values, columns, starts) of the rows of x, shape (n, features).

    Bytes become numbers of `dtype` times `scale` as they are listed: as floats they
    would take four times the memory.
    """
    n, n_columns = x.shape
    number = column_dtype(n_columns)
    if not is_sparse(x):
        values = x.astype(dtype or x.dtype, copy=False)
        values = values if scale == 1.0 else values * scale
        values = np.require(values, None, ["C", "W"])  # read-only is another type
        return values.reshape(-1), np.arange(n_columns, dtype=number), NOTHING
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.count_nonzero(x, axis=1), out=starts[1:])
    values = np.empty(starts[-1], dtype or x.dtype)
    columns = np.empty(starts[-1], number)
    for first in range(0, n, _BLOCK):
        block = x[first : first + _BLOCK].reshape(-1)
        here = slice(starts[first], starts[min(first + _BLOCK, n)])
        index = np.flatnonzero(block)
        values[here], columns[here] = block[index], index % n_columns
    if scale != 1.0:
        values *= scale
    return values, columns, starts


def lay_examples(
    rows: tuple[Array, Array, Array], t: Array, weight: Array | None = None
) -> Examples:
    """Return the rows of `lay_rows` with their answers: labels, or rows of targets."""
    dtype, labels = rows[0].dtype, t.astype(np.int64) if t.ndim == 1 else NOTHING
    targets = (
        np.zeros((0, 1), dtype) if t.ndim == 1 else np.require(t, None, ["C", "W"])
    )
    weight = np.zeros(0, dtype) if weight is None else weight
    return Examples(*rows, labels, targets, weight)


def _list_dtype(examples: Examples, layers: Array, batch_size: int) -> Any:
    """Return the dtype of all lists' numbers: one, so that less is compiled."""
    small = max(batch_size, layers[:, N_OUT].max()) < 2**16
    return examples.columns.dtype if small else np.int32


def row_bounds(layers: Array, examples: Examples, n_threads: int) -> Array:
    """Return the rows of each W that bound threads' shares, (layers, n_threads + 1).

    The first layer's are of equal work: pictures have more in their middle.
    """
    bounds = np.zeros((len(layers), n_threads + 1), np.int64)
    n, k = layers[:, N_IN, None], np.arange(1, n_threads + 1)
    bounds[:, 1:] = np.minimum(-(-n * k // n_threads) + 3 & ~3, n)
    if examples.starts.size:
        # By blocks: bincount copies what it counts to int64, 72 MB for MNIST.
        columns, n_in = examples.columns, layers[0, N_IN]
        blocks = (columns[k : k + 2**18] for k in range(0, columns.size, 2**18))
        work = np.cumsum(sum(np.bincount(block, minlength=n_in) for block in blocks))
        shares = work[-1] * np.arange(1, n_threads) / n_threads
        bounds[0, 1:n_threads] = np.searchsorted(work, shares)
    return bounds


def layers_for(layout: Layout, batch_size: int) -> Array:
    """Return the table of layers for so many examples a step."""
    layers = layout.layers.copy()
    layers[:, ROWS] *= batch_size
    # In a few rows, silent neurons are worth leaving out; products of four whole
    # rows at a time are faster than that.
    layers[:, SPARSE] = batch_size < 4
    return layers


def workspace_for(
    layout: Layout, examples: Examples, batch_size: int, n_threads: int, dtype: Any
) -> Workspace:
    """Return the arrays of steps of so many examples by so many threads."""
    layers, n = layout.layers, batch_size * layout.row_size
    n_in, step = layers[0, N_IN], lanes(dtype)
    sparse, wide = examples.starts.size > 0, layers[:, USED] > 4 * step
    x_width = n_columns = 0
    if not sparse and batch_size >= 4:
        x_width = n_in + step if n_in % (4 * step) == 0 else n_in
    if sparse and batch_size >= 32 and layers[0, USED] % (4 * step) == 0:
        longest = np.sort(np.diff(examples.starts))[-batch_size:]
        n_columns = n_threads * int(longest.sum())
    narrow = layers[:-1, WIDTH] * layers[1:, N_OUT] * ~wide[1:]
    n_transposed = int(narrow.max(initial=0))
    A, index = aligned(2 * n, dtype), _list_dtype(examples, layers, batch_size)
    workspace = Workspace(
        A=A,
        D=aligned(n, dtype),
        values=A[n:],
        mask=aligned(n, dtype),
        columns=np.zeros(n, index),
        counts=np.zeros((len(layers), batch_size), np.int64),
        costs=np.zeros(batch_size, dtype),
        correct=np.zeros(batch_size, np.int64),
        bounds=row_bounds(layers, examples, n_threads),
        X=aligned(batch_size * x_width, dtype).reshape(batch_size, -1),
        column_values=np.zeros(n_columns, dtype),
        column_examples=np.zeros(n_columns, index),
        column_starts=np.zeros(n_in, np.int64),
        column_ends=np.zeros((n_threads, n_in), np.int64),
        column_bounds=np.zeros((n_threads, 2 * batch_size), np.int64),
        targets=np.zeros((n_threads, 2, layout.row_size)),
        W_transposed=aligned(n_threads * n_transposed, dtype).reshape(n_threads, -1),
        G=aligned(layout.size, dtype),
        squared_weights=None,
        sync=np.zeros(16, np.int64),
    )
    workspace.mask[:] = 1.0
    return workspace
