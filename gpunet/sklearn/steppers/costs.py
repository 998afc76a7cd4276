"""What scikit-learn's losses cost, row by row: they decide when training ends.

Its loss is computed batch by batch with `xlogy` over every class; here for all rows
of an epoch at once, from the true class's probability only.
"""

from typing import Any

import numpy as np
from scipy.special import xlogy


def row_costs(name: str, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return each row's cost, shape (..., n), in the dtype of y.

    Parameters
    ----------
    name : "softmax", "logistic", "identity" or "exp"
        The output activation, which determines the loss.
    y : array, shape (..., n, n_out)
        Outputs after the activation.
    t : float array, shape (n, n_out)
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

    A batch's loss is the weighted mean of its rows' costs plus its penalty over the
    batch's weight.

    Parameters
    ----------
    costs : array, shape (..., n)
    weight : array, shape (n,), or None
        In the order of the epoch.
    batches : list of (start, stop)
    penalties : list of float or arrays, shape (...)
        alpha / 2 times the squared weights, before each batch's step.
    """
    n = costs.shape[-1]
    if weight is None:
        return (np.sum(costs, axis=-1, dtype=float) + sum(penalties)) / n
    sizes = np.asarray([stop - start for start, stop in batches])
    starts = [start for start, _ in batches]
    total = np.add.reduceat(weight, starts, dtype=float)
    means = np.add.reduceat(costs * weight, starts, axis=-1, dtype=float)
    means = (means + np.stack(penalties, axis=-1)) / total
    return np.sum(means * sizes, axis=-1) / n
