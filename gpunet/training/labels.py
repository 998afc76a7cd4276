"""What labels mean to a network: which classes they are, and at which outputs."""

from typing import Any

import numpy as np

from ..backend.classes import (
    as_classes,
    check_classes,
    class_codes,
    find_classes,
    has_texts,
    read_labels,
)
from ..data import Dataset, check_labels
from ..errors import ConfigError, DataError
from ..network import Network


def classes_of(net: Network, data: Dataset, what: str) -> tuple | None:
    """Return what the labels of training data are called; None: 0, 1, ...

    A network keeps what it has learned: later labels get no other meaning.
    """
    classes = as_classes(net.classes, "network") or as_classes(data.classes, what)
    if classes is not None:
        return classes
    binary = net.n_out == 1 and net.loss.kind == "sigmoid_cross_entropy"
    labels = read_labels(data.t, what, net.n_out)
    classes = find_classes(labels, net.n_out, what, binary=binary)
    if net._trained and classes and classes != tuple(range(len(classes))):
        shown = ", ".join(map(str, classes[:5]))
        raise ConfigError(
            f"{what}: has the classes {shown:.80}, and the network was trained or "
            "loaded without classes; make a new network, or set its `classes`, in "
            "the order of its outputs"
        )
    return classes


def label_codes(net: Network, data: Dataset, what: str, classes: Any) -> np.ndarray:
    """Return targets, or labels as positions among `classes` or the network's."""
    t, n_out = read_labels(data.t, what, net.n_out), net.n_out
    classes = classes or as_classes(net.classes, "network")
    if not classes and has_texts(t):
        raise DataError(
            f"{what}: label 0 is {str(t.flat[0])!r:.60}, and the network has no "
            "classes; train it with such labels, or set its `classes`"
        )
    if not classes:
        return t
    names = as_classes(data.classes, what)
    if names and names != classes:  # labels may be positions in another order
        t = _by_name(t, names, what)
    return class_codes(t, check_classes(classes, n_out, what), what)


def _by_name(t: np.ndarray, classes: Any, what: str) -> np.ndarray:
    """Return the labels of a data set that says its classes as these."""
    codes = class_codes(t, classes, what)
    if codes.ndim != 1:
        return t
    codes = check_labels(codes, len(classes), what, one_class_ok=True)
    return np.array(classes, object)[codes]


def check_probabilities(t: np.ndarray, what: str) -> None:
    """Refuse targets without a cost: that of a logit may be below any bound."""
    bad = (t < 0) | (t > 1)
    if np.any(bad):
        row = int(np.argwhere(bad)[0, 0])
        raise DataError(
            f"{what}: target {row} is {t[bad][0]}; sigmoid_cross_entropy needs numbers "
            "from 0 to 1, or labels of two classes; choose another loss"
        )
