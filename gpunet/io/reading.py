"""Bytes from files that strangers made: bounded, regular and checked.

A path on the command line may be a FIFO that never answers, a device that
never ends or a gzip bomb of 1,000 to 1. Every reader of the package goes
through the two functions here, so no input can hang it, fill the memory or
raise anything but `DataError`.
"""

import os
import stat
import zlib

from gpunet.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_MESSAGE = 480  # the contract is 500, "gpunet: error: " takes 15
_LONGEST_PATH = 160

_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a FIFO"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISSOCK, "is a socket"),
)


def data_error(what, where, why, cure, **settings):
    """Return a DataError whose one line fits the message contract.

    `<what>: <where>: <why>; <cure>`, at most 480 characters. A name that is
    not UTF-8, or that hides a line break, is shown escaped.

    Parameters
    ----------
    what : str
        The kind of input, such as ``"IDX file"``.
    where : str or path-like
        The path, option or array. A long one keeps its end.
    why, cure : str
        The reason, shortened if need be, and what to do.
    **settings
        Arguments that cure it, by name; `cure` shows each where it says {name}.
        The error keeps them as `settings`, so that a command can print options.

    Returns
    -------
    error : DataError, not raised

    Examples
    --------
    >>> print(data_error("IDX file", "a\\nb.gz", "is empty", "copy it again"))
    IDX file: a\\nb.gz: is empty; copy it again
    >>> print(data_error("table", "t.csv", "1 cell is missing", "use {impute}",
    ...                  impute="mean"))
    table: t.csv: 1 cell is missing; use impute='mean'
    """
    if settings:
        cure = cure.format(**{k: f"{k}={v!r}" for k, v in settings.items()})
    where = printable(os.fsdecode(where)) or "''"
    if len(where) > _LONGEST_PATH:
        where = "..." + where[3 - _LONGEST_PATH :]
    why = printable(why)
    room = _LONGEST_MESSAGE - len(what) - len(where) - len(cure) - 6
    if len(why) > room:
        why = why[: room - 3] + "..."
    error = DataError(f"{what}: {where}: {why}; {cure}")
    error.settings = settings
    return error


def printable(text):
    """Return `text` with every unprintable character escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def read_regular(path, limit):
    """Return the whole content of a regular file, if it has at most `limit` bytes.

    Parameters
    ----------
    path : str or path-like
        Followed if it is a symbolic link.
    limit : int
        The most bytes to read, checked before anything is read.

    Returns
    -------
    content : bytes

    Raises
    ------
    DataError
        If the path cannot be opened, is not a regular file, is larger than
        `limit`, or changes while it is read.
    """
    descriptor, before = open_regular(path, limit)
    try:
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(before.st_size + 1)
        after = os.fstat(descriptor)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise data_error("input file", path, why, "check the disk") from None
    finally:
        os.close(descriptor)
    # st_size is the truth only if the file stood still meanwhile.
    stamps = (before.st_size, before.st_mtime_ns), (after.st_size, after.st_mtime_ns)
    if len(content) != before.st_size or stamps[0] != stamps[1]:
        why = f"changed while it was read (had {before.st_size:,} bytes)"
        raise data_error("input file", path, why, "wait until it is complete")
    return content


def open_regular(path, limit):
    """Open a regular file for reading; return its descriptor and its status.

    Parameters
    ----------
    path : str or path-like
    limit : int
        The most bytes the file may have.

    Raises
    ------
    DataError
        If the path cannot be opened, is not a regular file or is larger.
    """
    path = os.fspath(path)
    # Without O_NONBLOCK the open of a FIFO waits for a writer for ever.
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: NUL or a lone surrogate
        why = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise data_error("input file", path, why, "check the path") from None
    try:
        status = os.fstat(descriptor)
        _check_regular(status, path, limit)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _check_regular(status, path, limit):
    """Refuse what is not a regular file of at most `limit` bytes."""
    if not stat.S_ISREG(status.st_mode):
        why = next((text for is_kind, text in _KINDS if is_kind(status.st_mode)), "")
        why = why or "is no regular file"
        raise data_error("input file", path, why, "give the path of a regular file")
    if status.st_size > limit:
        why = f"has {status.st_size:,} bytes, more than the limit of {limit:,}"
        raise data_error("input file", path, why, "check that it is the right file")


def gunzip_bounded(data, limit, where):
    """Return the content of one gzip member, if it has at most `limit` bytes.

    Never inflates more than `limit` + 1 bytes, and inflates once only. Several
    members in a row are refused like any other trailing bytes. A damaged bit
    passes only where the content stays the same, as in the bits that fill up
    the last byte.

    Parameters
    ----------
    data : bytes
        The whole compressed file.
    limit : int
        The most bytes the content may have.
    where : str or path-like
        The file, for the message.

    Returns
    -------
    content : bytes

    Raises
    ------
    DataError
        If `data` is empty, no gzip, truncated, damaged (a bad block or a bad
        checksum), followed by other bytes, or longer inside than `limit`.
    """
    inflate = zlib.decompressobj(wbits=31)  # 31: a gzip header and a CRC-32
    copy = "copy the file again"
    if not data:
        raise data_error("gzip file", where, "is empty (0 bytes)", copy)
    if not data.startswith(GZIP_MAGIC):
        why = f"does not start as gzip does, but with {bytes(data[:4]).hex(' ')}"
        raise data_error("gzip file", where, why, copy)
    try:
        content = inflate.decompress(data, limit + 1)
    except zlib.error as error:
        raise data_error("gzip file", where, f"is damaged ({error})", copy) from None
    if len(content) > limit:
        why = f"inflates to more than {limit:,} bytes: extra bytes at offset {limit:,}"
        raise data_error("gzip file", where, why, "check that it is the right file")
    if not inflate.eof:
        why = f"is truncated: {len(data):,} bytes end after {len(content):,} inflated"
        raise data_error("gzip file", where, why, copy)
    if inflate.unused_data:
        extra = len(inflate.unused_data)
        why = f"has {extra:,} extra bytes at offset {len(data) - extra:,}"
        raise data_error("gzip file", where, why, "compress it again with gzip")
    return content
