"""Rows held out for validation or testing, at random or class by class.

Everything random takes a NumPy generator and draws from nothing else. Indices come
back sorted: shuffling is the batches' task, and rows in order are read faster.
"""

import math
import operator
from typing import Any

import numpy as np

from ..backend.classes import has_texts, read_labels
from ..errors import ConfigError
from ..io.messages import counted
from .checks import check_labels
from .dataset import Dataset


def random_split(
    n: int, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return (train, validation): sorted int64 indices that split 0 .. n - 1.

    `size` is the fraction (0 < size < 1) or the number of rows held out; either part
    empty is a ConfigError.
    """
    held_out = np.zeros(n, dtype=bool)
    held_out[rng.permutation(n)[: _held_out_count(size, n)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def stratified_split(
    labels: Any, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return (train, validation) indices with every class in proportion.

    Each class gives the whole part of its share; the remaining rows come from the
    largest remainders, the lower class first. At least one row of each class stays in
    train (ConfigError), so a class of one row is never held out. See `random_split`.
    """
    labels = read_labels(labels, "labels")
    if not has_texts(labels):
        labels = check_labels(labels, one_class_ok=True)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    held_out_counts = _proportional(counts, _held_out_count(size, len(labels)))
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    held_out = np.zeros(len(labels), dtype=bool)
    for class_rows, k in zip(rows, held_out_counts, strict=True):
        held_out[rng.permutation(class_rows)[:k]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def doubtful_count(size: Any, n: int) -> str:
    """Return a hint if `size` of `n` rows may be meant as a percentage, else "".

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


def _held_out_count(size: Any, n: int) -> int:
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
            f"a split of {counted(n, 'row')}: the size must be a fraction in (0, 1) or "
            f"a number in 1..{n - 1} that leaves both parts a row, got {size!r}"
        )
    return count


def _proportional(counts: np.ndarray, total: int) -> np.ndarray:
    """Return how many of each class make `total`, by largest remainder."""
    available = counts - 1
    if total > np.sum(available):
        raise ConfigError(
            f"a stratified split must hold out at most {np.sum(available)} rows, "
            f"so that each class keeps one, got {total}; do not stratify"
        )
    share, remainder = np.divmod(counts * total, np.sum(counts))
    held_out = np.minimum(share, available)
    order = np.argsort(-remainder, kind="stable")
    while (left := total - np.sum(held_out)) > 0:
        held_out[order[held_out[order] < available[order]][:left]] += 1
    return held_out


def split_validation(
    dataset: Dataset, size: float, rng: np.random.Generator, stratify: bool = True
) -> tuple[Dataset, Dataset]:
    """Return copies (train, validation) that share no row; see `random_split`.

    `stratify` holds out every class in proportion. Targets that are not labels have
    no classes and are always split at random.
    """
    if stratify and np.ndim(dataset.t) == 1:
        train, validation = stratified_split(dataset.t, size, rng)
    else:
        train, validation = random_split(len(dataset), size, rng)
    return dataset.take(train), dataset.take(validation)
