"""Columns that mix numbers and texts: all are counted before anything is reported."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...errors import DataError
from ...io.messages import data_error
from .columns import resembles_number
from .dialect import BLANK, TextFormat

_MAX_MARKS = 3  # different texts in a column of numbers that may mean "missing"
_NOT_A_NUMBER = {"nan", "inf"}  # what other programs write for it
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)", re.ASCII)


@dataclass
class _Tally:
    """How often each kind of cell occurs in a column, and where each first occurs.

    The kinds are "number", "text", and "odd": what resembles a number.
    """

    name: str
    form: TextFormat
    numbers: int = 0  # only counted: there may be very many different ones
    texts: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)  # kind: line
    misfit: tuple[int, str, str] | None = None  # (line, cell, kind), the first

    def add(self, cell: str, line: int) -> None:
        kind = "number"
        if self.form.number.fullmatch(cell):
            self.numbers += 1
        else:
            kind = "odd" if resembles_number(cell) else "text"
            (self.odd if kind == "odd" else self.texts)[cell] += 1
        known = self.first.keys() - {"odd", kind}
        self.first.setdefault(kind, line)
        if not self.misfit and (kind == "odd" or known):
            self.misfit = line, cell, kind

    def reason(self) -> str:
        """Return what is wrong with the first cell that does not fit."""
        assert self.misfit
        _, cell, kind = self.misfit
        start = f"{self.name:.80}: {cell!r:.80}"
        if kind == "odd":
            comma = " and a decimal comma" * (self.form.decimal == ",")
            return f"{start} is not written as a number in ASCII digits{comma}"
        if kind == "text":
            return f"{start} is not a number, line {self.first['number']} has a number"
        return f"{start} is a number, line {self.first['text']} has a text"

    def misfits(self) -> Counter[str]:
        """Return the cells of the rarer kind as shown, with their counts."""
        if self.texts.total() > self.numbers > 0 and len(self.texts) > 1:
            return Counter(numbers=self.numbers)
        shown: Counter[str] = Counter()
        for cell, n in (self.odd + self.texts if self.numbers else self.odd).items():
            shown[f"{cell!r:.20}"] += n
        return shown

    def missing_marks(self) -> list[str]:
        """Return the texts that seem to mark a missing cell, sorted."""
        marks = {c for c in self.odd if c.strip("+-").lower() in _NOT_A_NUMBER}
        marks |= self.texts.keys()
        few = len(marks) <= _MAX_MARKS and self.texts.total() <= self.numbers
        all_cells = len(marks) == len(self.odd) + len(self.texts)
        plausible = self.numbers and (few or len(marks) == 1) and all_cells
        return sorted(marks) if plausible else []

    def is_header(self) -> bool:
        """Return whether its only text is on the first line, above numbers."""
        return self.first.keys() == {"number", "text"} and (
            self.first["text"] == self.texts.total() == 1
        )


def describe_mixed(
    rows: Iterable[tuple[int, list[str]]],
    columns: dict[str, int],
    missing: set[str],
    form: TextFormat,
    where: str,
) -> tuple[list[str], DataError]:
    """Return (names, error) of the columns that mix numbers and texts.

    The error has the location of the first such cell, the count of each, and the
    arguments that read all of them. `columns` maps the names of columns that are
    not declared to be of texts to their indices.
    """
    tallies = {name: _Tally(name, form) for name in columns}
    for line, cells in rows:
        for name, index in columns.items():
            cell = cells[index].strip(BLANK)
            if cell not in missing:
                tallies[name].add(cell, line)
    lines = {name: tally.misfit[0] for name, tally in tallies.items() if tally.misfit}
    mixed = [tallies[name] for name in lines]
    first = min(lines, key=lines.__getitem__)
    location = f"{where}:{lines[first]}:{columns[first] + 1}"
    reason = tallies[first].reason()
    if sum(tally.misfits().total() for tally in mixed) > 1:
        reason += f"; such cells by column: {', '.join(map(_count, mixed)):.150}"
    remedy, settings = _remedy(mixed, form)
    return list(lines), data_error("table", location, reason, remedy, **settings)


def _count(tally: _Tally) -> str:
    cells = tally.misfits()
    common = ", ".join(f"{cell} {n:,}" for cell, n in cells.most_common(3))
    return f"{tally.name:.40} {cells.total():,} ({common})"


def _remedy(mixed: list[_Tally], form: TextFormat) -> tuple[str, dict[str, Any]]:
    """Return what to do about columns that mix kinds, and the arguments for it."""
    if form.header is False and all(tally.is_header() for tally in mixed):
        return "the first line looks like a header: use {header}", {"header": True}
    odd = {cell for tally in mixed for cell in tally.odd}
    if form.decimal == "." and odd and all(map(_COMMA.fullmatch, odd)):
        names = [tally.name for tally in mixed]
        remedy = "use {decimal} if they are decimals, or {categories} if texts"
        return remedy, {"decimal": ",", "categories": names}
    marks = sorted({mark for tally in mixed for mark in tally.missing_marks()})
    texts = [t.name for t in mixed if not t.missing_marks() and t.texts]
    settings: dict[str, Any] = {}
    remedies = ["correct them"]
    if marks:
        settings["missing"] = marks
        remedies.append("use {missing} if they mark missing cells")
    if texts:
        settings |= {"categories": texts, "drop": texts}
        remedies.append("use {categories} if they are texts, or {drop}")
    return ", or ".join(remedies), settings
