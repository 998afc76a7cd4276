"""Read and write gpunet files by path.

Reading takes regular files only and looks at the header first: a pipe would
wait for ever, a device has no end, and a sparse file of a terabyte costs its
maker nothing. What is read is one open file, so a writer that replaces it
meanwhile does no harm.
"""

import contextlib
import errno
import hashlib
import os
import stat

from gpunet.errors import ModelFileError, OutOfMemory
from gpunet.io.messages import one_line, readable
from gpunet.io.writing import write_atomically
from gpunet.storage.codec import decode, encode
from gpunet.storage.header import header_end, parse_header, refusing

# Without O_NONBLOCK the opening of a pipe waits for its writer.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write_tensors(path, tensors, state, *, allow_nonfinite=False):
    """Write tensors and state to `path`, wholly or not at all.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    tensors : dict of str to numpy array
    state : dict
        What JSON can hold; "kind" and "step" are shown by `verify`.
    allow_nonfinite : bool

    Raises
    ------
    ModelFileError
        A tensor holds NaN or infinity.
    ConfigError
        A value that the file cannot hold.
    WriteError
        The system refused; the old file is intact.
    """
    data = encode(tensors, state, where=readable(path), allow_nonfinite=allow_nonfinite)
    write_atomically(path, data)


def read_tensors(path, *, allow_nonfinite=False):
    """Return the tensors and the state of the gpunet file at `path`.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    allow_nonfinite : bool

    Returns
    -------
    tensors : dict of str to numpy array, C order, writable
    state : dict

    Raises
    ------
    ModelFileError
        The file is missing, damaged, no regular file or not one of gpunet's.
    OutOfMemory
        The file is sound so far and too large for this machine.
    """
    with _in_memory(path) as data:
        return decode(data, where=readable(path), allow_nonfinite=allow_nonfinite)


def verify(path, *, allow_nonfinite=False):
    """Return what the gpunet file at `path` is, after checking every digest.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    allow_nonfinite : bool

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
    with _in_memory(path) as data:
        tensors, state = decode(
            data, where=readable(path), allow_nonfinite=allow_nonfinite
        )
        return {
            "path": os.fsdecode(path),
            "kind": state.get("kind"),
            "step": state.get("step"),
            "digest": hashlib.sha256(data).hexdigest(),
            "tensors": len(tensors),
        }


@contextlib.contextmanager
def open_regular(path):
    """Open a regular file for reading and give it with its size.

    Parameters
    ----------
    path : str, bytes or os.PathLike

    Yields
    ------
    file : binary file
    size : int, bytes

    Raises
    ------
    OSError
        The path is missing, a folder, a pipe or a device.
    ValueError
        The path is no name that the system takes.
    """
    fd = os.open(path, _READ)
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        with open(fd, "rb", closefd=False) as file:
            yield file, status.st_size
    finally:
        os.close(fd)


@contextlib.contextmanager
def _in_memory(path):
    try:
        data = _read(path)
    except ModelFileError:
        raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        line = one_line("model file", path, why, "check the path")
        raise ModelFileError(line) from error
    except MemoryError as error:
        raise _too_large(path) from error
    try:
        yield data
    except MemoryError as error:
        raise _too_large(path) from error


def _read(path):
    with open_regular(path) as (file, size):
        head = file.read(8)
        with refusing(readable(path)):
            end = header_end(head, size)
            head += file.read(end - 8)
            parse_header(memoryview(head), size)
        data = bytearray(size)  # only now: the header has accounted for each byte
        data[: len(head)] = head
        count = len(head) + file.readinto(memoryview(data)[len(head) :])
        if count != size or file.read(1):
            raise OSError(errno.EIO, "changed its size while it was being read")
    return data


def _too_large(path):
    why = "does not fit into the memory of this machine"
    return OutOfMemory(one_line("model file", path, why, "use a larger machine"))
