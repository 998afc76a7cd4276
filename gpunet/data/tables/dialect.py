"""How a text table is written: its delimiter, its header, its row names.

The delimiter is the one by which the first rows have as many cells as the header.
Where two fit, or where the first line may be a header or data, the message names
the argument that decides.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from ...errors import ConfigError
from ...io.messages import data_error

BLANK = " \t"  # removed around cells
_WORDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}  # detected
_DELIMITERS = {word: delimiter for delimiter, word in _WORDS.items()}
_DELIMITERS |= {"space": " ", "\\t": "\t"}
_ROWS, _BYTES = 100, 2**16  # inspected to find the delimiter
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_NUMBERS = {  # by the decimal mark
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII),
}


@dataclass(frozen=True)
class TextFormat:
    """How a text table is written (ConfigError for an invalid value)."""

    # one character, or comma, semicolon, tab, pipe or space; None detects all but space
    delimiter: str | None = None
    encoding: str | None = None  # None is UTF-8
    decimal: str = "."  # or ","
    # whether the first line names the columns; None refuses one that looks like data
    header: bool | None = None

    def __post_init__(self) -> None:
        mark = _DELIMITERS.get(self.delimiter or "", self.delimiter)
        if mark is not None and (len(mark) != 1 or mark.isalnum() or mark in '"\r\n\0'):
            raise ConfigError(
                f"delimiter: must be one character (not a letter or digit) or one of "
                f"{', '.join(_DELIMITERS)}, got {self.delimiter!r:.40}"
            )
        object.__setattr__(self, "delimiter", mark)
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, ValueError):
            raise ConfigError(
                f"encoding: {self.encoding!r:.40}: Python knows no such encoding; try "
                "latin-1, cp1252 or utf-16"
            ) from None
        if self.header not in (None, True, False):
            raise ConfigError(f"header: must be bool or None, got {self.header!r:.20}")
        if self.decimal not in _NUMBERS:
            raise ConfigError(f"decimal: must be '.' or ',', got {self.decimal!r:.40}")

    @property
    def number(self) -> re.Pattern[str]:
        """The pattern of a whole cell that is a number."""
        return _NUMBERS[self.decimal]


def csv_reader(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> Any:
    """Return a `csv.reader` of lines; blanks after a delimiter are dropped."""
    return csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True)


def find_delimiter(
    content: bytes, form: TextFormat, where: str
) -> tuple[str, list[list[str]]]:
    """Return (delimiter, the first rows) of a text table.

    The suffix .tsv of `where` decides between tabs and others that fit. Several that
    fit, or several that occur and none that fits, are a DataError.
    """
    end = _BYTES
    while end < len(content) and content.count(b"\n", 0, end) < 20:
        end *= 4
    text = content[:end].decode("utf-8-sig", "ignore")
    if end < len(content):  # whole lines only
        text = text[: text.rfind("\n") + 1]
    if form.delimiter is not None:
        return form.delimiter, _first_rows(text, form.delimiter)
    tried = {d: _first_rows(text, d) for d in _WORDS}
    wide = {d: rows for d, rows in tried.items() if rows and len(rows[0]) > 1}
    # Even rows have the header's width, or all one cell more.
    widths = {d: {len(row) for row in rows[1:] or rows} for d, rows in wide.items()}
    candidates = [
        d
        for d, rows in wide.items()
        if len(widths[d]) == 1 and widths[d] <= {len(rows[0]), len(rows[0]) + 1}
    ]
    if "\t" in candidates and where.lower().endswith((".tsv", ".tsv.gz")):
        candidates = ["\t"]
    if len(candidates) == 1 or (not candidates and len(wide) < 2):
        delimiter = next(iter(candidates or wide), ",")
        return delimiter, tried[delimiter]
    sizes = {d: len(wide[d][0]) for d in candidates or wide}
    counts = ", ".join(f"{_WORDS[d]} ({n} columns)" for d, n in sizes.items())
    reason = f"more than one delimiter fits: {counts}"
    if not candidates:
        reason = f"its rows are uneven by each delimiter: {counts}"
    likely = _WORDS[max(sizes, key=sizes.__getitem__)]
    remedy = "name the right one, such as {delimiter}"
    raise data_error("table", f"{where}:1", reason, remedy, delimiter=likely)


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    """Return the first rows as lists of stripped cells, empty lines left out."""
    lines = io.StringIO(text, newline="")
    try:
        rows = list(islice(csv_reader(lines, delimiter, strict=False), _ROWS))
    except csv.Error:  # a cell beyond csv's limit: refused with its line later
        return []
    return [[cell.strip(BLANK) for cell in row] for row in rows if row]


def lacks_row_names(rows: list[list[str]]) -> bool:
    """Return whether the header has one name fewer than the rows have cells, as R's."""
    widths = {len(row) for row in rows[1:]}
    several = len(rows) > 2 and len(rows[0]) > 1  # one row may have a cell too many
    return several and widths == {len(rows[0]) + 1}


def looks_like_data(rows: list[list[str]], number: re.Pattern[str]) -> bool:
    """Return whether the first line is of the same kinds as the rows below it.

    Names that are whole numbers in increasing order, such as years, are names,
    unless there is nothing else in the line.
    """
    numeric = [bool(number.fullmatch(name)) for name in rows[0]]
    names = [name for name in rows[0] if number.fullmatch(name)]
    if not names or len(names) == len(rows[0]):
        return bool(names)
    below = [row for row in rows[1:] if len(row) == len(rows[0])]
    columns = ([cell for cell in column if cell] for column in zip(*below, strict=True))
    kinds = [all(map(number.fullmatch, cells)) for cells in columns]
    if kinds != numeric:
        return False
    if not all(map(_WHOLE.fullmatch, names)):
        return True
    years = list(map(int, names))
    return any(a >= b for a, b in pairwise(years))


def is_row_names(cells: Sequence[str]) -> bool:
    """Return whether cells number or name the rows: all different, of one kind."""
    numbers = list(map(_WHOLE.fullmatch, cells))
    if all(numbers):
        return len(set(map(int, cells))) == len(cells)
    texts = not any(map(_NUMBERS["."].fullmatch, cells))
    return texts and "" not in cells and len(set(cells)) == len(cells)
