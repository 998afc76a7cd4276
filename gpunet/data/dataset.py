"""Samples with their answers in host memory, and how they are parted.

Everything random takes a NumPy generator and draws from nothing else, so one
seed gives one split. Indices come back sorted: shuffling is the batches' task,
and rows that lie in order are read faster.
"""

import math
import operator
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..io.reading import data_error
from .checks import (
    check_finite,
    check_labels,
    check_scale,
    check_targets,
    check_weights,
    host_array,
    numbers,
)
from .rows import MatrixRows


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples in host memory: features, answers and, if any, weights.

    Parameters
    ----------
    x : array, shape (n, features...), any numeric type
    t : array of integer labels, shape (n,), or of targets, shape (n, n_out)
    weight : array, shape (n,), optional
        How much each sample counts; None counts all alike.
    scale : float
        The factor by which x is multiplied before a network sees it: 1 / 255
        takes bytes to [0, 1]. Functions that are given a Dataset do so, but not
        for indices of words (Embedding); `scaled` gives the product, which
        `net.predict` and others that are given x alone need.
    """

    x: np.ndarray
    t: np.ndarray
    weight: np.ndarray | None = None
    scale: float = 1.0

    def __len__(self):
        return len(self.x)

    def take(self, index):
        """Return the samples at `index`: a copy, or views if it is a slice."""
        weight = None if self.weight is None else self.weight[index]
        return replace(self, x=self.x[index], t=self.t[index], weight=weight)

    def scaled(self, dtype):
        """Return x times `scale` as floats: x itself if nothing changes it.

        Examples
        --------
        >>> x = np.array([[0, 64, 128]], np.uint8)
        >>> Dataset(x, [1], scale=1 / 128).scaled("float32")
        array([[0. , 0.5, 1. ]], dtype=float32)
        """
        x = self.x.astype(dtype, copy=self.scale != 1.0)
        if self.scale != 1.0:
            x *= self.scale  # in place, on the copy: half the peak memory
        return x


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a data set: to train on, to choose by, to report.

    Parameters
    ----------
    train : Dataset
    validation, test : Dataset or None
    n_classes : int or None
        None for targets that are no classes.
    name : str
    scale : float, optional
        Deprecated: each part has its own, ``Dataset(x, t, scale=...)``. A number
        becomes that of every part; None leaves them, but bytes without a scale
        still become [0, 1].
    table : Preprocessing or None
        How the cells of a table became x and t.
    notes : tuple of str
        What reading left out unasked.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    n_classes: int | None
    name: str
    table: Any = None
    notes: tuple[str, ...] = ()

    # By hand, as `scale` is still accepted in its place but is not a field.
    def __init__(
        self, train, validation, test, n_classes, name, scale=None, table=None,
        notes=(),
    ):  # fmt: skip
        values = {"train": train, "validation": validation, "test": test}
        for key, part in values.items():
            if part is None:
                continue
            if scale is not None:
                values[key] = with_scale(part, scale, "Splits")
            elif part.scale == 1.0 and getattr(part.x, "dtype", None) == np.uint8:
                values[key] = with_scale(part, 1 / 255, "Splits: bytes become [0, 1]")
        values |= {"n_classes": n_classes, "name": name, "table": table, "notes": notes}
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @property
    def scale(self):
        """Deprecated: that of the training part."""
        warnings.warn(
            "Splits.scale is deprecated; use splits.train.scale",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.train.scale


def with_scale(dataset, scale, what):
    """Return `dataset` with a scale that is not its own, and warn the caller's caller.

    Parameters
    ----------
    what : str
        The function that still accepts it.
    """
    warnings.warn(
        f"{what}: scale belongs to the data; use Dataset(x, t, scale={scale!r})",
        DeprecationWarning,
        stacklevel=3,
    )
    return replace(dataset, scale=scale)


def check_dataset(dataset, n_classes=None, where="data", *, one_class_ok=False):
    """Return `dataset` with its parts as arrays, or refuse it.

    Parameters
    ----------
    dataset : Dataset
        A `t` of one dimension is taken as labels, else as targets.
    n_classes : int, optional
    where : str or path-like
        The source, for messages.
    one_class_ok : bool
        Accept labels that are all the same, as a small test set may have.

    Returns
    -------
    checked : Dataset
        t is int64 for labels; x and the weights are shared, not copied.

    Raises
    ------
    DataError
        If x has no rows or no columns or is not finite, a label or target is
        unfit, the counts differ, or a weight is not finite or is negative.
    ConfigError
        If the scale is not a finite number, or 0.
    """
    on_disk = isinstance(dataset.x, MatrixRows)  # judged when they were made
    x = dataset.x if on_disk else numbers(dataset.x, "features", where)
    if x.ndim < 2 or x.size == 0:
        why = f"expected x of shape (rows, columns), none 0, got {x.shape}"
        raise data_error("features", where, why, "reshape x, one sample a row")
    if not on_disk:
        check_finite(x, "features", where)
    t = host_array(dataset.t, "labels", where)
    if t.ndim <= 1:
        t = check_labels(t, n_classes, where, one_class_ok=one_class_ok)
    else:
        t = check_targets(t, n_classes, where)
    if len(t) != len(x):
        why = f"has {len(x):,} rows of features and {len(t):,} labels or targets"
        raise data_error("data set", where, why, "give one of each a sample")
    weight = dataset.weight
    if weight is not None:
        weight = check_weights(weight, len(x), where)
    return Dataset(x, t, weight, check_scale(dataset.scale, where))


def random_split(n, size, rng):
    """Return (train, validation): sorted indices that part 0 .. n - 1.

    Parameters
    ----------
    n : int
    size : float or int
        The fraction (0 < size < 1) or the number of rows held out.
    rng : numpy.random.Generator

    Returns
    -------
    train, validation : int64 arrays, shapes (n - k,) and (k,)

    Raises
    ------
    ConfigError
        If either part would be empty.
    """
    held_out = np.zeros(n, dtype=bool)
    held_out[rng.permutation(n)[: _held_out_count(size, n)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def stratified_split(labels, size, rng):
    """Return (train, validation) indices with every class in proportion.

    Each class gives the whole part of its share; the rows that are left over
    come from the largest remainders, the lower class first. At least one row
    of each class stays in train, so a class of one row is never held out.

    Parameters
    ----------
    labels : array of integers, shape (n,)
    size : float or int
        The fraction (0 < size < 1) or the number of rows held out.
    rng : numpy.random.Generator

    Returns
    -------
    train, validation : sorted int64 arrays, shapes (n - k,) and (k,)

    Raises
    ------
    ConfigError
        If either part would be empty, or train would lose a class.
    DataError
        If a label is unfit.
    """
    labels = check_labels(labels, one_class_ok=True)
    _, which, count = np.unique(labels, return_inverse=True, return_counts=True)
    taken = _proportional(count, _held_out_count(size, len(labels)))
    rows = np.split(np.argsort(which, kind="stable"), np.cumsum(count)[:-1])
    held_out = np.zeros(len(labels), dtype=bool)
    for members, k in zip(rows, taken, strict=True):
        held_out[rng.permutation(members)[:k]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def doubtful_count(size, n):
    """Return what to say of a number of rows that may be meant as a percentage.

    Parameters
    ----------
    size : float or int
        As of `random_split`.
    n : int
        Of how many rows.

    Returns
    -------
    doubt : str
        "" for a fraction, and for a number that is no percentage or is at least
        one percent of the rows.

    Examples
    --------
    >>> doubtful_count(2, 60_000)
    '2 means 2 of 60,000 rows; for 2 percent give 0.02'
    >>> doubtful_count(2, 150), doubtful_count(0.02, 60_000)
    ('', '')
    """
    whole = isinstance(size, (int, np.integer))
    if not whole or not 0 < size < 100 or 100 * size >= n:
        return ""
    return f"{size} means {size} of {n:,} rows; for {size} percent give {size / 100:g}"


def _held_out_count(size, n):
    """Return how many of `n` rows a fraction or a number of rows means."""
    if isinstance(size, (float, np.floating)) and 0 < size < 1:
        count = math.floor(size * n + 0.5)
    else:
        try:
            count = 0 if isinstance(size, bool) else operator.index(size)
        except TypeError:
            count = 0
    if not 0 < count < n:
        raise ConfigError(
            f"a split of {n} rows expected a fraction in (0, 1) or a number in "
            f"1..{n - 1} that leaves both parts a row, got {size!r}."
        )
    return count


def _proportional(count, total):
    """Return how many of each class make `total`, by largest remainder."""
    room = count - 1
    if total > np.sum(room):
        raise ConfigError(
            f"a stratified split expected at most {np.sum(room)} rows to hold out, "
            f"so that each class keeps one, got {total}; do not stratify."
        )
    share, remainder = np.divmod(count * total, np.sum(count))
    taken = np.minimum(share, room)
    order = np.argsort(-remainder, kind="stable")
    while (left := total - np.sum(taken)) > 0:
        taken[order[taken[order] < room[order]][:left]] += 1
    return taken


def split_validation(dataset, size, rng, stratify=True):
    """Return (train, validation), two data sets that share no row.

    Parameters
    ----------
    dataset : Dataset
    size : float or int
        The fraction (0 < size < 1) or the number of rows held out.
    rng : numpy.random.Generator
    stratify : bool
        Hold out every class in proportion. Targets that are no labels have
        no classes and are always split at random.

    Returns
    -------
    train, validation : Dataset, copies
    """
    if stratify and np.ndim(dataset.t) == 1:
        train, validation = stratified_split(dataset.t, size, rng)
    else:
        train, validation = random_split(len(dataset), size, rng)
    return dataset.take(train), dataset.take(validation)
