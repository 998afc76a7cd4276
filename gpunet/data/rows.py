"""Rows of a matrix that stay where they are until they are asked for.

A file larger than memory is mapped; a batch is gathered from the map, scaled
and cast, so that never more than a batch is held. The same code reads a small
matrix whole.
"""

import hashlib

import numpy as np

from ..io.messages import data_error

BLOCK = 2**20  # numbers looked at together


class MatrixRows:
    """Some rows and columns of a matrix, scaled and cast when they are taken.

    It has what the data checks and the loop ask of an array: shape, dtype,
    length, and rows by slice or index.

    Parameters
    ----------
    matrix : array or memmap, shape (n, k)
    rows : int64 array, shape (m,)
    columns : int64 array, shape (n_in,)
    scaling : Scaling
    dtype : str
        Of the rows given out.
    where : str
        The file, for messages.
    """

    ndim = 2

    def __init__(self, matrix, rows, columns, scaling, dtype, where):
        self._matrix, self._rows, self._columns = matrix, rows, columns
        self._scaling, self._where = scaling, where
        self.dtype = np.dtype(dtype)
        self.shape = (len(rows), len(columns))
        self.size = len(rows) * len(columns)
        self._digest = None

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        """Return some of the rows; nothing is read yet."""
        if isinstance(index, tuple):  # x[a:b, ...], as the array API writes it
            index = index[0]
        return MatrixRows(
            self._matrix,
            self._rows[index],
            self._columns,
            self._scaling,
            self.dtype,
            self._where,
        )

    def place(self, at):
        """Return where the number at (row, column) of these stands in the file."""
        return f"{self._where}[{int(self._rows[at[0]])}, {int(self._columns[at[1]])}]"

    def raw(self):
        """Return the rows as they are in the file, float64, shape (m, n_in)."""
        taken = np.asarray(self._matrix[self._rows])
        if taken.shape[1] != len(self._columns):
            taken = taken[:, self._columns]
        return taken.astype(np.float64)

    def load(self):
        """Return the rows, scaled and cast, shape (m, n_in).

        Raises
        ------
        DataError
            A number is missing, infinite, or beyond the dtype.
        """
        out = np.empty(self.shape, self.dtype)
        start = 0
        for block in self.blocks():
            raw = block.raw()
            x, bad = self._scaling.apply(raw, self.dtype)
            if bad is not None:
                raise refused_number(block.place(bad), raw[bad], self.dtype)
            out[start : start + len(x)] = x
            start += len(x)
        return out

    def astype(self, dtype, copy=True):
        """Return the rows as an array of another dtype; see `load`."""
        return self.load().astype(dtype, copy=False)

    def blocks(self):
        """Yield the rows in parts that are small in memory."""
        step = max(1, BLOCK // self.shape[1])
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def judged(self):
        """Return these rows after reading them all once: each number is fit."""
        digest = hashlib.blake2b(digest_size=32)
        for block in self.blocks():
            digest.update(block.load().data)
        self._digest = digest.digest()
        return self

    @property
    def data(self):
        """Bytes that stand for the rows of a judged object in a digest."""
        return self._digest


class Scaling:
    """z = (x - mean) / scale by column; a scale of 0 makes every z exactly 0.

    Parameters
    ----------
    mean, scale : float64 arrays, shape (k,)
    fill : float64 array, shape (k,)
        What takes the place of NaN; NaN where nothing does.
    """

    def __init__(self, mean, scale, fill):
        self.mean, self.scale, self.fill = mean, scale, fill
        constant = scale == 0
        self.factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, scale))

    def apply(self, raw, dtype):
        """Return (z, where the first unfit number stands, or None).

        Parameters
        ----------
        raw : float64 array, shape (m, k), filled in place
        dtype : numpy dtype
            A number that it cannot hold is unfit.
        """
        gap = np.isnan(raw)
        if gap.any():
            np.copyto(raw, self.fill, where=gap)
        fit = np.abs(raw) <= float(np.finfo(dtype).max)
        if not fit.all():
            return raw, tuple(int(k) for k in np.argwhere(~fit)[0])
        with np.errstate(over="ignore"):  # judged in the next line
            z = ((raw - self.mean) * self.factor).astype(dtype)
        if not np.isfinite(z).all():
            return raw, tuple(int(k) for k in np.argwhere(~np.isfinite(z))[0])
        return z, None


def refused_number(where, value, dtype):
    """Return the DataError about a number that cannot be trained with."""
    if np.isinf(value):
        return data_error("table", where, f"is {value}", "give a finite number")
    if np.isnan(value):
        cure = "fill it in, or train with {impute}"
        return data_error("table", where, "is missing", cure, impute="mean")
    why = f"{value:g} is beyond {np.dtype(dtype).name}, raw or scaled"
    return data_error("table", where, why, "correct it, or train in float64")


def moments(blocks, width, epsilon):
    """Return (mean, scale) of each column over blocks of rows, without NaN.

    scale is the standard deviation, or 0 where the column is constant, or so
    nearly that its spread is rounding (at most 8 epsilon of its largest number).

    Parameters
    ----------
    blocks : iterable of float64 arrays, shape (m, width)
    width : int
    epsilon : float
        Of the dtype in which the numbers were kept.

    Source: Chan, Golub and LeVeque 1983, eq. 1.5.
    """
    n, mean, total = np.zeros(width), np.zeros(width), np.zeros(width)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    with np.errstate(over="ignore", invalid="ignore"):  # judged by the caller
        for block in blocks:
            there = ~np.isnan(block)
            m = there.sum(axis=0)
            low = np.minimum(low, np.where(there, block, np.inf).min(axis=0))
            high = np.maximum(high, np.where(there, block, -np.inf).max(axis=0))
            center = np.where(there, block, 0.0).sum(axis=0) / np.maximum(m, 1)
            apart = np.where(there, block - center, 0.0)
            delta, both = center - mean, np.maximum(n + m, 1)
            total += (apart * apart).sum(axis=0) + delta * delta * n * m / both
            mean += delta * m / both
            n += m
        scale = np.sqrt(total / np.maximum(n, 1))
    same = low == high
    floor = 8 * epsilon * np.maximum(np.abs(low), np.abs(high))
    constant = same | (scale <= np.where(np.isfinite(floor), floor, 0.0))
    constant |= scale < np.finfo(np.float64).tiny
    return np.where(same, low, mean), np.where(constant, 0.0, scale)
