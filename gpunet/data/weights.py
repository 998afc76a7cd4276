"""How much each sample counts: scaled to a mean of 1, or made from classes.

A weighted mean cost then has the size of a plain one, and a learning rate
that fits the one fits the other.
"""

import numpy as np

from ..errors import ConfigError
from .checks import check_labels, check_weights, class_count


def normalized_weights(weight):
    """Return sample weights scaled to a mean of 1: w / mean(w).
    Parameters
    ----------
    weight : array, shape (n,), finite, >= 0, not all 0

    Returns
    -------
    weight : float64 array, shape (n,), a copy

    Raises
    ------
    DataError
        If a weight is unfit, with its index and value.
    """
    weight = check_weights(weight, None, "weights").astype(np.float64)
    weight = weight / np.max(weight)  # the sum of weights near 1e308 overflows
    return weight / np.mean(weight)


def class_weights(labels, weights, n_classes=None):
    """Return one weight a sample from one weight a class.

    "balanced" is n / (n_present * count[class]): each class that occurs has
    the same total, and the mean is 1.

    Parameters
    ----------
    labels : array of integers, shape (n,)
    weights : "balanced", dict or sequence
        A dict maps classes to weights, 1 where it is silent; a sequence has
        one weight for each of `n_classes`.
    n_classes : int, optional
        None takes the largest label plus 1.

    Returns
    -------
    weight : float64 array, shape (n,)

    Raises
    ------
    ConfigError
        If the weights do not fit the classes.
    DataError
        If a label is unfit, or all samples get the weight 0.

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
        per_class = _weight_per_class(weights, class_count(n_classes))
    return check_weights(per_class[labels], len(labels), "class weights")


def _weight_per_class(weights, n_classes):
    """Return the float64 weights that a dict or a sequence gives each class."""
    wanted = f'"balanced", a dict or {n_classes} weights'
    if isinstance(weights, dict):
        foreign = [c for c in weights if c not in range(n_classes)]
        if foreign:
            raise ConfigError(
                f"class weights expected classes 0..{n_classes - 1}, "
                f"got {foreign[0]!r}; drop it."
            )
        weights = [weights.get(c, 1.0) for c in range(n_classes)]
    try:
        per_class = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"class weights expected {wanted}.") from None
    if per_class.shape != (n_classes,):
        raise ConfigError(f"class weights expected {wanted}, got {per_class.shape}.")
    if not np.all(np.isfinite(per_class) & (per_class >= 0)):
        raise ConfigError(f"class weights expected finite weights >= 0, got {weights}.")
    return per_class
