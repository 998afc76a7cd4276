"""Columns of a text table as they are read, and what is wrong with mixed ones.

A number is written in ASCII digits: `float()` alone would take `1_000`, `nan` and
Arabic digits. A column is of numbers or of texts. Where one mixes the two, all
such columns are counted before anything is said.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ...io.messages import data_error
from .dialect import BLANK

_OF_NUMBERS = b"0123456789+-.eE \n"
_FEW = 3  # different texts in a column of numbers that are taken for "missing"
_MARKS_NONE = {"nan", "inf"}  # what other programs write for "no number"
# 1,5 and 1.234,5 and 1,234.5: a number in some country, and a text in none
_GROUPED = re.compile(
    r"[+-]?(\d+,\d+|\d{1,3}(\.\d{3}){2,}|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(,\d{3})+\.\d+)",
    re.ASCII,
)
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)", re.ASCII)


class Mixed(Exception):
    """A column holds numbers and texts; `describe_mixed` says which and how many."""


class Column:
    """One column as it is read: arrays of numbers, or texts, never both.

    Parameters
    ----------
    name : str
    number : int
        Of the column in the file, from 1.
    where : str
        The file, for messages.
    is_text : bool
        Whether it is texts even where they look like numbers.
    missing : set of str
        What is a missing cell; "" always is.
    form : TextFormat
    """

    def __init__(self, name, number, where, is_text, missing, form):
        self.name, self._number, self._where = name, number, where
        self._missing, self._form = missing, form
        self._sentinels = {text for text in missing if form.number.fullmatch(text)}
        self._is_text = True if is_text else None  # None: not known yet
        self._declared = is_text
        self._parts = []

    def add(self, cells, lines):
        """Take the cells of some rows that begin on `lines`.

        Raises
        ------
        Mixed
            They are of another kind than those before.
        """
        if self._is_text:
            self._parts.append(self._texts(cells))
            return
        numbers = None
        if not self._sentinels or self._sentinels.isdisjoint(map(_stripped, cells)):
            numbers = _numbers(cells, self._form.decimal)
        if numbers is None:
            numbers = self._carefully(cells)
            if self._is_text:
                self._parts.append(numbers)
                return
        else:
            self._is_text = False
        if np.isinf(numbers).any():
            k = int(np.argmax(np.isinf(numbers)))
            why = f"{self.name:.80}: {cells[k]!r:.80} is beyond float64"
            place = f"{self._where}:{lines[k]}:{self._number}"
            raise data_error("table", place, why, "correct it")
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

    def _carefully(self, cells):
        """Return cells of which not all are numbers: some are missing, or texts."""
        values = np.full(len(cells), np.nan)
        number, comma = self._form.number, self._form.decimal == ","
        for k, cell in enumerate(cells):
            cell = cell.strip(BLANK)
            if cell in self._missing:
                continue
            if not number.fullmatch(cell):
                if self._is_text is None and not like_a_number(cell):
                    self._is_text = True
                    return self._texts(cells)
                raise Mixed
            self._is_text = False
            values[k] = float(cell.replace(",", ".") if comma else cell)
        return values

    def _texts(self, cells):
        different = set(cells)
        if any(cell != cell.strip(BLANK) for cell in different):
            cells = [cell.strip(BLANK) for cell in cells]
            different = set(cells)
        if not self._declared and any(
            self._form.number.fullmatch(cell) or like_a_number(cell)
            for cell in different - self._missing
        ):
            raise Mixed
        if different & self._missing:
            cells = ["" if cell in self._missing else cell for cell in cells]
        return np.array([*cells, None], object)[:-1]  # None: never a table of texts


def _stripped(cell):
    return cell.strip(BLANK)


def _numbers(cells, decimal):
    """Return cells as float64 if each is a number, else None."""
    joined = "\n".join(cells)
    if decimal == ",":
        if "." in joined:
            return None
        joined = joined.replace(",", ".")
        cells = joined.split("\n")
    if not joined.isascii() or joined.encode().translate(None, _OF_NUMBERS):
        return None
    if joined.count("\n") >= len(cells):  # inside a cell: float() would strip it
        return None
    try:
        # Of these characters alone, float() takes what the grammar takes.
        return np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        return None


def like_a_number(cell):
    """Tell whether a text may be meant as a number: nan, 1_000, 1.234,5."""
    if _GROUPED.fullmatch(cell):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


@dataclass
class _Tally:
    """How often the kinds of cell occur in a column, and where each begins."""

    name: str
    mark: str
    counts: dict = field(
        default_factory=lambda: {k: Counter() for k in ("number", "text", "odd")}
    )
    first: dict = field(default_factory=dict)  # kind: (line, cell)
    wrong: tuple = ()  # (line, cell, kind) that does not go with those before

    def add(self, cell, line, form):
        kind = "number"
        if not form.number.fullmatch(cell):
            kind = "odd" if like_a_number(cell) else "text"
        # Numbers are only counted: there may be very many different ones.
        self.counts[kind]["" if kind == "number" else cell] += 1
        known = set(self.first) - {"odd"}
        self.first.setdefault(kind, (line, cell))
        if not self.wrong and (kind == "odd" or known - {kind}):
            self.wrong = line, cell, kind

    def why(self):
        """Return what is wrong with the first cell that does not fit."""
        _, cell, kind = self.wrong
        start = f"{self.name:.80}: {cell!r:.80}"
        if kind == "odd":
            comma = " and a decimal comma" * (self.mark == ",")
            return f"{start} is not written as a number in ASCII digits{comma}"
        other = {"number": "text", "text": "number"}[kind]
        article = "not a number" if kind == "text" else "a number"
        return f"{start} is {article}, line {self.first[other][0]} has a {other}"

    def misfits(self):
        """Return the cells of the rarer kind as shown, with their counts."""
        numbers, texts = self.counts["number"].total(), self.counts["text"]
        shown = Counter()
        for cell, n in [
            *self.counts["odd"].items(),
            *(texts.items() if numbers else ()),
        ]:
            shown[f"{cell!r:.20}"] += n
        if texts.total() > numbers > 0 and len(texts) > 1:
            return Counter(numbers=numbers)
        return shown

    def marks_missing(self):
        """Return the texts that seem to mean a missing cell, sorted."""
        odd, texts = self.counts["odd"], self.counts["text"]
        marks = {c for c in odd if c.strip("+-").lower() in _MARKS_NONE} | set(texts)
        numbers = self.counts["number"].total()
        one = len(marks) == 1
        few = one or (len(marks) <= _FEW and texts.total() <= numbers)
        good = numbers and few and len(marks) == len(odd) + len(texts)
        return sorted(marks) if good else []


def describe_mixed(rows, columns, missing, form, where):
    """Return (names, error) of the columns that mix numbers and texts.

    Parameters
    ----------
    rows : iterable of (line, cells)
        All of the table.
    columns : dict of str to int
        The place of each column that is read undeclared, from 0.
    missing : set of str
    form : TextFormat
    where : str

    Returns
    -------
    names : list of str
    error : DataError
        With the place of the first such cell, the count of each, and the
        arguments that cure all.
    """
    tallies = {name: _Tally(name, form.decimal) for name in columns}
    for line, cells in rows:
        for name, at in columns.items():
            cell = cells[at].strip(BLANK)
            if cell not in missing:
                tallies[name].add(cell, line, form)
    bad = [tally for tally in tallies.values() if tally.wrong]
    first = min(bad, key=lambda tally: tally.wrong[0])
    place = f"{where}:{first.wrong[0]}:{columns[first.name] + 1}"
    cure, settings = _cure(bad, form)
    why = first.why()
    if sum(tally.misfits().total() for tally in bad) > 1:
        why += f"; such cells by column: {', '.join(map(_counted, bad)):.150}"
    error = data_error("table", place, why, cure, **settings)
    return [tally.name for tally in bad], error


def _counted(tally):
    most = ", ".join(f"{cell} {n:,}" for cell, n in tally.misfits().most_common(3))
    return f"{tally.name:.40} {tally.misfits().total():,} ({most})"


def _cure(bad, form):
    """Return what to do about columns that mix kinds, and the arguments for it."""
    if form.header is False and all(
        set(tally.first) == {"number", "text"}
        and tally.first["text"][0] == 1
        and tally.counts["text"].total() == 1
        for tally in bad
    ):
        return "the first line looks like a header: use {header}", {"header": True}
    odd = {cell for tally in bad for cell in tally.counts["odd"]}
    if form.decimal == "." and odd and all(map(_COMMA.fullmatch, odd)):
        names = [tally.name for tally in bad]
        cure = "use {decimal} if these are decimals, or {categories} if they are texts"
        return cure, {"decimal": ",", "categories": names}
    marks = sorted({mark for tally in bad for mark in tally.marks_missing()})
    texts = [
        tally.name
        for tally in bad
        if not tally.marks_missing() and tally.counts["text"]
    ]
    settings, cures = {}, ["correct them"]
    if marks:
        settings["missing"] = marks
        cures.append("use {missing} if they mark missing cells")
    if texts:
        settings |= {"categories": texts, "drop": texts}
        cures.append("use {categories} if they are texts, or {drop}")
    return ", or ".join(cures), settings
