"""What people give as x: every kind of rows becomes an array, by one function.

Lists, NumPy arrays of any real dtype, DataFrames and Series, tensors of PyTorch and
JAX. The libraries are known by what their objects have; none is imported.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Set
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError
from ..io.messages import Path, data_error
from .arrays import Array, HostArray, namespace, numpy_namespace
from .devices import Backend

# Rows computed at once: large enough for full speed, small enough that a
# signal need not wait long and the activations of a wide layer fit anywhere.
CHUNK = 8192


def host_array(values: Any, what: str, where: Path) -> np.ndarray:
    """Return `values` as a NumPy array of any dtype, not copied where that can be.

    Parameters
    ----------
    values : array, nested lists, DataFrame, Series or tensor
    what, where : str
        What it is and its source, for messages.

    Raises
    ------
    DataError
        Generators, sparse matrices, dicts, masked entries, lists of several lengths.
    """
    if type(values) is np.ndarray:
        return values
    if refused := _why_refused(values):
        raise data_error(what, where, *refused)
    try:
        return np.asarray(_on_host(values))
    except (TypeError, ValueError, RuntimeError) as error:
        ragged = "inhomogeneous" in str(error)  # and a long story of NumPy's
        reason = "rows of several lengths" if ragged else str(error)
        reason = f"is not an array ({reason})"
        raise data_error(what, where, reason, "give a NumPy array") from None


def _why_refused(values: Any) -> tuple[str, str] | None:
    """Return why `values` are not taken and a remedy, or None."""
    name = type(values).__name__
    if isinstance(values, Iterator):
        return f"is a {name}, which can be read only once", "give a list or an array"
    if isinstance(values, Mapping | Set):
        return f"is a {name}", "give an array, one row an example"
    if hasattr(values, "toarray"):
        return "is a sparse matrix", "give x.toarray(), or fewer columns"
    masked = np.sum(getattr(values, "mask", 0)) if isinstance(values, np.ndarray) else 0
    if masked:
        return f"has {masked:,} masked entries", "fill them: x.filled(0)"
    return None


def _on_host(values: Any) -> Any:
    """Return a tensor of another library as what NumPy can read."""
    if hasattr(values, "detach"):  # PyTorch: without its gradients, in host memory
        values = values.detach().cpu()
        return values.float() if "bfloat16" in str(values.dtype) else values
    if hasattr(values, "__cuda_array_interface__"):  # CuPy
        return values.get()
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return np.from_dlpack(values)
    return values


def numeric_array(values: Any, what: str, where: Path) -> np.ndarray:
    """Return `values` as an array of booleans, integers or real numbers.

    As `host_array`; of a table the message names the column that is not numbers.
    """
    array = host_array(values, what, where)
    if array.dtype.kind in "buif":
        return array
    if columns := _columns(values):
        source = os.fsdecode(where)
        return np.column_stack(
            [
                numeric_array(column, what, f"{source}, column {name!r:.60}")
                for name, column in columns
            ]
        )
    if array.dtype.name == "bfloat16":  # of JAX
        return array.astype(np.float32)
    bad = [i for i, v in enumerate(array.flat) if not _is_number(v)]
    if array.dtype == object and array.size and not bad:
        return array.astype(np.float64)  # fractions and decimals are numbers
    first = bad[0] if bad else 0
    value = describe(array.flat[first] if array.size else None)
    reason = f"must be numbers, got {array.dtype}; element {first} is {value}"
    raise data_error(what, where, reason, "convert it to a numeric type")


def _columns(values: Any) -> list[tuple[Any, Any]]:
    """Return the columns of a DataFrame of Polars or pandas by name, else none."""
    if hasattr(values, "get_columns"):
        return [(column.name, column) for column in values.get_columns()]
    is_frame = hasattr(values, "items") and hasattr(values, "columns")
    return list(values.items()) if is_frame else []


def _is_number(value: Any) -> bool:
    """Return whether one element of an array of objects would fit a numeric one."""
    if isinstance(value, int | np.integer):
        return bool(-(2**63) <= value < 2**64)
    return isinstance(value, float | np.floating | np.bool_ | Fraction | Decimal)


def describe(value: Any) -> str:
    """Return an untrusted value for a message, without running its code."""
    if type(value) is int and value.bit_length() > 512:
        return f"an integer of {value.bit_length():,} bits"  # repr may refuse it
    if isinstance(value, np.generic):
        value = value.item()
    known = str, bytes, int, float, complex, type(None)
    return repr(value) if isinstance(value, known) else f"a {type(value).__name__}"


def example_rows(
    x: Any, first: Any, what: str, bk: Backend | None = None
) -> tuple[Array, bool]:
    """Return (rows, single): x with an axis of rows, and whether it had none.

    Parameters
    ----------
    x : array on the device of `bk`, or what `numeric_array` takes
    first : Layer
        The network's first; its n_in, n_words or shape say what an example is.
    what : str
        Who asks, for messages.

    Raises
    ------
    ConfigError
        Another number of features.
    DataError
        x is not numbers, or has words beyond the table.
    """
    if bk is None or not is_on(x, bk):
        x = numeric_array(x, what, "x")
        if hasattr(first, "n_words"):
            check_words(x, first.n_words, f"{what}: x")
    elif hasattr(x, "detach"):
        x = x.detach()
    rank, n_in = max(len(getattr(first, "shape", ())), 1), getattr(first, "n_in", None)
    if x.ndim < rank or (n_in is not None and x.shape[-1] != n_in):
        raise features_error(tuple(x.shape), n_in, what)
    single = x.ndim == rank
    return (x[None, ...] if single else x), single


def is_on(x: Any, bk: Backend) -> bool:
    """Return whether x is an array on the device of a backend other than NumPy."""
    if bk.xp is numpy_namespace or not hasattr(x, "device"):
        return False
    try:
        return namespace(x) is bk.xp and x.device == bk.device
    except TypeError:  # an object with a device that is not an array
        return False


def features_error(shape: tuple[int, ...], n_in: Any, what: str) -> ConfigError:
    """Return the ConfigError about an x that is not rows of `n_in` features."""
    features = "features" if n_in is None else f"{n_in} features"
    hint = ""
    if n_in is not None and prod(shape[1:]) == n_in:
        hint = "; flatten it first"
    elif n_in is not None and prod(shape) == n_in:
        hint = "; one example is x.reshape(-1)"
    return ConfigError(
        f"{what}: the network expects rows of {features}, got x of shape {shape}{hint}"
    )


def check_words(x: HostArray, n_words: int, what: str) -> None:
    """Refuse words beyond the table: a GPU would wrap them round silently."""
    whole = x.dtype.kind in "iu"
    bad = (x < 0) | (x >= n_words) if whole else np.ones(x.shape, bool)
    if np.any(bad):
        row, *column = (int(k) for k in np.argwhere(bad)[0])
        where = f"row {row}, column {column[0]}" if column else f"word {row}"
        raise DataError(
            f"{what}: {where}: {x[(row, *column)]} is not a word; must be a whole "
            f"number from 0 to {n_words - 1}"
        )


def in_chunks(
    compute: Callable[[Array], Array],
    x: Array,
    bk: Backend,
    dtype: str | None,
    axis: int,
) -> HostArray:
    """Return compute(rows) of all rows of x, on the host, a chunk at a time.

    Parameters
    ----------
    x : array, shape (n, ...), on the host or the device
    dtype : str or None
        What rows are cast to; None leaves them.
    axis : int
        That of the rows in what `compute` returns.
    """
    parts = []
    with bk.use():
        for start in range(0, max(x.shape[0], 1), CHUNK):
            rows = x[start : min(start + CHUNK, x.shape[0]), ...]
            if namespace(x) is not bk.xp:
                rows = bk.view(rows, dtype)
            elif dtype:
                rows = bk.xp.astype(rows, bk.dtype(dtype), copy=False)
            parts.append(bk.view(bk.to_host(compute(rows))))
        return bk.to_host(bk.xp.concat(parts, axis=axis))
