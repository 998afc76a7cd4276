"""Host arrays judged before any device sees them: labels, features, weights.

A GPU wraps a label that is out of range round to another class without a
word, and NumPy turns -1 into the last one. So everything is judged here, in
host memory, once, and each message names the row and the value.
"""

import math
import operator
from numbers import Real

import numpy as np

from ..errors import ConfigError
from ..io.reading import data_error

_MOST_GUESSED_CLASSES = 2**16
_BLOCK = 2**20  # elements judged at once, so that the masks stay small


def check_labels(labels, n_classes=None, where="labels", *, one_class_ok=False):
    """Return `labels` as int64, or refuse the first one that is no class.

    Whole floats such as 3.0 are taken exactly; 1.9 is refused, never cut. A
    class of the range that does not occur is fine.

    Parameters
    ----------
    labels : array, shape (n,)
    n_classes : int, optional
        Labels are 0 .. n_classes - 1. None takes the largest label plus 1.
    where : str or path-like
        The source, for messages.
    one_class_ok : bool
        Accept labels that are all the same, as a small test set may have.

    Returns
    -------
    labels : int64 array, shape (n,), a copy

    Raises
    ------
    DataError
        With the index and the value of the label that is unfit.
    """
    labels = numbers(labels, "labels", where)
    if labels.ndim != 1 or labels.size == 0:
        why = f"expected shape (n,) with n > 0, got {labels.shape}"
        cure = "use argmax for one-hot rows, ravel for one column"
        raise data_error("labels", where, why, cure)
    if labels.dtype.kind == "f":
        # float16 cannot hold the bound that follows.
        labels = labels.astype(np.promote_types(labels.dtype, np.float64))
        whole = np.isfinite(labels) & (np.trunc(labels) == labels)
        _refuse_label(labels, ~whole, where, "no whole number")
    # Judged before the cast: NaN and 2**64 - 1 have no place in int64.
    top = _MOST_GUESSED_CLASSES if n_classes is None else class_count(n_classes)
    outside = (labels < 0) | (labels >= top)
    _refuse_label(labels, outside, where, f"outside 0..{top - 1}")
    labels = labels.astype(np.int64)
    if not one_class_ok and np.min(labels) == np.max(labels):
        why = f"only class {labels[0]} occurs in {len(labels):,} rows"
        raise data_error("labels", where, why, "give samples of two classes at least")
    return labels


def _refuse_label(labels, unfit, where, why):
    """Refuse the first label that the mask `unfit` marks."""
    if np.any(unfit):
        index = int(np.argmax(unfit))
        why = f"label {index} is {labels[index]}, {why} ({np.sum(unfit):,} such)"
        cure = "number the classes from 0, or give targets of shape (n, n_out)"
        raise data_error("labels", where, why, cure)


def class_count(n_classes):
    """Return `n_classes` as an int of at least 1."""
    try:
        count = operator.index(n_classes)
    except TypeError:
        count = 0
    if count < 1:
        raise ConfigError(f"n_classes expected an integer >= 1, got {n_classes!r}.")
    return count


def check_targets(targets, n_classes, where):
    """Return finite targets of shape (n, n_out), n_out as the classes if given."""
    targets = numbers(targets, "targets", where)
    width = targets.shape[1] if n_classes is None else class_count(n_classes)
    if targets.ndim != 2 or targets.size == 0 or targets.shape[1] != width:
        why = f"expected shape (n, {width or 'n_out'}), none 0, got {targets.shape}"
        raise data_error("targets", where, why, "give one row a sample")
    check_finite(targets, "targets", where)
    return targets


def check_weights(weight, n, where):
    """Return weights of shape (n,): finite, not negative, not all zero."""
    weight = numbers(weight, "weights", where)
    if weight.shape != (weight.size if n is None else n,):
        why = f"expected shape ({n or 'n'},), got {weight.shape}"
        raise data_error("weights", where, why, "give one weight a sample")
    unfit = ~(np.isfinite(weight) & (weight >= 0))
    if np.any(unfit):
        index = int(np.argmax(unfit))
        why = f"weight {index} is {weight[index]}"
        raise data_error("weights", where, why, "give finite weights >= 0")
    if not np.any(weight):
        raise data_error("weights", where, "all are 0", "give one sample a weight > 0")
    return weight


def check_scale(scale, where):
    """Return the factor of the features as a float: finite and not 0."""
    number = isinstance(scale, Real) and not isinstance(scale, bool)
    if not number or not math.isfinite(scale) or scale == 0:
        raise ConfigError(
            f"{where}: scale must be a finite number other than 0, got {_shown(scale)}"
            "; leave it out for 1"
        )
    return float(scale)


def host_array(values, what, where):
    """Return `values` as a NumPy array."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        why = f"is no array ({error})"
        raise data_error(what, where, why, "give a NumPy array") from None


def numbers(values, what, where):
    """Return `values` as an array of booleans, integers or real numbers."""
    values = host_array(values, what, where)
    if values.dtype.kind in "buif":
        return values
    first = next((i for i, v in enumerate(values.flat) if not _is_number(v)), 0)
    value = values.flat[first] if values.size else None
    why = f"expected numbers, got {values.dtype}; element {first} is {_shown(value)}"
    raise data_error(what, where, why, "convert it to a numeric type")


def _is_number(value):
    """Tell whether one element of an array of objects would fit a numeric one."""
    if isinstance(value, (int, np.integer)):
        return -(2**63) <= value < 2**64
    return isinstance(value, (float, np.floating))


def _shown(value):
    """Return a stranger's value for a message, without running its code."""
    if type(value) is int and value.bit_length() > 512:
        return f"an integer of {value.bit_length():,} bits"  # repr may refuse it
    known = str, bytes, int, float, complex, np.generic, type(None)
    return repr(value) if isinstance(value, known) else f"a {type(value).__name__}"


def check_finite(values, what, where):
    """Refuse the first element that is NaN or infinite, by row and column."""
    if values.dtype.kind != "f":
        return
    step = max(1, _BLOCK // math.prod(values.shape[1:]))
    for start in range(0, len(values), step):
        finite = np.isfinite(values[start : start + step])
        if not np.all(finite):
            row, *column = map(int, np.argwhere(~finite)[0])
            row += start
            value = values[(row, *column)]
            column = column[0] if len(column) == 1 else tuple(column)
            why = f"row {row}, column {column} is {value}"
            raise data_error(what, where, why, "replace it by a finite number")
