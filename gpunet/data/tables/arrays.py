"""npy and npz files of strangers: what the header claims is checked first.

A header of 80 bytes may claim 32 GiB, and a zip of 1 MB may hold 1 GiB of
zeros. So shape times item size, in Python's integers, must be exactly what the
file holds before anything of that size is made. Nothing is ever unpickled.
"""

import io
import math
import os
import warnings
import zipfile
from dataclasses import replace

import numpy as np
from numpy.lib import format as npy

from ...errors import DataError
from ...io.reading import data_error, read_regular
from .table import Table

IN_MEMORY = 2**28  # bytes of a matrix; a larger one stays on disk
LARGEST = 2**31  # bytes of an npz file, and of what it holds
_SMALL, _INFLATION = 2**26, 100  # inflated bytes that are fine, and the ratio beyond
_HEADER = 2**16
_COPY = "copy it again, or save it again with numpy"
_NUMBERS = ("f2", "f4", "f8", *(f"{k}{n}" for k in "iu" for n in (1, 2, 4, 8)), "b1")


def read_npy(path):
    """Return the array in an npy file; a large one is mapped, not read.

    Returns
    -------
    array : array, C or Fortran order, native bytes; a memmap beyond 256 MiB

    Raises
    ------
    DataError
        The header is damaged, does not fit the file's size, or has a dtype
        other than numbers and texts.
    """
    size = _size(path)
    if size <= IN_MEMORY:
        return _parse(read_regular(path, IN_MEMORY), path)
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER)
            file.seek(0)
            shape, fortran, dtype, offset = _header(head, size, path)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise data_error("npy file", path, why, "check the path") from None
    if dtype.kind in "bU":
        why = f"has {size:,} bytes of {dtype}"
        raise data_error("npy file", path, why, "save numbers, such as uint8")
    order = "F" if fortran else "C"
    # A file that shrinks while it is mapped would end the process: see README.
    return np.memmap(path, dtype, "r", offset, shape, order)


def _size(path):
    try:
        return os.stat(path).st_size
    except (OSError, ValueError) as error:
        why = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise data_error("npy file", path, why, "check the path") from None


def _header(head, size, where):
    """Return (shape, fortran, dtype, offset) of an npy file of `size` bytes."""
    file = io.BytesIO(head)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy guesses at Python 2 headers
            version = npy.read_magic(file)
            read = {
                (1, 0): npy.read_array_header_1_0,
                (2, 0): npy.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = read(file)
    except KeyError as error:
        why = f"is npy of version {error}, and 1.0 and 2.0 are read"
        raise data_error("npy file", where, why, _COPY) from None
    # Its parser evaluates a literal, which fails in more ways than are documented.
    except Exception as error:
        why = f"has no npy header ({str(error)[:100]})"
        raise data_error("npy file", where, why, _COPY) from None
    _check_dtype(dtype, where)
    if not all(type(n) is int and n >= 0 for n in shape):
        raise data_error("npy file", where, f"has the shape {shape}", _COPY)
    claimed, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if claimed != held:
        why = f"claims {claimed:,} bytes of shape {shape} {dtype} and holds {held:,}"
        raise data_error("npy file", where, why, _COPY)
    return shape, fortran, dtype, file.tell()


def _check_dtype(dtype, where):
    plain = dtype.newbyteorder("=").str[1:]
    if plain in _NUMBERS or (dtype.kind == "U" and dtype.itemsize):
        return
    why = f"holds {dtype}, and numbers up to 64 bits or texts are read"
    cure = "convert it with astype; objects are never unpickled"
    raise data_error("npy file", where, why, cure)


def _parse(content, where):
    """Return the array that the bytes of an npy file hold, exactly."""
    shape, fortran, dtype, offset = _header(content[:_HEADER], len(content), where)
    flat = np.frombuffer(content, dtype, offset=offset)
    if dtype.kind == "b" and np.any(flat.view(np.uint8) > 1):
        raise data_error("npy file", where, "has booleans other than 0 and 1", _COPY)
    array = flat.reshape(shape, order="F" if fortran else "C")
    try:
        return array.astype(dtype.newbyteorder("="))
    except (UnicodeError, ValueError) as error:  # a text beyond Unicode
        raise data_error("npy file", where, f"is damaged ({error})", _COPY) from None


def read_npz(path):
    """Return the arrays in an npz file by name.

    Raises
    ------
    DataError
        It is no zip file, is damaged, encrypted, inflates beyond all measure,
        or an array in it is unfit.
    """
    content = read_regular(path, LARGEST)
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content), path)
            for member in members:
                name = member.filename.removesuffix(".npy")
                where = f"{path}[{name}]"
                with archive.open(member) as file:
                    head = file.read(_HEADER)
                    _header(head, member.file_size, where)
                    rest = file.read(member.file_size - len(head) + 1)
                arrays[name] = _parse(head + rest, where)
    except DataError:
        raise
    # zipfile lets through what its parts raise: struct, zlib, RuntimeError, ...
    except Exception as error:
        why = f"is no sound npz ({error})"
        raise data_error("npz file", path, why, _COPY) from None
    return arrays


def _check_members(members, size, path):
    """Refuse an archive by what its directory says, before anything is read."""
    names = [member.filename for member in members]
    for name in names:
        if not name.endswith(".npy") or names.count(name) > 1:
            why = f"holds {name!r:.80}, which is no array, or is there twice"
            raise data_error("npz file", path, why, "save it again with numpy.savez")
    if not names:
        raise data_error("npz file", path, "holds no array", _COPY)
    total = sum(member.file_size for member in members)
    if total > min(LARGEST, max(_SMALL, _INFLATION * size)):
        why = f"has {size:,} bytes and inflates to {total:,}"
        raise data_error("npz file", path, why, "save a matrix of this size as npy")


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
