"""Checks of labels, features, targets and weights in host memory.

A GPU wraps a label that is out of range round to another class, and NumPy turns
-1 into the last one. So everything is checked here, once, and each message names
the row and the value.
"""

import math
import operator
import os
from numbers import Real
from typing import Any

import numpy as np

from ..backend.inputs import describe, numeric_array
from ..errors import ConfigError
from ..io.messages import Path, data_error

_MAX_INFERRED_CLASSES = 2**16
_BLOCK = 2**20  # elements checked at once, so that the masks stay small


def check_labels(
    labels: Any,
    n_classes: int | None = None,
    where: Path = "labels",
    *,
    one_class_ok: bool = False,
) -> np.ndarray:
    """Return `labels` as an int64 copy, shape (n,), or refuse the first invalid one.

    Whole floats such as 3.0 are converted; 1.9 is refused, never truncated.

    Parameters
    ----------
    n_classes : int, optional
        Labels are 0 .. n_classes - 1, and not all of these must occur. None uses the
        largest label plus 1.
    where : str or path-like
        The source, for messages.
    one_class_ok : bool
        Accept labels that are all the same, as a small test set may have.

    Raises
    ------
    DataError
        With the index and the value of the invalid label.
    """
    labels = numeric_array(labels, "labels", where)
    if labels.ndim != 1 or labels.size == 0:
        reason = f"must have shape (n,) with n > 0, got {labels.shape}"
        remedy = "use argmax for one-hot rows, ravel for one column"
        raise data_error("labels", where, reason, remedy)
    if labels.dtype.kind == "f":
        # float16 cannot hold the bound that follows.
        labels = labels.astype(np.promote_types(labels.dtype, np.float64))
        whole = np.isfinite(labels) & (np.trunc(labels) == labels)
        _check_mask(labels, ~whole, where, "not a whole number")
    # Checked before the cast: int64 holds neither NaN nor 2**64 - 1.
    top = _MAX_INFERRED_CLASSES if n_classes is None else check_n_classes(n_classes)
    outside = (labels < 0) | (labels >= top)
    _check_mask(labels, outside, where, f"outside 0..{top - 1}")
    labels = labels.astype(np.int64)
    if not one_class_ok and np.min(labels) == np.max(labels):
        reason = f"only class {labels[0]} occurs in {len(labels):,} rows"
        raise data_error("labels", where, reason, "give samples of two or more classes")
    return labels


def _check_mask(
    labels: np.ndarray, invalid: np.ndarray, where: Path, fault: str
) -> None:
    """Refuse the first label that the mask `invalid` marks."""
    if np.any(invalid):
        index = int(np.argmax(invalid))
        reason = f"label {index} is {labels[index]}, {fault} ({np.sum(invalid):,} such)"
        remedy = "number the classes from 0, or give targets of shape (n, n_out)"
        raise data_error("labels", where, reason, remedy)


def check_n_classes(n_classes: Any) -> int:
    """Return `n_classes` as an int of at least 1."""
    try:
        count = operator.index(n_classes)
    except TypeError:
        count = 0
    if count < 1:
        raise ConfigError(f"n_classes must be an integer >= 1, got {n_classes!r}")
    return count


def check_targets(targets: Any, n_classes: int | None, where: Path) -> np.ndarray:
    """Return finite targets of shape (n, n_out); n_out is `n_classes` if given."""
    targets = numeric_array(targets, "targets", where)
    width = targets.shape[1] if n_classes is None else check_n_classes(n_classes)
    if targets.ndim != 2 or targets.size == 0 or targets.shape[1] != width:
        reason = f"must have shape (n, {width or 'n_out'}), none 0, got {targets.shape}"
        raise data_error("targets", where, reason, "give one row a sample")
    check_finite(targets, "targets", where)
    return targets


def check_weights(weight: Any, n: int | None, where: Path) -> np.ndarray:
    """Return weights of shape (n,): finite, not negative, not all zero."""
    weight = numeric_array(weight, "weights", where)
    if weight.shape != (weight.size if n is None else n,):
        reason = f"must have shape ({n or 'n'},), got {weight.shape}"
        raise data_error("weights", where, reason, "give one weight a sample")
    invalid = ~(np.isfinite(weight) & (weight >= 0))
    if np.any(invalid):
        index = int(np.argmax(invalid))
        reason = f"weight {index} is {weight[index]}"
        raise data_error("weights", where, reason, "give finite weights >= 0")
    if not np.any(weight):
        raise data_error("weights", where, "all are 0", "give one sample a weight > 0")
    return weight


def check_scale(scale: Any, where: Path) -> float:
    """Return the factor of the features as a float: finite and not 0."""
    number = isinstance(scale, Real) and not isinstance(scale, bool)
    if not number or not math.isfinite(scale) or scale == 0:
        raise ConfigError(
            f"{os.fsdecode(where)}: scale must be a finite number other than 0, "
            f"got {describe(scale)}; leave it out for 1"
        )
    return float(scale)


def check_finite(values: np.ndarray, what: str, where: Path) -> None:
    """Refuse the first element that is NaN or infinite, by row and column."""
    if values.dtype.kind != "f":
        return
    step = max(1, _BLOCK // math.prod(values.shape[1:]))
    for start in range(0, len(values), step):
        finite = np.isfinite(values[start : start + step])
        if not np.all(finite):
            row, *columns = map(int, np.argwhere(~finite)[0])
            row += start
            column = columns[0] if len(columns) == 1 else tuple(columns)
            reason = f"row {row}, column {column} is {values[(row, *columns)]}"
            raise data_error(what, where, reason, "replace it with a finite number")
