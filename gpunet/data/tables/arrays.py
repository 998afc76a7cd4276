"""Tables in npy and npz files."""

import os
from dataclasses import replace

import numpy as np

from ...io.arrays import read_npy, read_npz
from ...io.messages import data_error
from .table import Table


def read_arrays(path):
    """Return the table in an npy or npz file.

    An npz file holds one matrix and what stands beside it (such as the labels),
    or one array of one dimension for each column.

    Raises
    ------
    DataError
    """
    if os.fspath(path).lower().endswith(".npy"):
        array = read_npy(path)
        if array.ndim != 2 or array.dtype.kind == "U" or 0 in array.shape:
            why = f"expected numbers of shape (rows, columns), got {_of(array)}"
            raise data_error("table", path, why, "save one sample a row")
        mapped = isinstance(array, np.memmap)
        return Table(str(path), matrix=array, on_disk=mapped)
    arrays = read_npz(path)
    matrices = {
        k: a
        for k, a in arrays.items()
        if a.ndim == 2 and a.shape[1] > 1 and a.dtype.kind != "U"
    }
    if len(matrices) > 1:
        why = f"holds several matrices: {', '.join(matrices)}"
        raise data_error("table", path, why, "keep one, and columns of shape (n,)")
    name, matrix = next(iter(matrices.items()), (None, None))
    columns = {k: _column(a, f"{path}[{k}]") for k, a in arrays.items() if k != name}
    rows = {len(array) for array in [*columns.values(), *matrices.values()]}
    if len(rows) != 1 or rows == {0}:
        sizes = ", ".join(f"{k} {_of(a)}" for k, a in arrays.items())
        why = f"expected arrays of one length, got {sizes}"
        raise data_error("table", path, why, "save one row a sample in each")
    return Table(str(path), columns, matrix)


def beside(table, path):
    """Return a matrix's table with the array in another npy file as a column.

    Raises
    ------
    DataError
        It is no column, or of another length.
    """
    values = _column(read_npy(path), path)
    if len(values) != len(table):
        why = f"has {len(values):,} rows, {table.where} has {len(table):,}"
        raise data_error("table", path, why, "give one value a row")
    name = os.path.splitext(os.path.basename(path))[0]
    return replace(table, columns={**table.columns, name: values}), name


def _column(array, where):
    """Return an array as a column: float64, or texts, without losing anything."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        why = f"expected a column of shape (n,), got {_of(array)}"
        raise data_error("table", where, why, "take it out, or ravel it")
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind in "iu":
        large = (array > 2**53) | (array < -(2**53))
        if np.any(large):
            row = int(np.argmax(large))
            why = f"row {row} is {array[row]}, beyond what float64 holds exactly"
            raise data_error("table", where, why, "give whole numbers up to 2^53")
    return array.astype(np.float64)


def _of(array):
    return f"{array.dtype} {array.shape}"
