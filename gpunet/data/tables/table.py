"""A table in host memory, or on disk: columns, a matrix, the location of each cell.

Columns with names come from CSV files and from npz files with one array a column,
a matrix from npy files and npz files with one. It may be mapped from its file.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import ConfigError, DataError
from ...io.messages import choices, data_error


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers and texts."""

    where: str  # the file, for messages
    # (n,): float64 with NaN for missing cells, or objects, texts, with "" for them
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    matrix: np.ndarray | None = None  # (n, k), the columns are those beside it
    lines: np.ndarray | None = None  # int64, (n,), of a CSV file: where rows begin
    on_disk: bool = False  # whether the matrix is too large to be read whole
    fields: dict[str, int] = field(default_factory=dict)  # a CSV file's, from 1
    n_columns: int = 0  # of a CSV file, with those that were left out
    notes: tuple[str, ...] = ()  # what was left out without being asked to
    rows: np.ndarray | None = None  # int64, (n,): numbers in the file, if some are out

    def __len__(self) -> int:
        if self.matrix is not None:
            return len(self.matrix)
        return len(next(iter(self.columns.values())))

    def location(self, row: int, column: str | int) -> str:
        """Return where a cell is: file:line:column, or file[row, column]."""
        if self.lines is None:
            name = column if self.matrix is not None else repr(column)
            row = row if self.rows is None else self.rows[row]
            return f"{self.where}[{row}, {name}]"
        return f"{self.where}:{self.lines[row]}:{self.fields[str(column)]}"

    def error(
        self, row: int, column: str | int, reason: str, remedy: str, **settings: Any
    ) -> DataError:
        """Return a DataError about one cell."""
        location = self.location(row, column)
        return data_error("table", location, reason, remedy, **settings)

    def take(self, rows: np.ndarray) -> "Table":
        """Return a table in memory of the rows at `rows`, int64 of shape (m,)."""
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            matrix=None if self.matrix is None else self.matrix[rows],
            lines=None if self.lines is None else self.lines[rows],
            rows=rows if self.rows is None else self.rows[rows],
        )

    def target(self, name: str) -> tuple[np.ndarray, str | int]:
        """Return (values, key) of the column to predict, of numbers or texts.

        `name` is a column's name, or its number from the end (-1 is the last); of a
        matrix also its number from 0, which then is the key. A ConfigError lists the
        columns.
        """
        if name in self.columns:
            return self.columns[name], name
        known = list(self.columns)
        is_number = name.removeprefix("-").isdecimal() and name.isascii()
        number = int(name) if is_number and len(name) < 10 else None
        if self.matrix is None:
            names = list(self.columns)
            if number is not None and -len(names) <= number < 0:
                return self.columns[names[number]], names[number]
        elif self.matrix.ndim == 2:
            width = self.matrix.shape[1]
            if number is not None and -width <= number < width and width > 1:
                return np.array(self.matrix[:, number]), number % width
            numbers = f"a column's number from 0 to {width - 1}, or -1 for the last"
            known.append(numbers)
        raise ConfigError(
            f"target: {name[:80]!r}: {self.where[-100:]} has no such column; "
            f"{choices(name, known)}"
        )
