"""What scikit-learn's losses cost, row by row: they decide when training ends.

It computes them batch by batch with `xlogy` over every class; here it is all rows of
an epoch at once, from the true class's probability only.
"""

from typing import Any

import numpy as np
from scipy.special import xlogy


def row_costs(name: str, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return each row's cost, shape (..., n), in the dtype of y.

    The activation of the outputs y, shape (..., n, n_out), determines the loss; t has
    floats, shape (n, n_out).
    """
    if name == "identity":
        return 0.5 * np.mean((t - y) ** 2, axis=-1)
    if name == "exp":
        return np.sum(xlogy(t, t / y) - t + y, axis=-1)
    eps = np.finfo(y.dtype).eps
    if name == "softmax":
        return -np.log(np.clip(np.sum(y * t, axis=-1), eps, 1 - eps))
    likelihood = np.clip(np.where(t > 0.5, y, 1 - y), eps, 1 - eps)
    return -np.sum(np.log(likelihood), axis=-1)


def epoch_loss(
    costs: np.ndarray,
    weight: np.ndarray | None,
    batches: list[tuple[int, int]],
    penalties: list,
) -> Any:
    """Return the mean over an epoch's rows of their batch's loss, in float64.

    A batch's loss is the weighted mean of its rows' costs plus its penalty (alpha / 2
    times the squared weights before its step, shape (...)) over the batch's weight.
    costs, shape (..., n), and weight, shape (n,), are in the order of the epoch.
    """
    n = costs.shape[-1]
    if weight is None:
        return (np.sum(costs, axis=-1, dtype=float) + sum(penalties)) / n
    starts, stops = np.transpose(batches)
    total = np.add.reduceat(weight, starts, dtype=float)
    means = np.add.reduceat(costs * weight, starts, axis=-1, dtype=float)
    means = (means + np.stack(penalties, axis=-1)) / total
    return np.sum(means * (stops - starts), axis=-1) / n
