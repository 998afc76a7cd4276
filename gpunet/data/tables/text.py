"""The text of a table as UTF-8 bytes: from a file, gzip or standard input.

What is not UTF-8 is refused with its line, and read only in the encoding that
the caller names: most bytes are letters in every 8-bit encoding, so a guess
would not be noticed.
"""

import codecs
import os
import re
import sys

from ...io.messages import data_error
from ...io.reading import GZIP_MAGIC, gunzip_bounded, read_regular

STDIN = "-"
LARGEST = 2**31  # bytes of a file, and of what it holds
_SMALL, _INFLATION = 2**26, 100  # inflated bytes that are fine, and the ratio beyond
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def shown(path):
    """Return how messages name the table at `path`."""
    return "standard input" if path == STDIN else str(path)


def read_utf8(path, encoding=None):
    """Return the text of a table as UTF-8 bytes.

    Parameters
    ----------
    path : str or path-like
        A file, perhaps compressed by gzip, or "-" for standard input.
    encoding : str, optional
        Of the file; the default is UTF-8. A UTF-8 byte order mark overrules it.

    Returns
    -------
    content : bytes
        Without NUL bytes and lone carriage returns; a byte order mark stays.

    Raises
    ------
    DataError
        It cannot be read, or is not text in this encoding.
    """
    where = shown(path)
    content = _standard_input() if path == STDIN else read_regular(path, LARGEST)
    zipped = path != STDIN and os.fspath(path).lower().endswith(".gz")
    if zipped or content.startswith(GZIP_MAGIC):
        limit = min(LARGEST, max(_SMALL, _INFLATION * len(content)))
        content = gunzip_bounded(content, limit, where)
    if not content:
        raise data_error("table", where, "is empty (0 bytes)", "copy it again")
    if encoding is not None and not content.startswith(codecs.BOM_UTF8):
        content = _recoded(content, encoding, where)
    _check_text(content, where)
    return content


def _standard_input():
    try:
        if sys.stdin.isatty():
            why, cure = "is a terminal", "pipe a table into it, or name a file"
            raise data_error("table", shown(STDIN), why, cure)
        content = sys.stdin.buffer.read(LARGEST + 1)
    except (OSError, AttributeError) as error:  # AttributeError: there is none
        why = f"cannot be read ({error})"
        raise data_error("table", shown(STDIN), why, "name a file") from None
    if len(content) > LARGEST:
        why = f"has more than {LARGEST:,} bytes"
        raise data_error("table", shown(STDIN), why, "give a smaller table")
    return content


def _recoded(content, encoding, where):
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        place = _place(content, getattr(error, "start", 0), where)
        why = f"is not {encoding} ({getattr(error, 'reason', error)})"
        raise data_error("table", place, why, "name its encoding") from None


def _check_text(content, where):
    """Refuse what is not UTF-8 text with the line ends of this century."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            why = f"begins as {encoding.upper()} does"
            cure = "save it as UTF-8, or use {encoding}"
            raise data_error("table", f"{where}:1:1", why, cure, encoding=encoding)
    nul, lone = content.find(b"\0"), -1
    if content.count(b"\r") != content.count(b"\r\n"):  # the search itself is slow
        lone = re.search(rb"\r(?!\n)", content).start()
    for offset, name in ((nul, "a NUL byte"), (lone, "a lone carriage return")):
        if offset >= 0:
            place = _place(content, offset, where)
            cure = "save it as UTF-8 text with ordinary line ends"
            raise data_error("table", place, f"holds {name}", cure)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"byte {content[error.start]:#04x} is not UTF-8"
        place = _place(content, error.start, where)
        cure = "save it as UTF-8, or use {encoding}"
        encoding = _likely_encoding(content)
        raise data_error("table", place, why, cure, encoding=encoding) from None


def _likely_encoding(content):
    """Return the encoding to suggest: Windows' if its quotes or dashes occur."""
    if re.search(rb"[\x80-\x9f]", content):  # control characters in Latin-1
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "latin-1"


def _place(content, offset, where):
    """Return file:line:column of a byte; quotes are not looked at."""
    line = content.count(b"\n", 0, offset) + 1
    start = content.rfind(b"\n", 0, offset) + 1
    column = 1 + max(content.count(d, start, offset) for d in (b",", b";", b"\t", b"|"))
    return f"{where}:{line}:{column}"
