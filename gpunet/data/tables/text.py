"""The text of a table as UTF-8 bytes: from a file, gzip or standard input.

What is not UTF-8 is refused with its line, and read only in the encoding that the
caller names: most bytes are letters in every 8-bit encoding.
"""

import codecs
import os
import re

from ...errors import DataError
from ...io.messages import Path, data_error, file_errors
from ...io.reading import GZIP_MAGIC, gunzip_bounded, read_regular, read_stdin

STDIN = "-"
MAX_BYTES = 2**31  # of a file, and of its content
_SMALL, _INFLATION = 2**26, 100  # inflated bytes that are fine, and the ratio beyond
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def display_name(path: Path) -> str:
    """Return how messages name the table at `path`."""
    return "standard input" if path == STDIN else os.fsdecode(path)


def read_utf8(path: Path, encoding: str | None = None) -> bytes:
    """Return the text of a table as UTF-8 bytes; a byte order mark stays.

    `path` is a file, perhaps compressed by gzip, or "-" for standard input; `encoding`
    is the file's, UTF-8 by default, and a UTF-8 byte order mark overrules it. What
    cannot be read, is not text in it, or contains NUL bytes or lone carriage returns
    is a DataError.
    """
    where = display_name(path)
    if path == STDIN:
        with file_errors("table", where, "name a file", DataError):
            content = read_stdin(MAX_BYTES)
    else:
        content = read_regular(path, MAX_BYTES)
    if os.fsdecode(path).lower().endswith(".gz") or content.startswith(GZIP_MAGIC):
        limit = min(MAX_BYTES, max(_SMALL, _INFLATION * len(content)))
        content = bytes(gunzip_bounded(content, limit, where))
    if not content:
        raise data_error("table", where, "is empty (0 bytes)", "copy it again")
    if encoding is not None and not content.startswith(codecs.BOM_UTF8):
        try:
            content = content.decode(encoding).encode("utf-8")
        except UnicodeError as error:
            location = _location(content, getattr(error, "start", 0), where)
            reason = f"is not {encoding} ({getattr(error, 'reason', error)})"
            raise data_error("table", location, reason, "name its encoding") from None
    _check_text(content, where)
    return content


def _check_text(content: bytes, where: str) -> None:
    """Refuse what is not UTF-8 text with the line ends of this century."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            reason = f"begins as {encoding.upper()} does"
            raise _encoding_error(f"{where}:1:1", reason, encoding)
    nul, lone = content.find(b"\0"), -1
    if content.count(b"\r") != content.count(b"\r\n"):  # the search itself is slow
        match = re.search(rb"\r(?!\n)", content)
        lone = match.start() if match else -1
    for offset, name in ((nul, "a NUL byte"), (lone, "a lone carriage return")):
        if offset >= 0:
            location = _location(content, offset, where)
            remedy = "save it as UTF-8 text with ordinary line ends"
            raise data_error("table", location, f"contains {name}", remedy)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {content[error.start]:#04x} is not UTF-8"
        location = _location(content, error.start, where)
        raise _encoding_error(location, reason, _likely_encoding(content)) from None


def _encoding_error(location: str, reason: str, encoding: str) -> DataError:
    remedy = "save it as UTF-8, or use {encoding}"
    return data_error("table", location, reason, remedy, encoding=encoding)


def _likely_encoding(content: bytes) -> str:
    """Return the encoding to suggest: Windows' if its quotes or dashes occur."""
    if re.search(rb"[\x80-\x9f]", content):  # control characters in Latin-1
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "latin-1"


def _location(content: bytes, offset: int, where: str) -> str:
    """Return file:line:column of a byte; quotes are ignored."""
    line = content.count(b"\n", 0, offset) + 1
    start = content.rfind(b"\n", 0, offset) + 1
    column = 1 + max(content.count(d, start, offset) for d in (b",", b";", b"\t", b"|"))
    return f"{where}:{line}:{column}"
