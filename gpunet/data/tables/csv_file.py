"""CSV files, split into cells by the standard library's reader and checked here.

Whatever differs from a header and rows of one length is refused with its line and
column, because a wrong guess trains a network on nonsense without a word. What is
left out, such as row numbers, is noted in the table.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ...errors import ConfigError, DataError
from ...io.messages import Path, choices, counted, data_error
from .columns import Column, MixedColumn
from .dialect import (
    BLANK,
    TextFormat,
    csv_reader,
    find_delimiter,
    is_row_names,
    lacks_row_names,
    looks_like_data,
)
from .mixed import describe_mixed
from .table import Table
from .text import display_name, read_utf8

_CHUNK = 4096  # rows turned into arrays at once, so that few cells are texts in memory
_Rows = Iterator[tuple[int, list[str]]]  # (the line on which it begins, cells)


@dataclass(frozen=True)
class ExpectedColumns:
    """What a trained model reads of a table; it ignores other columns.

    `n_columns` is that of a training file without a header. `strict_target` refuses
    a target that mixes numbers and texts, instead of leaving it out.
    """

    names: tuple[str, ...]
    target: str
    n_columns: int | None = None
    strict_target: bool = True


def read_csv(
    path: Path,
    form: TextFormat | None = None,
    *,
    missing: Collection[str] = (),
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    expected: ExpectedColumns | None = None,
) -> Table:
    """Return the table in a CSV file, perhaps compressed by gzip.

    The first line names the columns. A byte order mark and Windows' line ends are
    accepted, blanks around cells are removed. A column is of numbers, or of texts
    (categories); one that mixes the two is refused, unless `categories` names it.

    Parameters
    ----------
    form : TextFormat, optional
        How it is written, where that is not to be detected.
    missing : sequence of str
        Extra texts that mark a missing cell.
    categories : sequence of str
        Columns whose cells are texts even where they look like numbers.
    drop : sequence of str
        Columns to leave out: by name, by number from 1, or "" for those without
        a name (ConfigError if there is none).
    expected : ExpectedColumns, optional
        What to read for a trained model.

    Raises
    ------
    DataError
        With the line and the column of what is wrong.
    """
    file = _CsvFile(path, form or TextFormat(), expected)
    selected = file.select(drop)
    texts, marks = {"", *categories}, {"", *(text.strip(BLANK) for text in missing)}
    notes: list[str] = []
    try:
        values, lines = file.columns(selected, texts, marks)
    except MixedColumn:
        undeclared = {name: k for k, name in selected.items() if name not in texts}
        mixed, error = describe_mixed(
            file.body(), undeclared, marks, file.form, file.where
        )
        if expected is None or expected.strict_target or mixed != [expected.target]:
            raise error from None
        del selected[undeclared[expected.target]]
        values, lines = file.columns(selected, texts, marks)
        notes.append(f"{expected.target} mixes numbers and texts: not read")
    notes += file.check_nameless(values, selected)
    return Table(
        file.where,
        {name: values[k] for k, name in selected.items() if name},
        lines=lines,
        fields={name: k + 1 for k, name in selected.items()},
        n_columns=len(file.names),
        notes=tuple(notes),
    )


class _CsvFile:
    """The rows of a text table and the names of its columns."""

    def __init__(
        self, path: Path, form: TextFormat, expected: ExpectedColumns | None
    ) -> None:
        self.where, self.form, self.expected = display_name(path), form, expected
        self.content = read_utf8(path, form.encoding)
        self.delimiter, sample = find_delimiter(self.content, form, self.where)
        _, header = next(self.rows(), (1, []))
        if not header:
            raise self.error(1, 1, "is an empty line", "remove it")
        self.header = [cell.strip(BLANK) for cell in header]
        if form.header is False:
            self.names = self._numbers()
        else:
            self._check_header([self.header, *sample[1:]])
            self.names = ["", *self.header] if lacks_row_names(sample) else self.header
        self.shifted = len(self.names) > len(self.header)

    def error(
        self, line: int, column: int, reason: str, remedy: str, **settings: Any
    ) -> DataError:
        """Return a DataError about a cell, by line and column from 1."""
        location = f"{self.where}:{line}:{column}"
        return data_error("table", location, reason, remedy, **settings)

    def rows(self) -> _Rows:
        text = io.TextIOWrapper(io.BytesIO(self.content), "utf-8-sig", newline="")
        reader, line = csv_reader(text, self.delimiter), 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            reason = f"the row that begins here cannot be read ({error})"
            remedy = 'close each quote, and write a quote inside quotes as ""'
            raise self.error(line, 1, reason, remedy) from None

    def body(self) -> _Rows:
        """Yield the rows below the header, each with a cell for each column."""
        width = len(self.names)
        rows = islice(self.rows(), self.form.header is not False, None)
        for line, cells in rows:
            if len(cells) != width:
                if not cells and not any(later for _, later in rows):
                    return  # empty lines at the end
                if not cells:
                    raise self.error(line, 1, "is an empty line", "remove it")
                reason = f"has {counted(len(cells), 'cell')}, the header {width}"
                remedy = "give each row a cell for each column, and quote texts "
                remedy += "with a delimiter"
                raise self.error(line, min(len(cells), width) + 1, reason, remedy)
            yield line, cells

    def _check_header(self, rows: list[list[str]]) -> None:
        """Refuse a comment, one column, a line of data, and names that repeat."""
        header, number = self.header, self.form.number
        if header[0].startswith("#"):
            reason = f"begins with a comment, {header[0]!r}"
            raise self.error(1, 1, reason, "remove the comment")
        if len(header) < 2 and self.expected is None:
            reason = f"the header has one column, {header[0]!r}"
            if " " not in header[0]:
                remedy = "give it two or more, or name its delimiter"
                raise self.error(1, 1, reason, remedy)
            remedy = "give it two or more, or use {delimiter}"
            raise self.error(1, 1, reason, remedy, delimiter="space")
        if self.form.header is None and looks_like_data(rows, number):
            reason = f"the first line looks like data ({header[0]!r:.40}, ...)"
            if all(map(number.fullmatch, header)):
                reason = "the first line contains numbers only, so there is no header"
            remedy = "use {header} if it is data, or header=True if it contains names"
            raise self.error(1, 1, reason, remedy, header=False)
        first = {"": 0}
        for k, name in enumerate(header, 1):
            if first.setdefault(name, k) not in (0, k):
                reason = f"column {first[name]} is called {name!r} too"
                raise self.error(1, k, reason, "rename one of the two")

    def _numbers(self) -> list[str]:
        """Return the names of columns without a header: their numbers, from 1."""
        width = n_columns = len(self.header)
        if self.expected is not None and self.expected.n_columns is not None:
            n_columns = self.expected.n_columns
        names = [str(k + 1) for k in range(n_columns)]
        if self.expected is not None and n_columns != width:
            names = [name for name in names if name != self.expected.target]
        if len(names) != width:
            reason = f"has {counted(width, 'column')}, the model expects {n_columns}"
            reason += " with the target"
            raise data_error("table", self.where, reason, "give the same columns")
        return names

    def select(self, drop: Collection[str]) -> dict[int, str]:
        """Return the names of the columns to read by their index from 0."""
        selected = dict(enumerate(self.names))
        if self.expected is not None:
            kept = {*self.expected.names, self.expected.target}
            row_names = {0} if self.shifted else set()
            return {k: n for k, n in selected.items() if n in kept or k in row_names}
        for text in drop:
            indices = [k for k, name in enumerate(self.names) if name == text]
            if not indices and text.isascii() and text.isdigit() and len(text) < 9:
                indices = [k for k in range(len(self.names)) if k + 1 == int(text)]
            if not indices:
                hint = choices(text, filter(None, self.names))
                raise ConfigError(f"drop: {text!r:.80}: no such column; {hint}")
            for k in indices:
                selected.pop(k, None)
        return selected

    def columns(
        self, selected: dict[int, str], texts: set[str], marks: set[str]
    ) -> tuple[dict[int, np.ndarray], np.ndarray]:
        """Return the values of each column by its index, and the lines of the rows."""
        columns = {
            k: Column(name, k + 1, self.where, name in texts, marks, self.form)
            for k, name in selected.items()
        }
        rows = self.body()
        lines: list[int] = []
        while chunk := list(islice(rows, _CHUNK)):
            chunk_lines = [line for line, _ in chunk]
            lines += chunk_lines
            for k, cells in enumerate(zip(*(cells for _, cells in chunk), strict=True)):
                if k in columns:
                    columns[k].add(cells, chunk_lines)
        if not lines:
            reason = "contains a header and no rows"
            raise data_error("table", self.where, reason, "give it rows to learn from")
        return {k: column.values() for k, column in columns.items()}, np.array(lines)

    def check_nameless(
        self, values: dict[int, np.ndarray], selected: dict[int, str]
    ) -> list[str]:
        """Return notes on nameless columns that are left out; refuse the others."""
        notes = []
        for k in [k for k, name in selected.items() if not name]:
            cells, last = values[k].tolist(), max(selected)
            if self.shifted and all(v == "" or v != v for v in values[last]):
                reason = "each row has an empty cell more than the header has names"
                remedy = "remove the last delimiter of each row, or extend the header"
                raise self.error(1, last + 1, reason, remedy)
            fault = f"column {k + 1} has no name"
            if k == 0 and is_row_names(cells):
                notes.append(f"{fault} and numbers or names the rows: left out")
            elif not any(cells):
                notes.append(f"{fault} and no cells: left out")
            else:
                if self.shifted:
                    fault += f" (the header has {last} names, the rows a cell more)"
                remedy = "name it, or use {drop} to leave it out"
                raise self.error(1, k + 1, fault, remedy, drop=[str(k + 1)])
        return notes
