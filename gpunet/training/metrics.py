"""Metrics: what people judge a trained network by.

`n_correct` counts on the device; the others take labels or numbers that are on
the host already.
"""

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np

from ..backend import Array, HostArray, namespace


def n_correct(labels: Array, t: Array) -> Array:
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


def root_mean_square_error(y: HostArray, t: HostArray) -> float:
    """Return the root of the mean of (y - t)^2 over rows and outputs."""
    return float(((y - t) ** 2).mean()) ** 0.5


def class_report(table: list[list[int]]) -> list[dict[str, float | int | None]]:
    """Return precision, recall, F1 and count of each class of a confusion table.

    precision = right answers / answers given, recall = right answers / examples,
    F1 = their harmonic mean. What is 0 / 0 is None: nothing is known of it.

    Parameters
    ----------
    table : list of rows
        As `confusion` returns it: true label (row) against given label (column).

    Examples
    --------
    >>> class_report([[3, 1], [0, 2]])[0]
    {'precision': 1.0, 'recall': 0.75, 'f1': 0.8571428571428571, 'n': 4}
    """
    report = []
    for k, row in enumerate(table):
        right, n, given = row[k], sum(row), sum(other[k] for other in table)
        f1 = 2 * right / (n + given) if n + given else None
        precision = right / given if given else None
        recall = right / n if n else None
        report.append({"precision": precision, "recall": recall, "f1": f1, "n": n})
    return report


def summary(values: Sequence[float | None]) -> dict[str, Any]:
    """Return mean, standard deviation, best and worst of the members' results.

    Parameters
    ----------
    values : sequence of float or None
        None and NaN (a member that diverged) are left out and counted.

    Returns
    -------
    result : dict
        n, mean, sd (sample, 0 for one), median, best and worst (largest and
        smallest), best_member, worst_member, missing.

    Examples
    --------
    >>> s = summary([0.5, 1.0, None])
    >>> s["mean"], s["best_member"], s["missing"]
    (0.75, 1, [2])
    """
    good = [(v, i) for i, v in enumerate(values) if v is not None and isfinite(v)]
    missing = [i for i in range(len(values)) if i not in {i for _, i in good}]
    if not good:
        return {"n": 0, "missing": missing}
    n = len(good)
    mean = sum(v for v, _ in good) / n
    spread = sqrt(sum((v - mean) ** 2 for v, _ in good) / (n - 1)) if n > 1 else 0.0
    (worst, worst_at), (best, best_at) = min(good), max(good)
    return {
        "n": n,
        "mean": mean,
        "sd": spread,
        "median": float(np.median([v for v, _ in good])),
        "best": best,
        "best_member": best_at,
        "worst": worst,
        "worst_member": worst_at,
        "missing": missing,
    }
