"""Read and write gpunet files by path.

The header is looked at before memory is asked for. What is read is one open file,
so a writer that replaces it meanwhile does no harm.
"""

import errno
import hashlib
import os
from typing import Any

import numpy as np

from ..io.messages import Path, file_errors, printable
from ..io.reading import open_regular
from ..io.writing import write_atomically
from .codec import decode, encode
from .header import RESTORE, header_end, parse_header


def write_tensors(
    path: Path, tensors: dict[str, np.ndarray], state: dict[str, Any]
) -> None:
    """Write tensors and state to `path`, wholly or not at all.

    In the state, "kind" and "step" are what `verify` shows.

    Raises
    ------
    ModelFileError
        A tensor contains NaN or infinity.
    ConfigError
        A value that the file cannot hold.
    WriteError
        The system refused; the old file is intact.
    """
    write_atomically(path, encode(tensors, state, where=printable(path)))


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the tensors, C order and writable, and the state of a gpunet file.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, not a regular file or not one of gpunet's.
    OutOfMemory
        The file is sound so far and too large for this machine.
    """
    with file_errors("model file", path, "check the path"):
        return decode(_read(path), where=printable(path))


def read_state(path: Path) -> dict[str, Any]:
    """Return the state of a gpunet file; its tensors are not read, nor checked."""
    with (
        file_errors("model file", path, "check the path"),
        open_regular(path) as (file, status),
        file_errors("model file", path, RESTORE),
    ):
        return parse_header(
            memoryview(_head(file, status.st_size)), status.st_size
        ).state


def verify(path: Path) -> dict[str, Any]:
    """Return what the gpunet file at `path` is, after checking every digest.

    "path"; "kind" and "step" of the state, or None; "digest", the SHA-256 of the
    file; "tensors", how many. Errors are as in `read_tensors`.
    """
    with file_errors("model file", path, "check the path"):
        data = _read(path)
        tensors, state = decode(data, where=printable(path))
        return {
            "path": os.fsdecode(path),
            "kind": state.get("kind"),
            "step": state.get("step"),
            "digest": hashlib.sha256(data).hexdigest(),
            "tensors": len(tensors),
        }


def _head(file: Any, size: int) -> bytes:
    """Return the first bytes of a file of this size, to the end of its header."""
    first = file.read(8)
    return first + file.read(header_end(first, size) - 8)


def _read(path: Path) -> bytearray:
    """Return the bytes of a file whose header is sound."""
    with open_regular(path) as (file, status):
        size = status.st_size
        with file_errors("model file", path, RESTORE):
            head = _head(file, size)
            parse_header(memoryview(head), size)
        data = bytearray(size)  # only now: the header has accounted for each byte
        data[: len(head)] = head
        count = len(head) + file.readinto(memoryview(data)[len(head) :])
        if count != size or file.read(1):
            raise OSError(errno.EIO, "changed its size while it was being read")
    return data
