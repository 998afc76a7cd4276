"""Errors in one sentence: what, which file or word, why, and what to do.

A name can contain bytes that are not text, line breaks or 300 letters; none of
that may break the one line that a command prints.
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator

from ..errors import DataError, GpunetError, ModelFileError, OutOfMemory, WriteError

Path = str | bytes | os.PathLike
_LONGEST = 480  # characters: the contract is 500, "gpunet: error: " uses 15
_LONGEST_PATH, _LONGEST_REMEDY, _LONGEST_LIST = 160, 200, 260
_WRITE_REMEDIES = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some of your quota or choose another folder",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f)",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "make its folder first, or choose another",
    errno.ENOTDIR: "choose another folder or move that file away",
}


class FileFault(ValueError):
    """Why a file cannot be used, and a remedy; `file_errors` names the file."""

    def __init__(self, reason: str, remedy: str):
        super().__init__(reason)
        self.remedy = remedy


def printable(text: Path, longest: int = 120) -> str:
    """Return a path or text escaped, on one line, without the middle if it is long.

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


def message(what: str, where: Path, reason: str, remedy: str) -> str:
    """Return `what: where: reason; remedy`, at most 480 characters on one line.

    `what` is the kind of input, in at most 60 characters; `where` a path, parameter
    or array. The reason is shortened if need be.

    Examples
    --------
    >>> message("model file", "a.safetensors", "is a folder", "give a file")
    'model file: a.safetensors: is a folder; give a file'
    """
    start = f"{what}: {printable(where, _LONGEST_PATH) or repr('')}: "
    end = f"; {printable(remedy, _LONGEST_REMEDY)}"
    return start + printable(reason, _LONGEST - len(start) - len(end)) + end


def choices(word: object, known: Iterable[object], *more: str) -> str:
    """Return what a word that is not known can be instead: all names, the nearest last.

    Of a long list the nearest names are enough. `more` is what else is possible.

    Examples
    --------
    >>> choices("Rleu", ["tanh", "relu"])
    'choose from tanh, relu; did you mean relu?'
    >>> choices("seven", ["zeros"], "a number")
    'choose from zeros, a number'
    """
    names = [str(name) for name in known]
    near = " or ".join(printable(name, 60) for name in nearest(word, names, 2))
    listed = ", ".join([*names, *more])
    if near and len(listed) > _LONGEST_LIST:
        return f"did you mean {near}?"
    if len(listed) > _LONGEST_LIST:
        listed = f"{listed[:_LONGEST_LIST]}..."
    return f"choose from {listed}" + (f"; did you mean {near}?" if near else "")


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "epoch"), counted(2000, "row"), counted(3, "class")
    ('1 epoch', '2,000 rows', '3 classes')
    """
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def nearest(word: object, known: Iterable[str], n: int = 3) -> list[str]:
    """Return at most n names spelled nearly like a word, the nearest first.

    Capitals make no difference, nor does a hyphen in place of an underscore.
    """
    names: dict[str, list[str]] = {}
    for name in known:
        names.setdefault(_plain(name), []).append(name)
    import difflib  # when a word is wrong

    plain_word = _plain(str(word)[:60])
    close = [plain_word] if plain_word in names else []
    close = close or difflib.get_close_matches(plain_word, names, n)
    return [name for plain in close for name in names[plain]][:n]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def data_error(
    what: str, where: Path, reason: str, remedy: str, **settings: object
) -> DataError:
    """Return, not raise, a DataError with this `message`.

    `settings` are arguments that help, by name: `remedy` shows each where it says
    {name}, and the error keeps them, so that a command can print options.

    Examples
    --------
    >>> print(data_error("table", "t.csv", "1 cell is missing", "use {impute}",
    ...                  impute="mean"))
    table: t.csv: 1 cell is missing; use impute='mean'
    """
    if settings:
        remedy = remedy.format(**{k: f"{k}={v!r}" for k, v in settings.items()})
    error = DataError(message(what, where, reason, remedy))
    error.settings = settings  # type: ignore[attr-defined]
    return error


@contextlib.contextmanager
def file_errors(
    what: str, path: Path, remedy: str, kind: type[GpunetError] = ModelFileError
) -> Iterator[None]:
    """Turn every way in which a file can be wrong into one error that names it.

    `what`, `path` and `remedy` are those of `message`; a `FileFault` has its own
    remedy. The error is a `kind`, or OutOfMemory where memory ended.
    """
    try:
        yield
    except GpunetError:
        raise
    except MemoryError as error:
        reason = "does not fit into the memory of this machine"
        raise OutOfMemory(message(what, path, reason, "use a larger one")) from error
    except (OSError, ValueError, RecursionError) as error:
        remedy = getattr(error, "remedy", remedy)
        raise kind(message(what, path, _error_text(error), remedy)) from error


@contextlib.contextmanager
def write_errors(path: Path, n_bytes: int | None = None) -> Iterator[None]:
    """Turn what the system says against writing `path` into a WriteError.

    ValueError is for a name that no file can have; `n_bytes` is how many bytes
    should have been written, if known.
    """
    try:
        yield
    except GpunetError:
        raise
    except (OSError, ValueError) as error:
        reason = _error_text(error)
        if n_bytes is not None:
            reason += _room(path, n_bytes)
        code = getattr(error, "errno", None) or 0
        remedy = _WRITE_REMEDIES.get(code, "check the disk and the name")
        raise WriteError(message("cannot write", path, reason, remedy)) from error


def _error_text(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return f"is damaged ({error})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _room(path: Path, n_bytes: int) -> str:
    """Return how much room a file needs and has; nothing where its folder is none."""
    try:
        folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
        free = shutil.disk_usage(folder).free
    except (OSError, ValueError):
        return ""
    return f" ({n_bytes:,} bytes needed, {free:,} bytes free)"
