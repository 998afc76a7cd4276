"""How much each sample counts: scaled to a mean of 1, or made from classes.

A weighted mean cost then has the size of a plain one, and a learning rate
that fits the one fits the other.
"""

from typing import Any

import numpy as np

from ..errors import ConfigError
from .checks import check_labels, check_n_classes, check_weights


def normalized_weights(weight: Any) -> np.ndarray:
    """Return sample weights, shape (n,), scaled to a mean of 1: w / mean(w).

    Weights that are negative or not finite, or that are all 0, are a DataError.
    """
    weight = check_weights(weight, None, "weights").astype(np.float64)
    weight = weight / np.max(weight)  # the sum of weights near 1e308 overflows
    return weight / np.mean(weight)


def class_weights(
    labels: Any, weights: Any, n_classes: int | None = None
) -> np.ndarray:
    """Return one weight a sample, float64 (n,), from one weight a class.

    "balanced" is n / (n_present * count[class]): each class that occurs has
    the same total, and the mean is 1.

    Parameters
    ----------
    weights : "balanced", dict or sequence
        A dict maps classes to weights, 1 for those it omits; a sequence has
        one weight for each of `n_classes`.
    n_classes : int, optional
        None uses the largest label plus 1.

    Raises
    ------
    ConfigError
        If the weights do not fit the classes.
    DataError
        If a label is invalid, or all samples get the weight 0.

    Examples
    --------
    >>> class_weights([0, 0, 0, 1], "balanced")
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    labels = check_labels(labels, n_classes, one_class_ok=True)
    n_classes = int(np.max(labels)) + 1 if n_classes is None else n_classes
    if isinstance(weights, str) and weights == "balanced":
        count = np.bincount(labels, minlength=n_classes)
        per_class = len(labels) / (np.count_nonzero(count) * np.maximum(count, 1))
    else:
        per_class = _weight_per_class(weights, check_n_classes(n_classes))
    return check_weights(per_class[labels], len(labels), "class weights")


def _weight_per_class(weights: Any, n_classes: int) -> np.ndarray:
    """Return the float64 weights that a dict or a sequence gives each class."""
    if isinstance(weights, dict):
        if unknown := [c for c in weights if c not in range(n_classes)]:
            raise ConfigError(
                f"class weights must be of classes 0..{n_classes - 1}, got "
                f"{unknown[0]!r}; remove it"
            )
        weights = [weights.get(c, 1.0) for c in range(n_classes)]
    try:
        per_class = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        per_class = np.array(np.nan)
    if per_class.shape != (n_classes,):
        raise ConfigError(
            f'class weights must be "balanced", a dict or {n_classes} weights, '
            f"got {weights!r:.80}"
        )
    if not np.all(np.isfinite(per_class) & (per_class >= 0)):
        raise ConfigError(f"class weights must be finite and >= 0, got {weights}")
    return per_class
