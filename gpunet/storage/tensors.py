"""Read and write gpunet files by path.

The header is looked at before memory is asked for: a sparse file of a terabyte
costs its maker nothing. What is read is one open file, so a writer that replaces
it meanwhile does no harm.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpunet.io.messages import Path, file_errors, printable
from gpunet.io.reading import open_regular
from gpunet.io.writing import write_atomically
from gpunet.storage.codec import decode, encode
from gpunet.storage.header import RESTORE, header_end, parse_header


def write_tensors(
    path: Path,
    tensors: dict[str, np.ndarray],
    state: dict[str, Any],
    *,
    allow_nonfinite: bool = False,
) -> None:
    """Write tensors and state to `path`, wholly or not at all.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    tensors : dict of str to numpy array
    state : dict
        What JSON can hold; "kind" and "step" are shown by `verify`.
    allow_nonfinite : bool
        Whether tensors may contain NaN or infinity.

    Raises
    ------
    ModelFileError
        A tensor contains NaN or infinity.
    ConfigError
        A value that the file cannot hold.
    WriteError
        The system refused; the old file is intact.
    """
    where = printable(path)
    write_atomically(
        path, encode(tensors, state, where=where, allow_nonfinite=allow_nonfinite)
    )


def read_tensors(
    path: Path, *, allow_nonfinite: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the tensors and the state of the gpunet file at `path`.

    Returns
    -------
    tensors : dict of str to numpy array, C order, writable
    state : dict

    Raises
    ------
    ModelFileError
        The file is missing, damaged, not a regular file or not one of gpunet's.
    OutOfMemory
        The file is sound so far and too large for this machine.
    """
    with _content(path) as data:
        return decode(data, where=printable(path), allow_nonfinite=allow_nonfinite)


def verify(path: Path, *, allow_nonfinite: bool = False) -> dict[str, Any]:
    """Return what the gpunet file at `path` is, after checking every digest.

    Returns
    -------
    dict
        path : str; kind, step : as saved in the state, or None;
        digest : str, SHA-256 of the file; tensors : int, how many.

    Raises
    ------
    ModelFileError, OutOfMemory
        As `read_tensors`.
    """
    with _content(path) as data:
        tensors, state = decode(
            data, where=printable(path), allow_nonfinite=allow_nonfinite
        )
        return {
            "path": os.fsdecode(path),
            "kind": state.get("kind"),
            "step": state.get("step"),
            "digest": hashlib.sha256(data).hexdigest(),
            "tensors": len(tensors),
        }


@contextlib.contextmanager
def _content(path: Path) -> Iterator[bytearray]:
    """Yield the bytes of a file whose header is sound."""
    with file_errors("model file", path, "check the path"):
        yield _read(path)


def _read(path: Path) -> bytearray:
    with open_regular(path) as (file, status):
        size = status.st_size
        head = file.read(8)
        with file_errors("model file", path, RESTORE):
            end = header_end(head, size)
            head += file.read(end - 8)
            parse_header(memoryview(head), size)
        data = bytearray(size)  # only now: the header has accounted for each byte
        data[: len(head)] = head
        count = len(head) + file.readinto(memoryview(data)[len(head) :])
        if count != size or file.read(1):
            raise OSError(errno.EIO, "changed its size while it was being read")
    return data
