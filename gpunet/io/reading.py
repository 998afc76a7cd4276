"""Bytes from files that strangers made: bounded, regular and checked.

A path may be a FIFO that never answers, a device that never ends, a sparse file
of a terabyte or a gzip bomb of 1,000 to 1. Every reader of the package opens its
files here, so no input can hang it or fill the memory.
"""

import contextlib
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader

from ..errors import DataError
from .messages import FileFault, Path, file_errors

GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 2**17  # bytes of a compressed file
_INFLATION = 1032  # a byte of gzip becomes no more
# Without O_NONBLOCK the open of a FIFO waits for a writer for ever.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ |= getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a FIFO"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISSOCK, "is a socket"),
)


@contextlib.contextmanager
def open_regular(
    path: Path, limit: int | None = None
) -> Iterator[tuple[BufferedReader, os.stat_result]]:
    """Open a regular file of at most `limit` bytes; yield it and its status.

    A symbolic link is followed. What is not a regular file, or is larger, is a
    `FileFault`; `file_errors` makes one of the package's errors of it and of the
    system's own.
    """
    descriptor = os.open(path, _READ)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kinds = [text for is_kind, text in _KINDS if is_kind(status.st_mode)]
            reason = kinds[0] if kinds else "is not a regular file"
            raise FileFault(reason, "give the path of a regular file")
        if limit is not None and status.st_size > limit:
            reason = f"has {status.st_size:,} bytes, more than the limit of {limit:,}"
            raise FileFault(reason, "check that it is the right file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file, status
    finally:
        os.close(descriptor)


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Errors are as in `open_regular`; a file that changes meanwhile is a `FileFault`.
    """
    with open_regular(path, limit) as (file, before):
        content = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    # st_size is the truth only if the file stood still meanwhile.
    stamps = (before.st_size, before.st_mtime_ns), (after.st_size, after.st_mtime_ns)
    if len(content) != before.st_size or stamps[0] != stamps[1]:
        reason = f"changed while it was read (had {before.st_size:,} bytes)"
        raise FileFault(reason, "wait until it is complete")
    return content


def read_regular(path: Path, limit: int) -> bytes:
    """Return the content of an input file; see `read_bytes` (errors: DataError)."""
    with file_errors("input file", path, "check the path", DataError):
        return read_bytes(path, limit)


def read_stdin(limit: int) -> bytes:
    """Return what is piped into standard input, at most `limit` bytes (FileFault)."""
    try:
        if sys.stdin.isatty():
            raise FileFault("is a terminal", "pipe a file into it, or name one")
        content = sys.stdin.buffer.read(limit + 1)
    except (OSError, AttributeError) as error:  # AttributeError: it is None
        raise FileFault(f"cannot be read ({error})", "name a file") from None
    if len(content) > limit:
        raise FileFault(f"has more than {limit:,} bytes", "use a smaller one")
    return content


def gunzip_bounded(data: bytes, limit: int, where: Path, size: int = 0) -> bytearray:
    """Return the content of one gzip member, if it has at most `limit` bytes.

    Never inflates more than `limit` + 1 bytes, and inflates once only. A damaged bit
    passes only where the content stays the same, as in the bits that fill up the
    last byte. `size` is the length to expect: content of it is never copied.

    Raises
    ------
    DataError
        `data` is empty, not gzip, truncated, damaged (a bad block or checksum),
        followed by other bytes (another member too), or longer inside than `limit`.
    """
    inflate = zlib.decompressobj(wbits=31)  # 31: a gzip header and a CRC-32
    with file_errors("gzip file", where, "copy the file again", DataError):
        if not data:
            raise ValueError("is empty (0 bytes)")
        if not data.startswith(GZIP_MAGIC):
            start = bytes(data[:4]).hex(" ")
            raise ValueError(f"does not start as gzip does, but with {start}")
        n, n_read, n_inside = len(data), 0, 0
        content = bytearray(min(size, _INFLATION * n))
        try:
            while n_read < n and not inflate.eof and n_inside <= limit:
                piece = memoryview(data)[n_read : n_read + _PIECE]
                block = inflate.decompress(piece, limit + 1 - n_inside)
                content[n_inside : n_inside + len(block)] = block
                n_read, n_inside = n_read + len(piece), n_inside + len(block)
        except zlib.error as error:
            raise ValueError(f"is damaged ({error})") from None
        n_extra = n - n_read + len(inflate.unused_data)
        if n_inside > limit:
            more = f"more than {limit:,} bytes"
            reason = f"inflates to {more}: extra bytes at offset {limit:,}"
            raise FileFault(reason, "check that it is the right file")
        if not inflate.eof:
            reason = f"{n:,} bytes end after {n_inside:,} inflated"
            raise ValueError(f"is truncated: {reason}")
        if n_extra:
            reason = f"has {n_extra:,} extra bytes at offset {n - n_extra:,}"
            raise FileFault(reason, "compress it again with gzip")
        del content[n_inside:]
        return content
