"""npy and npz files of strangers: what the header claims is checked first.

A header of 80 bytes may claim 32 GiB, and a zip of 1 MB may contain 1 GiB of
zeros. So shape times item size, in Python's integers, must be exactly what the
file has before anything of that size is made. Nothing is ever unpickled.
"""

import io
import math
import warnings
import zipfile
from typing import IO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from ..errors import DataError
from .messages import FileFault, Path, file_errors
from .reading import open_regular, read_bytes

IN_MEMORY = 2**28  # bytes of an npy file; a larger one stays on disk
LARGEST = 2**31  # bytes of an npz file, and of its arrays
_SMALL, _INFLATION = 2**26, 100  # inflated bytes that are fine, and the ratio beyond
_HEADER = 2**16
_COPY = "copy it again, or save it again with numpy"
_NUMBERS = ("f2", "f4", "f8", *(f"{k}{n}" for k in "iu" for n in (1, 2, 4, 8)), "b1")


class _NpyHeader(NamedTuple):
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype
    offset: int  # of the first element, bytes


def read_npy(path: Path) -> np.ndarray:
    """Return the array in an npy file; beyond 256 MiB as a memmap.

    Raises a DataError if the header is damaged, does not fit the file's size, or has
    a dtype other than numbers and texts.
    """
    with file_errors("npy file", path, _COPY, DataError):
        with open_regular(path) as (file, status):
            size = status.st_size
            head = file.read(_HEADER) if size > IN_MEMORY else b""
        if size <= IN_MEMORY:
            return _parse_npy(read_bytes(path, IN_MEMORY))
        header = _npy_header(head, size)
        if header.dtype.kind in "bU":
            reason = f"has {size:,} bytes of {header.dtype}"
            raise FileFault(reason, "save numbers, such as uint8")
        # A file that shrinks while it is mapped would end the process: see README.
        dtype, offset = header.dtype, header.offset
        return np.memmap(path, dtype, "r", offset, header.shape, header.order)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in an npz file by name, or raise a DataError."""
    with file_errors("npz file", path, _COPY, DataError):
        return parse_npz(read_bytes(path, LARGEST), LARGEST)


def parse_npz(content: bytes, limit: int) -> dict[str, np.ndarray]:
    """Return the arrays in an npz file by name; they have at most `limit` bytes.

    Raises a ValueError for what is not a zip file, is damaged or encrypted, inflates
    beyond all measure, or contains an unfit array.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist(), len(content), limit)
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as file:
                    arrays[name] = _parse_member(file, name, member.file_size)
    except (FileFault, MemoryError):
        raise
    # zipfile lets through what its parts raise: struct, zlib, RuntimeError, ...
    except Exception as error:
        raise FileFault(f"is not a sound npz file ({error})", _COPY) from None
    return arrays


def _check_members(members: list[zipfile.ZipInfo], size: int, limit: int) -> None:
    """Refuse an archive by what its directory says, before anything is read."""
    names = [member.filename for member in members]
    for name in names:
        if not name.endswith(".npy") or names.count(name) > 1:
            reason = f"contains {name!r:.80}, which is not an array, or is there twice"
            raise FileFault(reason, "save it again with numpy.savez")
    if not names:
        raise FileFault("contains no array", _COPY)
    total = sum(member.file_size for member in members)
    if total > min(limit, max(_SMALL, _INFLATION * size)):
        reason = f"has {size:,} bytes and inflates to {total:,}"
        raise FileFault(reason, "save a matrix of this size as npy")


def _parse_member(file: IO[bytes], name: str, size: int) -> np.ndarray:
    try:
        head = file.read(_HEADER)
        _npy_header(head, size)  # before the rest is inflated
        return _parse_npy(head + file.read(size - len(head) + 1))
    except FileFault as fault:
        raise FileFault(f"{name!r:.60} {fault}", fault.remedy) from None


def _parse_npy(content: bytes) -> np.ndarray:
    """Return the array in the bytes of an npy file, exactly."""
    header = _npy_header(content[:_HEADER], len(content))
    flat = np.frombuffer(content, header.dtype, offset=header.offset)
    if header.dtype.kind == "b" and np.any(flat.view(np.uint8) > 1):
        raise FileFault("has booleans other than 0 and 1", _COPY)
    array = flat.reshape(header.shape, order=header.order)
    try:
        return array.astype(header.dtype.newbyteorder("="))
    except (UnicodeError, ValueError) as error:  # a text beyond Unicode
        raise FileFault(f"is damaged ({error})", _COPY) from None


def _npy_header(head: bytes, size: int) -> _NpyHeader:
    """Return the checked header of an npy file of `size` bytes."""
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
        reason = f"is npy of version {error}, and 1.0 and 2.0 are read"
        raise FileFault(reason, _COPY) from None
    # Its parser evaluates a literal, which fails in more ways than are documented.
    except Exception as error:
        reason = f"has no npy header ({str(error)[:100]})"
        raise FileFault(reason, _COPY) from None
    is_text = dtype.kind == "U" and dtype.itemsize
    if dtype.newbyteorder("=").str[1:] not in _NUMBERS and not is_text:
        reason = f"contains {dtype}, and numbers up to 64 bits or texts are read"
        raise FileFault(reason, "convert it with astype; objects are never unpickled")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise FileFault(f"has the shape {shape}", _COPY)
    claimed, actual = math.prod(shape) * dtype.itemsize, size - file.tell()
    if claimed != actual:
        reason = f"claims {claimed:,} bytes of shape {shape} {dtype} and has {actual:,}"
        raise FileFault(reason, _COPY)
    return _NpyHeader(shape, "F" if fortran else "C", dtype, file.tell())
