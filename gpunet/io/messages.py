"""Errors about files in one sentence: what, which file, why, and what to do.

A name can contain bytes that are not text, line breaks or 300 letters; none of
that may break the one line that a command prints.
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator

from gpunet.errors import (
    DataError,
    GpunetError,
    ModelFileError,
    OutOfMemory,
    WriteError,
)

Path = str | bytes | os.PathLike
_LONGEST = 480  # characters: the contract is 500, "gpunet: error: " uses 15
_LONGEST_PATH, _LONGEST_CURE = 160, 200
_WRITE_CURES = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some of your quota or choose another folder",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f)",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "choose another folder or move that file away",
}


class FileFault(ValueError):
    """Why a file cannot be used, with its cure; `file_errors` names the file."""

    def __init__(self, why: str, cure: str):
        super().__init__(why)
        self.cure = cure


def printable(text: Path, longest: int = 120) -> str:
    """Return a path or text escaped, on one line, without the middle if it is long.

    Parameters
    ----------
    text : str, bytes or os.PathLike
    longest : int, characters

    Examples
    --------
    >>> printable(b"run-\\xff")
    'run-\\\\udcff'
    """
    text = os.fsdecode(text)
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(text) <= longest:
        return text
    tail = longest // 2
    return f"{text[: longest - tail - 3]}...{text[-tail:]}"


def message(what: str, where: Path, why: str, cure: str) -> str:
    """Return `what: where: why; cure`, at most 480 characters on one line.

    Parameters
    ----------
    what : str, at most 60 characters
        The kind of input, such as "IDX file".
    where : str, bytes or os.PathLike
        The path, parameter or array.
    why, cure : str
        The reason, shortened if need be, and what to do.

    Examples
    --------
    >>> message("model file", "a.safetensors", "is a folder", "give a file")
    'model file: a.safetensors: is a folder; give a file'
    """
    start = f"{what}: {printable(where, _LONGEST_PATH) or repr('')}: "
    end = f"; {printable(cure, _LONGEST_CURE)}"
    return start + printable(why, _LONGEST - len(start) - len(end)) + end


def data_error(
    what: str, where: Path, why: str, cure: str, **settings: object
) -> DataError:
    """Return, not raise, a DataError with this `message`.

    Parameters
    ----------
    what, where, why, cure
        As of `message`.
    **settings
        Arguments that cure it, by name; `cure` shows each where it says {name}.
        The error keeps them as `settings`, so that a command can print options.

    Examples
    --------
    >>> print(data_error("table", "t.csv", "1 cell is missing", "use {impute}",
    ...                  impute="mean"))
    table: t.csv: 1 cell is missing; use impute='mean'
    """
    if settings:
        cure = cure.format(**{k: f"{k}={v!r}" for k, v in settings.items()})
    error = DataError(message(what, where, why, cure))
    error.settings = settings  # type: ignore[attr-defined]
    return error


def reason(error: BaseException) -> str:
    """Return what an exception says, in the words of the system where it has any."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextlib.contextmanager
def file_errors(
    what: str, path: Path, cure: str, kind: type[GpunetError] = ModelFileError
) -> Iterator[None]:
    """Turn every way in which a file can be wrong into one error that names it.

    Parameters
    ----------
    what, path
        As `what` and `where` of `message`.
    cure : str
        Used where the exception has none (see `FileFault`).
    kind : type
        OutOfMemory takes its place where memory ended.
    """
    try:
        yield
    except GpunetError:
        raise
    except MemoryError as error:
        why = "does not fit into the memory of this machine"
        raise OutOfMemory(message(what, path, why, "use a larger machine")) from error
    except RecursionError as error:
        raise kind(message(what, path, "is nested too deeply", cure)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise kind(message(what, path, f"is damaged ({error})", cure)) from error
    except (OSError, ValueError) as error:
        cure = getattr(error, "cure", cure)
        raise kind(message(what, path, reason(error), cure)) from error


def write_error(
    path: Path, error: OSError | ValueError, n_bytes: int | None = None
) -> WriteError:
    """Return, not raise, the `WriteError` that says why `path` was not written.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    error : OSError or ValueError
        What the system said (ValueError: a name that no file can have).
    n_bytes : int, optional
        How many should have been written.
    """
    why = reason(error)
    if n_bytes is not None:
        why += f" ({n_bytes:,} bytes needed, {_free_bytes(path)} bytes free)"
    code = getattr(error, "errno", None) or 0
    cure = _WRITE_CURES.get(code, "check the disk and the name")
    return WriteError(message("cannot write", path, why, cure))


def _free_bytes(path: Path) -> str:
    try:
        folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
        return f"{shutil.disk_usage(folder).free:,}"
    except (OSError, ValueError):
        return "an unknown number of"
