"""Tables in npy and npz files."""

import os
from dataclasses import replace

import numpy as np

from ...io.arrays import read_npy, read_npz
from ...io.messages import Path, counted, data_error
from .table import Table


def read_arrays(path: Path) -> Table:
    """Return the table in an npy or npz file.

    An npz file contains one matrix and the columns beside it (such as the labels),
    or one array of one dimension for each column.
    """
    where = os.fsdecode(path)
    if where.lower().endswith(".npy"):
        array = read_npy(path)
        if array.ndim != 2 or array.dtype.kind == "U" or 0 in array.shape:
            reason = f"must be numbers of shape (rows, columns), got {_describe(array)}"
            raise data_error("table", where, reason, "save one sample a row")
        return Table(where, matrix=array, on_disk=isinstance(array, np.memmap))
    arrays = read_npz(path)
    matrices = [
        name
        for name, a in arrays.items()
        if a.ndim == 2 and a.shape[1] > 1 and a.dtype.kind != "U"
    ]
    if len(matrices) > 1:
        reason = f"contains several matrices: {', '.join(matrices)}"
        raise data_error("table", where, reason, "keep one, and columns of shape (n,)")
    columns = {
        name: _column(a, f"{where}[{name}]")
        for name, a in arrays.items()
        if name not in matrices
    }
    lengths = {len(a) for a in arrays.values()}
    if len(lengths) != 1 or 0 in lengths:
        sizes = ", ".join(f"{name} {_describe(a)}" for name, a in arrays.items())
        reason = f"must be arrays of one length, got {sizes}"
        raise data_error("table", where, reason, "save one row a sample in each")
    return Table(where, columns, arrays[matrices[0]] if matrices else None)


def add_column(table: Table, path: str) -> tuple[Table, str]:
    """Return a matrix's table with the column in another npy file, and its name."""
    values = _column(read_npy(path), path)
    if len(values) != len(table):
        reason = f"has {counted(len(values), 'row')}, {table.where} has {len(table):,}"
        raise data_error("table", path, reason, "give one value a row")
    name = os.path.splitext(os.path.basename(path))[0]
    return replace(table, columns={**table.columns, name: values}), name


def _column(array: np.ndarray, where: str) -> np.ndarray:
    """Return an array as a column: float64, or texts, without losing anything."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        reason = f"must be a column of shape (n,), got {_describe(array)}"
        raise data_error("table", where, reason, "remove it, or ravel it")
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind in "iu":
        large = (array > 2**53) | (array < -(2**53))
        if np.any(large):
            row = int(np.argmax(large))
            reason = f"row {row} is {array[row]}, beyond what float64 holds exactly"
            remedy = "give whole numbers up to 2^53"
            raise data_error("table", where, reason, remedy)
    return array.astype(np.float64)


def _describe(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
