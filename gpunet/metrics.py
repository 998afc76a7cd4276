"""Metrics: what people judge a trained network by.

`correct` counts on the device; the others take labels or numbers that are on
the host already.
"""

from ._types import Array, HostArray
from .backend import namespace


def correct(labels: Array, t: Array) -> Array:
    """Return how many labels are right, shape (...): summed over the last axis.

    Parameters
    ----------
    labels, t : integer arrays, shape (..., n)
    """
    xp = namespace(labels)
    return xp.sum(xp.astype(labels == t, xp.int64), axis=-1)


def confusion(labels: HostArray, t: HostArray, n_classes: int) -> list[list[int]]:
    """Return the table of true label (row) against given label (column).

    Examples
    --------
    >>> confusion([0, 1, 1], [0, 1, 0], 2)
    [[1, 1], [0, 1]]
    """
    table = [[0] * n_classes for _ in range(n_classes)]
    for given, true in zip(list(labels), list(t), strict=True):
        table[int(true)][int(given)] += 1
    return table


def dead_classes(labels: HostArray, n_classes: int) -> list[int]:
    """Return the classes that are never given.

    Examples
    --------
    >>> dead_classes([0, 2, 2], 4)
    [1, 3]
    """
    given = set(map(int, labels))
    return [k for k in range(n_classes) if k not in given]


def r_squared(y: HostArray, t: HostArray) -> float:
    """Return 1 - (residual sum of squares) / (total sum of squares).

    Parameters
    ----------
    y, t : host arrays, shape (n, n_out); 1 is perfect, 0 as good as the mean
    """
    mean = t.mean(axis=-2, keepdims=True)
    total = float(((t - mean) ** 2).sum())
    return 1.0 - float(((y - t) ** 2).sum()) / total if total else float("nan")


def mean_absolute_error(y: HostArray, t: HostArray) -> float:
    """Return the mean of |y - t| over rows and outputs."""
    return float(abs(y - t).mean())
