"""The sentences of storage errors: what, which file, why, and what to do.

A name can hold bytes that are no text, line breaks or 300 letters; none of
that may break the one line that a command prints.
"""

import errno
import os
import shutil

from gpunet.errors import WriteError

_LONGEST_LINE = 480  # leaves room for "gpunet: error: " within 500 characters
_CURES = {
    errno.ENOSPC: "free some space or choose another folder",
    errno.EDQUOT: "free some of your quota or choose another folder",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f)",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "choose another folder or move that file away",
}


def readable(path, longest=120):
    """Return a path or name as text that prints anywhere, on one line.

    Bytes that are no UTF-8 and characters that would break the line are
    escaped; the middle of a long name is left out.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    longest : int, characters

    Returns
    -------
    str

    Examples
    --------
    >>> readable(b"run-\\xff")
    'run-\\\\udcff'
    """
    text = os.fsdecode(path)
    text = text.encode("utf-8", errors="backslashreplace").decode("utf-8")
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(text) <= longest:
        return text
    tail = longest // 2
    return f"{text[: longest - tail - 3]}...{text[-tail:]}"


def one_line(what, path, why, cure):
    """Return the sentence `what: path: why; cure` of every storage error.

    Parameters
    ----------
    what, why, cure : str
    path : str, bytes or os.PathLike

    Returns
    -------
    str, at most 480 characters when `what` has at most 60

    Examples
    --------
    >>> one_line("model file", "a.safetensors", "is a folder", "name a file")
    'model file: a.safetensors: is a folder; name a file'
    """
    start, end = f"{what}: {readable(path)}: ", f"; {readable(cure)}"
    return start + readable(why, _LONGEST_LINE - len(start) - len(end)) + end


def write_error(path, error, needed=None):
    """Return the `WriteError` that says why `path` could not be written.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    error : OSError or ValueError
        What the system said (ValueError: a name it cannot even take).
    needed : int, optional
        Bytes that should have been written.

    Returns
    -------
    WriteError
    """
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if needed is not None:
        why += f" ({needed:,} bytes needed, {_free_bytes(path)} bytes free)"
    cure = _CURES.get(getattr(error, "errno", None), "check the disk and the name")
    return WriteError(one_line("cannot write", path, why, cure))


def _free_bytes(path):
    try:
        folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
        return f"{shutil.disk_usage(folder).free:,}"
    except (OSError, ValueError):
        return "an unknown number of"
