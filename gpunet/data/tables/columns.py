"""Columns of a text table: each is of numbers or of texts.

A number is written in ASCII digits: `float()` alone would take `1_000`, `nan` and
Arabic digits. A column that mixes numbers and texts raises `MixedColumn`.
"""

import re
from collections.abc import Collection, Sequence

import numpy as np

from ...io.messages import data_error
from .dialect import BLANK, TextFormat

_NUMBER_BYTES = b"0123456789+-.eE \n"
# 1,5 and 1.234,5 and 1,234.5: a number in some country, and a text in none
_GROUPED = re.compile(
    r"[+-]?(\d+,\d+|\d{1,3}(\.\d{3}){2,}|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(,\d{3})+\.\d+)",
    re.ASCII,
)


class MixedColumn(Exception):
    """A column contains numbers and texts; `describe_mixed` counts them."""


class Column:
    """One column as it is read: arrays of numbers, or texts, never both.

    `number` is that of the column in the file, from 1; `is_text` says that its cells
    are texts even where they look like numbers; `missing` are the texts that mark a
    missing cell.
    """

    def __init__(
        self,
        name: str,
        number: int,
        where: str,
        is_text: bool,
        missing: set[str],
        form: TextFormat,
    ) -> None:
        self.name, self._number, self._where = name, number, where
        self._missing, self._form = missing, form
        self._missing_numbers = {m for m in missing if form.number.fullmatch(m)}
        self._is_text = True if is_text else None  # None: not known yet
        self._declared = is_text
        self._parts: list[np.ndarray] = []

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Append cells of rows that begin on `lines`; may raise MixedColumn."""
        numbers = None
        if not self._is_text:
            marks = self._missing_numbers
            if not marks or marks.isdisjoint(cell.strip(BLANK) for cell in cells):
                numbers = _as_numbers(cells, self._form.decimal)
            if numbers is None:
                numbers = self._cells_as_numbers(cells)
            else:
                self._is_text = False
        if numbers is None:
            self._parts.append(self._cells_as_texts(cells))
            return
        if np.isinf(numbers).any():
            k = int(np.argmax(np.isinf(numbers)))
            location = f"{self._where}:{lines[k]}:{self._number}"
            reason = f"{self.name:.80}: {cells[k]!r:.80} is beyond float64"
            raise data_error("table", location, reason, "correct it")
        self._parts.append(numbers)

    def values(self) -> np.ndarray:
        """Return the whole column, shape (n,): float64, or objects for texts."""
        if self._is_text:  # numbers before texts: all were missing
            for k, part in enumerate(self._parts):
                if part.dtype == float:
                    self._parts[k] = np.full(len(part), "", object)
        return np.concatenate(self._parts)

    def _cells_as_numbers(self, cells: Sequence[str]) -> np.ndarray | None:
        """Return cells of which some are missing as numbers, or None for texts."""
        values = np.full(len(cells), np.nan)
        number, comma = self._form.number, self._form.decimal == ","
        for k, cell in enumerate(cells):
            cell = cell.strip(BLANK)
            if cell in self._missing:
                continue
            if not number.fullmatch(cell):
                if self._is_text is None and not resembles_number(cell):
                    self._is_text = True
                    return None
                raise MixedColumn
            self._is_text = False
            values[k] = float(cell.replace(",", ".") if comma else cell)
        return values

    def _cells_as_texts(self, cells: Sequence[str]) -> np.ndarray:
        different = set(cells)
        if any(cell != cell.strip(BLANK) for cell in different):
            cells = [cell.strip(BLANK) for cell in cells]
            different = set(cells)
        if not self._declared and any(
            self._form.number.fullmatch(cell) or resembles_number(cell)
            for cell in different - self._missing
        ):
            raise MixedColumn
        if different & self._missing:
            cells = ["" if cell in self._missing else cell for cell in cells]
        return text_array(cells)


def _as_numbers(cells: Sequence[str], decimal: str) -> np.ndarray | None:
    """Return cells as float64 if each is a number, else None."""
    joined = "\n".join(cells)
    if decimal == ",":
        if "." in joined:
            return None
        joined = joined.replace(",", ".")
        cells = joined.split("\n")
    if not joined.isascii() or joined.encode().translate(None, _NUMBER_BYTES):
        return None
    if joined.count("\n") >= len(cells):  # inside a cell: float() would strip it
        return None
    try:
        # Of these characters alone, float() accepts what the grammar accepts.
        return np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        return None


def resembles_number(cell: str) -> bool:
    """Return whether a text may be meant as a number: nan, 1_000, 1.234,5."""
    if _GROUPED.fullmatch(cell):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def text_array(cells: Collection[str]) -> np.ndarray:
    """Return texts as an array of objects, shape (n,)."""
    return np.array([*cells, None], object)[:-1]  # None: never a table of texts


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return which cells of a column of numbers or texts are missing."""
    if values.dtype == object:
        return values == ""
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)


def positions(values: Sequence[str | int | float]) -> dict[str | int | float, int]:
    """Return the index of each value, and of each text without blanks around it."""
    stripped = {v.strip(BLANK): k for k, v in enumerate(values) if isinstance(v, str)}
    return stripped | {value: k for k, value in enumerate(values)}


def class_value(value: "str | float | np.floating") -> str | int | float:
    """Return a cell as a class is stored: a text, an int, or another float."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def as_texts(values: np.ndarray) -> np.ndarray:
    """Return a column as texts: whole numbers without a point, "" for NaN."""
    if values.dtype == object:
        return values
    return text_array(["" if np.isnan(v) else str(class_value(v)) for v in values])
