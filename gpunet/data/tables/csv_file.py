"""CSV files of strangers, read by the standard library's reader and judged here.

Python's `csv` splits the lines; what this file adds is refusal. A file is UTF-8
with commas, a header and rows of one length, and a number is written in ASCII
digits: `float()` alone would take `1_000`, `nan` and Arabic digits. Whatever is
otherwise is refused with its line and column, because a guess that goes wrong
here trains a network on nonsense without a word.
"""

import csv
import io
import re

import numpy as np

from ..files import data_error, read_regular
from .table import Table

LARGEST = 2**31  # bytes of a file
_ROWS = 4096  # turned into arrays at once, so that few cells are texts in memory
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_OF_NUMBERS = b"0123456789+-.eE\n"
_STRANGE = "is not written as a number in ASCII digits"
_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", ""))


def read_csv(path, *, missing=(), categories=()):
    """Return the table in a CSV file.

    The first line names the columns. A byte order mark and Windows' line ends
    are taken. A column is of numbers, or of texts (categories); one that mixes
    the two is refused, unless `categories` names it.

    Parameters
    ----------
    path : str or path-like
    missing : sequence of str
        What stands for a missing value, beside an empty cell.
    categories : sequence of str
        Columns whose cells are texts even where they look like numbers.

    Returns
    -------
    table : Table

    Raises
    ------
    DataError
        With the line and the column of what is wrong.
    """
    content = read_regular(path, LARGEST)
    _refuse_bytes(content, path)
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    rows = _Rows(csv.reader(text, strict=True), path)
    names = _header(rows, path)
    gathered = [
        _Column(name, k + 1, path, name in categories, {"", *missing})
        for k, name in enumerate(names)
    ]
    lines = []
    while chunk := rows.chunk(len(names)):
        at = [line for line, _ in chunk]
        lines.extend(at)
        for column, cells in zip(
            gathered, zip(*(row for _, row in chunk), strict=True), strict=True
        ):
            column.add(cells, at)
    if not lines:
        why = "holds a header and no rows"
        raise data_error("table", path, why, "give it rows to learn from")
    columns = {column.name: column.values() for column in gathered}
    return Table(str(path), columns, lines=np.array(lines))


def _refuse_bytes(content, path):
    """Refuse what is no UTF-8 text with the line ends of this century."""
    cure = "save it as UTF-8 text with commas"
    if not content:
        raise data_error("table", path, "is empty (0 bytes)", "copy it again")
    for mark, name in _BOMS:
        if content.startswith(mark):
            why = f"begins as {name or 'UTF-32'} does"
            raise data_error("table", f"{path}:1:1", why, cure)
    nul, lone = content.find(b"\0"), -1
    if content.count(b"\r") != content.count(b"\r\n"):  # the search itself is slow
        lone = re.search(rb"\r(?!\n)", content).start()
    for offset, name in ((nul, "a NUL byte"), (lone, "a lone carriage return")):
        if offset >= 0:
            place = _place(content, offset, path)
            raise data_error("table", place, f"holds {name}", cure)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"byte {content[error.start]:#04x} is no UTF-8"
        place = _place(content, error.start, path)
        raise data_error("table", place, why, cure) from None


def _place(content, offset, path):
    """Return file:line:column of a byte; quotes are not looked at."""
    line = content.count(b"\n", 0, offset) + 1
    start = content.rfind(b"\n", 0, offset) + 1
    return f"{path}:{line}:{content.count(b',', start, offset) + 1}"


class _Rows:
    """The rows of a reader with the lines on which they begin."""

    def __init__(self, reader, path):
        self._reader, self._path = reader, path
        self.line = 1  # of the next row

    def next(self):
        """Return (line, cells) of the next row, or None at the end."""
        line = self.line
        try:
            row = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            where = f"{self._path}:{line}:1"
            why = f"the row that begins here cannot be read ({error})"
            cure = 'close each quote, and write a quote inside quotes as ""'
            raise data_error("table", where, why, cure) from None
        self.line = self._reader.line_num + 1
        return line, row

    def chunk(self, width):
        """Return the next rows, each of `width` cells."""
        chunk = []
        while len(chunk) < _ROWS and (found := self.next()):
            line, row = found
            if len(row) != width:
                at = min(len(row), width) + 1
                why = f"has {len(row)} cells, the header {width}"
                cure = "give each row a cell for each column, and quote texts with ,"
                if not row:
                    at, why, cure = 1, "is an empty line", "take it out"
                raise data_error("table", f"{self._path}:{line}:{at}", why, cure)
            chunk.append(found)
        return chunk


