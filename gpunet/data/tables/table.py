"""A table in host memory, or on disk: rows, columns, and where each cell stands.

Columns with names come from CSV files and from npz files with one array a
column; a matrix comes from npy files and from npz files with one array of two
dimensions. A matrix may be mapped from its file, and is then never read whole.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from ...errors import ConfigError
from ...io.messages import data_error


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers and texts.

    Parameters
    ----------
    where : str
        The file, for messages.
    columns : dict of str to array, shape (n,)
        float64 with NaN for what is missing, or objects that are texts with ""
        for what is missing. Of a matrix: what stands beside it.
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
        What was left out unasked.
    rows : int64 array, shape (n,), or None
        The numbers of the rows in the file, where some were taken out.
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

    def __len__(self):
        if self.matrix is not None:
            return len(self.matrix)
        return len(next(iter(self.columns.values())))

    def at(self, row, column):
        """Return where a cell stands: file:line:column, or file[row, column]."""
        if self.lines is None:
            place = column if self.matrix is not None else repr(column)
            row = row if self.rows is None else self.rows[row]
            return f"{self.where}[{row}, {place}]"
        return f"{self.where}:{self.lines[row]}:{self.fields[column]}"

    def error(self, row, column, why, cure, **settings):
        """Return a DataError about one cell."""
        return data_error("table", self.at(row, column), why, cure, **settings)

    def take(self, rows):
        """Return a table in memory that holds some of the rows.

        Parameters
        ----------
        rows : int64 array, shape (m,)
        """
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            matrix=None if self.matrix is None else self.matrix[rows],
            lines=None if self.lines is None else self.lines[rows],
            rows=rows if self.rows is None else self.rows[rows],
        )

    def target(self, name):
        """Return (values, key) of the column to predict.

        Parameters
        ----------
        name : str
            A column's name, or its number from the end (-1 is the last); of a
            matrix also its number from 0.

        Returns
        -------
        values : array, shape (n,), of numbers or texts
        key : str, or int for a column of the matrix

        Raises
        ------
        ConfigError
            There is no such column; the message lists those there are.
        """
        if name in self.columns:
            return self.columns[name], name
        known = ", ".join(self.columns)
        from_end = name[1:] if name.startswith("-") and name.isascii() else ""
        if self.matrix is None and from_end.isdigit() and len(from_end) < 9:
            names = list(self.columns)
            if 0 < int(from_end) <= len(names):
                name = names[-int(from_end)]
                return self.columns[name], name
        if self.matrix is not None and self.matrix.ndim == 2:
            width = self.matrix.shape[1]
            if name.lstrip("-").isdecimal() and name.isascii():
                number = int(name)
                if -width <= number < width and width > 1:
                    number %= width
                    return np.array(self.matrix[:, number]), number
            numbers = f"a column's number from 0 to {width - 1}, or -1 for the last"
            known = f"{known}, {numbers}" if known else numbers
        raise ConfigError(
            f"target: {name[:80]!r}: {self.where[-100:]} has no such column; choose "
            f"from {known:.200}"
        )
