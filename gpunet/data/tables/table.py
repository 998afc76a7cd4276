"""A table in host memory, or on disk: rows, columns, and where each cell stands.

Columns with names come from CSV files and from npz files with one array a
column; a matrix comes from npy files and from npz files with one array of two
dimensions. A matrix may be mapped from its file, and is then never read whole.
"""

from dataclasses import dataclass, field

import numpy as np

from ...errors import ConfigError
from ..files import data_error


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
    """

    where: str
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    matrix: np.ndarray | None = None
    lines: np.ndarray | None = None
    on_disk: bool = False

    def __len__(self):
        if self.matrix is not None:
            return len(self.matrix)
        return len(next(iter(self.columns.values())))

    def at(self, row, column):
        """Return where a cell stands: file:line:column, or file[row, column]."""
        if self.lines is None:
            place = column if self.matrix is not None else repr(column)
            return f"{self.where}[{row}, {place}]"
        field_number = list(self.columns).index(column) + 1
        return f"{self.where}:{self.lines[row]}:{field_number}"

    def error(self, row, column, why, cure):
        """Return a DataError about one cell."""
        return data_error("table", self.at(row, column), why, cure)

    def target(self, name):
        """Return (values, key) of the column to predict.

        Parameters
        ----------
        name : str
            A column's name; of a matrix also its number, from 0 or from the
            end (-1 is the last).

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
