"""Text files, streamed as lines of words.

A corpus may be larger than memory: it is read, inflated and decoded block by block.
"""

import codecs
import contextlib
import gzip
import hashlib
import os
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DataError
from ..io.messages import choices, data_error, file_errors
from ..io.reading import GZIP_MAGIC, open_regular

SHAKESPEARE = Path(__file__).parents[1] / "data" / "text" / "shakespeare.txt.gz"
SHA256 = "04decea0dd965df5e6cfc4a538b0c62623aaa3bfd848ac7fad6734e59c96624d"
ERRORS = ("strict", "replace")
_BLOCK = 1 << 16  # bytes; a line of more characters is cut at a space
# A lower-case Turkish dotted I, among others, is a letter and a combining mark.
_MARKS = "\u0300-\u036f"
_WORD = re.compile(rf"[^\W_]+(?:'[^\W_]+|[{_MARKS}]+[^\W_]*)*")


def words_of(line: str, lower: bool = True) -> list[str]:
    """Return the words of a line: letters and digits of any script, o'er too.

    Examples
    --------
    >>> words_of("To be, or not to be--that is th' _Question_: O'er 2 hours.")[5:]
    ['be', 'that', 'is', 'th', 'question', "o'er", '2', 'hours']
    """
    if not line.isascii():
        line = unicodedata.normalize("NFC", line).replace("\u2019", "'")
    return _WORD.findall(line.lower() if lower else line)


def read_corpus(
    paths: Iterable[str | os.PathLike] | str | os.PathLike | None = None,
    *,
    errors: str = "strict",
    lower: bool = True,
) -> Iterator[list[str]]:
    """Yield the lines of text files as lists of words; lines without one are left out.

    Parameters
    ----------
    paths : path or paths, optional
        Plain text or gzip, UTF-8. None uses the Shakespeare of the package.
    errors : "strict" or "replace"
        What to do with bytes that are not UTF-8: stop, or replace them.
    lower : bool
        Whether "The" and "the" are one word.

    Raises
    ------
    DataError
        A file is missing, not a regular file, binary, not UTF-8, or a damaged gzip.

    Examples
    --------
    >>> next(read_corpus())
    ["all's", 'well', 'that', 'ends', 'well']
    """
    if errors not in ERRORS:
        raise ConfigError(f"errors: {errors!r}: {choices(errors, ERRORS)}")
    if paths is None:
        paths = [SHAKESPEARE]
    elif isinstance(paths, str | os.PathLike):
        paths = [paths]
    lines = chain.from_iterable(_lines(_text(path, errors)) for path in list(paths))
    return filter(None, (words_of(line, lower) for line in lines))


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text that comes in blocks."""
    rest = ""
    for block in blocks:
        lines = (rest + block).splitlines(keepends=True)
        rest = "" if not lines or lines[-1].endswith(("\n", "\r")) else lines.pop()
        yield from lines
        if len(rest) > _BLOCK:
            cut = rest.rfind(" ") + 1 or len(rest)
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _text(path: Any, errors: str) -> Iterator[str]:
    """Yield the text of a file in blocks."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    offset = 0
    for block in chain(_bytes(path), [b""]):
        if (nul := block.find(b"\0")) >= 0:
            reason = f"is binary (a NUL byte at offset {offset + nul:,})"
            remedy = "give plain text in UTF-8, or its gzip"
            raise data_error("text", path, reason, remedy)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            byte = f"byte 0x{error.object[error.start]:02x}"
            reason = (
                f"is not UTF-8 ({byte} at offset {offset - pending + error.start:,})"
            )
            remedy = "convert it to UTF-8, or replace the invalid bytes with {errors}"
            raise data_error("text", path, reason, remedy, errors="replace") from None
        yield text
        offset += len(block)


def _bytes(path: Any) -> Iterator[bytes]:
    """Yield the content of a plain or gzip file in blocks."""
    digest = hashlib.sha256()
    read_errors = file_errors("text", path, "check the path", DataError)
    with read_errors, open_regular(path) as (file, _):
        zipped = file.read(2) == GZIP_MAGIC
        file.seek(0)
        try:
            with gzip.open(file) if zipped else contextlib.nullcontext(file) as content:
                while block := content.read(_BLOCK):
                    digest.update(block)
                    yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            reason = f"is a damaged gzip ({error})"
            raise data_error("text", path, reason, "copy the file again") from None
    if path == SHAKESPEARE and digest.hexdigest() != SHA256:
        raise data_error("text", path, "was changed", "install gpunet again")
