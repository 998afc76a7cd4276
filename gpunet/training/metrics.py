"""Metrics: what people judge a trained network by.

`evaluate` measures a network on a data set; `measure`, `has_accuracy` and
`count_correct` work on the device; the others take labels or numbers that are on
the host already.
"""

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np

from ..backend import Array, HostArray, namespace
from ..data import with_scale
from ..network import Network
from .device_data import DeviceData, as_dataset, check_data, to_device
from .memory import memory_for

# Activations held at once: 8 million floats, 32 MB in float32. No call then
# lasts so long that an interrupt must wait for it.
_ACTIVATIONS = 8_000_000


def has_accuracy(net: Network, t: Array) -> bool:
    """Return whether answers to t, (n,) or (n, n_out), can be right or wrong."""
    return t.ndim == 1 or (t.shape[-1] == 1 and net.loss.on_logits)


def count_correct(net: Network, y: Array, t: Array) -> Array:
    """Return how many of the outputs y mean what t says, shape (...)."""
    labels = net.decide(y)
    if t.dtype == y.dtype:
        xp = namespace(t)
        t = xp.astype(t[..., 0], xp.int64)
    return n_correct(labels, t)


def measure(net: Network, data: DeviceData) -> tuple[list[float], list[float] | None]:
    """Return (loss, accuracy), a list with one number for each member (or network).

    The accuracy is None for targets.
    """
    bk, n = net.backend, data.n
    rows = _ACTIVATIONS // (max(net.widths) * (net.population or 1))
    rows = max(64, min(8192, rows))
    total: Any = 0.0
    correct: Any = None
    for a in range(0, n, rows):
        b = min(a + rows, n)
        y, _ = net.forward(data.floats(data.x[a:b, ...]))
        t = data.t[a:b, ...]
        weight = None if data.weight is None else data.weight[a:b]
        total = total + net.loss.value(y, t, weight) * float(b - a)
        if has_accuracy(net, data.t):
            count = count_correct(net, y, t)
            correct = count if correct is None else correct + count
    shape = net.population or 1
    loss = [v / n for v in bk.to_host(total).reshape(shape).tolist()]
    if correct is None:
        return loss, None
    return loss, [v / n for v in bk.to_host(correct).reshape(shape).tolist()]


def evaluate(net: Network, data: Any, *, scale: float | None = None) -> dict[str, Any]:
    """Return loss and accuracy of a network on a data set.

    Parameters
    ----------
    net : Network
    data : Dataset or (x, t)
        As `fit` takes them; labels are the network's `classes` where it has these.
    scale : float, optional
        Deprecated: use ``Dataset(x, t, scale=...)``.

    Returns
    -------
    result : dict
        n, loss, accuracy (None for targets that are neither labels nor one-hot
        rows); lists with one value for each member of a population.
    """
    data = as_dataset(data)
    if scale is not None:
        data = with_scale(data, scale, "evaluate")
    data = check_data(net, data, "evaluate", one_class_ok=True)
    bk, begun = net.backend, net.params.check_reading("evaluate")
    result: dict[str, Any] = {"n": len(data)}
    with bk.use(), memory_for("evaluation", bk):
        loss, accuracy = measure(net, to_device(net, data))
    net.params.check_reading("evaluate", begun)
    if net.population:
        return result | {"loss": loss, "accuracy": accuracy}
    return result | {"loss": loss[0], "accuracy": accuracy and accuracy[0]}


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
    known = {i for _, i in good}
    missing = [i for i in range(len(values)) if i not in known]
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
