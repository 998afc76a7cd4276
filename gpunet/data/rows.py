"""Rows of a matrix that are read, scaled and cast only when they are needed.

A file larger than memory is mapped, and a batch is gathered from the map. The same
code reads a small matrix whole.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..io.messages import data_error

BLOCK = 2**20  # numbers read at once

Location = Callable[[int, int], str]  # (row, column) -> where it is, for messages


class Scaling:
    """z = (x - mean) / scale by column; a scale of 0 makes every z exactly 0.

    All are float64, shape (k,). `fill` replaces NaN; it is NaN where nothing does.
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray, fill: np.ndarray) -> None:
        self.mean, self.scale, self.fill = mean, scale, fill
        constant = scale == 0
        self.factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, scale))

    def apply(self, raw: np.ndarray, dtype: Any, location: Location) -> np.ndarray:
        """Return z of dtype, shape (m, k); NaN in raw, float64, are filled in place.

        A number that is missing, infinite, or beyond the dtype is a DataError.
        """
        missing = np.isnan(raw)
        if missing.any():
            np.copyto(raw, self.fill, where=missing)
        valid = np.abs(raw) <= float(np.finfo(dtype).max)
        if valid.all():
            with np.errstate(over="ignore"):  # checked in the next line
                z = ((raw - self.mean) * self.factor).astype(dtype)
            valid = np.isfinite(z)
            if valid.all():
                return z
        row, column = (int(k) for k in np.argwhere(~valid)[0])
        raise number_error(location(row, column), raw[row, column], dtype)


def number_error(location: str, value: float, dtype: Any) -> DataError:
    """Return the DataError about a number that cannot be trained with."""
    if np.isinf(value):
        return data_error("table", location, f"is {value}", "give a finite number")
    if np.isnan(value):
        remedy = "fill it in, or train with {impute}"
        return data_error("table", location, "is missing", remedy, impute="mean")
    reason = f"{value:g} is beyond {np.dtype(dtype).name}, raw or scaled"
    return data_error("table", location, reason, "correct it, or train in float64")


@dataclass(frozen=True, eq=False)
class MatrixRows:
    """Some rows and columns of a matrix, scaled and cast when they are loaded.

    It has what the data checks and the loop need of an array: shape, dtype,
    length, and rows by slice or index.
    """

    matrix: np.ndarray  # or memmap, (n, k)
    rows: np.ndarray  # int64, (m,)
    columns: np.ndarray  # int64, (n_in,)
    scaling: Scaling
    dtype: np.dtype  # of the loaded rows
    where: str  # the file, for messages
    data: bytes | None = None  # a digest of the rows, once they are `checked`
    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.columns)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return len(self.rows) * len(self.columns)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> "MatrixRows":
        """Return some of the rows; nothing is read yet."""
        if isinstance(index, tuple):  # x[a:b, ...], as the array API writes it
            index = index[0]
        return replace(self, rows=self.rows[index], data=None)

    def location(self, row: int, column: int) -> str:
        """Return where a number is in the file."""
        return f"{self.where}[{self.rows[row]}, {self.columns[column]}]"

    def raw(self) -> np.ndarray:
        """Return the rows as they are in the file, float64, shape (m, n_in)."""
        raw = np.asarray(self.matrix[self.rows])
        if raw.shape[1] != len(self.columns):
            raw = raw[:, self.columns]
        return raw.astype(np.float64)

    def load(self) -> np.ndarray:
        """Return the rows, scaled and cast, shape (m, n_in); see `Scaling.apply`."""
        loaded, start = np.empty(self.shape, self.dtype), 0
        for block in self.blocks():
            z = self.scaling.apply(block.raw(), self.dtype, block.location)
            loaded[start : start + len(z)] = z
            start += len(z)
        return loaded

    def astype(self, dtype: Any, copy: bool = True) -> np.ndarray:
        """Return the rows as an array of another dtype; see `load`."""
        return self.load().astype(dtype, copy=False)

    def blocks(self) -> "Iterator[MatrixRows]":
        """Yield the rows in parts that are small in memory."""
        step = max(1, BLOCK // self.shape[1])
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def checked(self) -> "MatrixRows":
        """Return these rows after reading them all once: each number is valid."""
        digest = hashlib.blake2b(digest_size=32)
        for block in self.blocks():
            digest.update(block.load().data)
        return replace(self, data=digest.digest())


def moments(
    blocks: Iterable[np.ndarray], width: int, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, scale) of each column over blocks of rows (m, width), without NaN.

    scale is the standard deviation, or 0 where the column is constant, or so
    nearly that its spread is rounding: at most 8 epsilon of its largest number,
    epsilon being that of the dtype in which the numbers were stored.
    Source: Chan, Golub and LeVeque 1983, eq. 1.5.
    """
    n, mean, total = np.zeros(width), np.zeros(width), np.zeros(width)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    with np.errstate(over="ignore", invalid="ignore"):  # checked by the caller
        for block in blocks:
            present = ~np.isnan(block)
            m = present.sum(axis=0)
            low = np.minimum(low, np.where(present, block, np.inf).min(axis=0))
            high = np.maximum(high, np.where(present, block, -np.inf).max(axis=0))
            center = np.where(present, block, 0.0).sum(axis=0) / np.maximum(m, 1)
            deviation = np.where(present, block - center, 0.0)
            delta, both = center - mean, np.maximum(n + m, 1)
            total += (deviation * deviation).sum(axis=0) + delta * delta * n * m / both
            mean += delta * m / both
            n += m
        scale = np.sqrt(total / np.maximum(n, 1))
    floor = 8 * epsilon * np.maximum(np.abs(low), np.abs(high))
    constant = (low == high) | (scale <= np.where(np.isfinite(floor), floor, 0.0))
    constant |= scale < np.finfo(np.float64).tiny
    return np.where(low == high, low, mean), np.where(constant, 0.0, scale)
