"""A table in host memory, or on disk: columns, a matrix, the location of each cell.

Columns with names come from CSV files and from npz files with one array a
column; a matrix from npy files and from npz files with one array of two
dimensions. A matrix may be mapped from its file, and is then never read whole.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import ConfigError, DataError
from ...io.messages import data_error


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers and texts.

    Parameters
    ----------
    where : str
        The file, for messages.
    columns : dict of str to array, shape (n,)
        float64 with NaN for missing cells, or objects that are texts with "" for
        missing cells. Of a matrix: the columns stored beside it.
    matrix : array, shape (n, k), or None
        A matrix, perhaps mapped from its file.
    lines : int64 array, shape (n,), or None
        The line on which each row begins, for a CSV file.
    on_disk : bool
        Whether the matrix is too large to be read whole.
    fields : dict of str to int
        The number of each column in a CSV file, from 1.
    n_columns : int
        Of a CSV file, with those that were left out.
    notes : tuple of str
        What was left out without being asked to.
    rows : int64 array, shape (n,), or None
        The numbers of the rows in the file, where some were left out.
    """

    where: str
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    matrix: np.ndarray | None = None
    lines: np.ndarray | None = None
    on_disk: bool = False
    fields: dict[str, int] = field(default_factory=dict)
    n_columns: int = 0
    notes: tuple[str, ...] = ()
    rows: np.ndarray | None = None

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
        matrix also its number from 0, which then is the key.

        Raises
        ------
        ConfigError
            There is no such column; the message lists the columns.
        """
        if name in self.columns:
            return self.columns[name], name
        known = ", ".join(self.columns)
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
            known = f"{known}, {numbers}" if known else numbers
        raise ConfigError(
            f"target: {name[:80]!r}: {self.where[-100:]} has no such column; choose "
            f"from {known:.200}"
        )
