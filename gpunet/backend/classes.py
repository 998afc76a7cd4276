"""Classes: what the labels 0, 1, ... of a network stand for.

Labels that are texts, booleans, or whole numbers other than 0 to k - 1 are learned
as their positions among the sorted classes, and answered as they were given.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..io.messages import counted, data_error
from .arrays import HostArray
from .inputs import describe, host_array

Classes = tuple[str, ...] | tuple[int, ...]
_LARGEST = 2**53  # of a class that is a number: exact as a float, too


def read_labels(t: Any, where: str, n_out: int = 1) -> np.ndarray:
    """Return labels or targets as an array; texts are objects, shape (n,).

    A single column is one of labels, unless the network has a single output, too.
    """
    labels = host_array(t, "labels", where)
    if labels.ndim == 2 and labels.shape[1] == 1 < n_out:
        labels = labels[:, 0]
    if labels.dtype.kind in "ST":
        labels = labels.astype(str)
    may_be = labels.dtype.kind in "OU"
    is_text = [isinstance(v, str) for v in labels.flat] if may_be else []
    if not any(is_text):
        return labels
    if not all(is_text):
        index = is_text.index(False)
        value = describe(labels.flat[index])
        reason = f"label {index} is {value}, and others are texts"
        raise data_error("labels", where, reason, "give texts or numbers, not both")
    return labels.reshape(-1) if labels.shape[1:] == (1,) else labels


def has_texts(labels: np.ndarray) -> bool:
    """Return whether what `read_labels` returned are texts."""
    is_text = labels.dtype.kind in "OU" and labels.size
    return bool(is_text and isinstance(labels.flat[0], str))


def find_classes(
    labels: np.ndarray, n_out: int, where: str, *, binary: bool = False
) -> Classes | None:
    """Return the sorted classes of labels, or None where these need no names.

    That is so for labels 0 to n_out - 1, targets, and what `check_labels` refuses.
    Numbers for a single output are targets, or labels if it is `binary`.

    Raises
    ------
    ConfigError
        There are not as many classes as the network has outputs.
    """
    if labels.ndim != 1 or not labels.size:
        return None
    if labels.dtype.kind == "b":
        return (False, True) if n_out <= 2 else None
    if has_texts(labels):
        return check_classes(sorted(set(labels.tolist())), n_out, where)
    n_classes = 2 if binary else n_out
    if labels.dtype.kind not in "iuf" or n_classes == 1:
        return None
    if np.min(labels) >= 0 and np.max(labels) < n_classes:  # faster than a sort
        return None
    numbers = np.unique(labels).tolist()
    whole = all(abs(v) < _LARGEST and v == int(v) for v in numbers)  # and no NaN
    return tuple(map(int, numbers)) if whole and len(numbers) == n_classes else None


def as_classes(classes: Any, where: str) -> tuple | None:
    """Return classes, a list or an array, as a tuple; None where there are none."""
    if classes is None:
        return None
    try:
        values = tuple(classes.tolist() if hasattr(classes, "tolist") else classes)
    except TypeError:
        values = ()
    if isinstance(classes, str) or not values:
        reason = f"must be a list of texts or whole numbers, got {describe(classes)}"
        raise ConfigError(f"{where}: classes {reason:.120}")
    return tuple(v.item() if isinstance(v, np.generic) else v for v in values)


def check_classes(classes: Any, n_out: int, where: str) -> Classes:
    """Return classes as a tuple, one for each output; a single output has two."""
    classes = as_classes(classes, where) or ()
    n, shown = max(n_out, 2), ", ".join(map(str, classes[:5]))
    if len({type(c) for c in classes}) != 1 or not isinstance(classes[0], str | int):
        raise ConfigError(
            f"{where}: classes must be all texts or all whole numbers, got {shown:.80}"
        )
    if len(set(classes)) != len(classes):
        raise ConfigError(f"{where}: classes must differ, got {shown:.80}")
    if len(classes) != n:
        outputs = (
            "1 output, which tells two classes apart"
            if n_out == 1
            else counted(n_out, "output")
        )
        raise ConfigError(
            f"{where}: has {counted(len(classes), 'class')} ({shown:.80}), and the "
            f"network {outputs}; make a network with an output for each class"
        )
    return classes


def class_codes(labels: np.ndarray, classes: Classes, where: str) -> np.ndarray:
    """Return the position of each label among the classes, int64, shape (n,).

    Where classes are texts, numbers are such positions already.

    Raises
    ------
    DataError
        A label is none of the classes.
    """
    is_number = labels.dtype.kind in "iuf"
    if labels.ndim != 1 or (is_number and isinstance(classes[0], str)):
        return labels
    codes = positions_among({c: k for k, c in enumerate(classes)}, labels)
    if np.any(codes < 0):
        index = int(np.argmax(codes < 0))
        reason = (
            f"label {index} is {describe(labels[index]):.60}, none of the classes "
            f"{', '.join(map(str, classes[:10])):.120}"
        )
        raise data_error("labels", where, reason, "correct it, or train with it")
    return codes


def positions_among(order: Mapping[Any, int], values: np.ndarray) -> np.ndarray:
    """Return what `order` says of each value, int64, and -1 of those it lacks."""
    different, inverse = np.unique(values, return_inverse=True)
    codes = [order.get(value, -1) for value in different.tolist()]
    return np.array(codes, np.int64)[inverse]


def named(labels: HostArray, net: Any) -> HostArray:
    """Return the class of each label, an array of the labels' shape."""
    if net.classes is None:
        return labels
    return np.array(check_classes(net.classes, net.n_out, "classify"))[labels]