def _header(rows, path):
    """Return the names of the columns."""
    _, names = rows.next() or (1, [])
    where = f"{path}:1"
    if not names:
        raise data_error("table", f"{where}:1", "is an empty line", "take it out")
    if len(names) < 2:
        why = f"the header has one column, {names[0]!r}"
        cure = "give it two at least, separated by commas (not ; or tabs)"
        raise data_error("table", f"{where}:1", why, cure)
    if names[0].startswith("#"):
        why = f"begins with a comment, {names[0]!r}"
        raise data_error("table", f"{where}:1", why, "take the comment out")
    if all(_NUMBER.fullmatch(name) for name in names):
        why = "the first line holds numbers only, so there is no header"
        raise data_error("table", f"{where}:1", why, "add a line that names columns")
    seen = {}
    for k, name in enumerate(names, 1):
        if not name.strip():
            cure = "name it (pandas: to_csv(index=False))"
            raise data_error("table", f"{where}:{k}", "the column has no name", cure)
        if name != name.strip():
            why, cure = f"{name!r} begins or ends with a space", "take the spaces out"
            raise data_error("table", f"{where}:{k}", why, cure)
        if name in seen:
            why = f"column {seen[name]} is called {name!r} too"
            raise data_error("table", f"{where}:{k}", why, "rename one of the two")
        seen[name] = k
    return names


class _Column:
    """One column as it is read: arrays of numbers, or texts, never both."""

    def __init__(self, name, number, path, is_text, missing):
        self.name, self._number, self._path = name, number, path
        self._missing = missing
        self._sentinels = {text for text in missing if _NUMBER.fullmatch(text)}
        self._is_text = True if is_text else None  # None: not known yet
        self._declared, self._first = is_text, None
        self._parts = []

    def add(self, cells, lines):
        """Take the cells of some rows that begin on `lines`."""
        if self._is_text:
            self._parts.append(self._texts(cells, lines))
            return
        numbers = _numbers(cells) if self._sentinels.isdisjoint(cells) else None
        if numbers is None:
            numbers = self._carefully(cells, lines)
            if self._is_text:
                self._parts.append(numbers)
                return
        elif self._first is None:
            self._is_text, self._first = False, lines[0]
        if np.isinf(numbers).any():
            k = int(np.argmax(np.isinf(numbers)))
            why = f"{self.name:.80}: {cells[k]!r:.80} is beyond float64"
            raise self._error(lines[k], why, "correct it")
        self._parts.append(numbers)

    def values(self):
        """Return the whole column, shape (n,): float64, or objects for texts."""
        if self._is_text:
            parts = [
                np.full(len(part), "", object) if part.dtype == float else part
                for part in self._parts  # numbers before texts: all were missing
            ]
            return np.concatenate(parts)
        return np.concatenate(self._parts)

    def _carefully(self, cells, lines):
        """Return cells of which not all are numbers: some are missing, or texts."""
        values = np.full(len(cells), np.nan)
        for k, (cell, line) in enumerate(zip(cells, lines, strict=True)):
            if cell in self._missing:
                continue
            if not _NUMBER.fullmatch(cell):
                if self._first is None and not _like_a_number(cell):
                    self._is_text, self._first = True, line
                    return self._texts(cells, lines)
                what = _STRANGE if _like_a_number(cell) else "is no number"
                raise self._mixed(cell, line, what)
            if self._first is None:
                self._is_text, self._first = False, line
            values[k] = float(cell)
        return values

    def _texts(self, cells, lines):
        different = set(cells)
        odd = {c for c in different - self._missing if _like_a_number(c)}
        if odd and not self._declared:
            k = next(k for k, cell in enumerate(cells) if cell in odd)
            what = "is a number" if _NUMBER.fullmatch(cells[k]) else _STRANGE
            raise self._mixed(cells[k], lines[k], what)
        if different & self._missing:
            cells = ["" if cell in self._missing else cell for cell in cells]
        return np.array([*cells, None], object)[:-1]  # None: never a table of texts

    def _mixed(self, cell, line, what):
        other = "a text" if self._is_text else "a number"
        why = f"{self.name:.80}: {cell!r:.80} {what}"
        if what != _STRANGE:
            why += f", line {self._first} has {other}"
        cure = "correct it, or name what is missing (--missing) or texts (--categories)"
        return self._error(line, why, cure)

    def _error(self, line, why, cure):
        return data_error("table", f"{self._path}:{line}:{self._number}", why, cure)


def _numbers(cells):
    """Return cells as float64 if each is a number, else None."""
    joined = "\n".join(cells)
    if not joined.isascii() or joined.encode().translate(None, _OF_NUMBERS):
        return None
    if joined.count("\n") >= len(cells):  # inside a cell: float() would strip it
        return None
    try:
        # Of these characters alone, float() takes what the grammar takes.
        return np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        return None


def _like_a_number(cell):
    """Tell whether Python would take a text for a number: nan, 1_000, spaces."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
