"""What a history tells: one member's losses beside that of a constant answer."""

from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from ...backend import HostArray
from ...network import Network
from ..history import History


class MemberCurves(NamedTuple):
    """The finite numbers of one member, epoch by epoch."""

    losses: list[float]
    accuracies: list[float]
    rate: float  # the largest learning rate


def member_curves(history: History, member: int) -> MemberCurves:
    """Return a member's finite numbers; validation losses if there are no others."""

    def column(name: str) -> list[float]:
        values: Any = [v[member] if isinstance(v, list) else v for v in history[name]]
        return [v for v in values if v is not None and isfinite(v)]

    losses = column("loss") or column("val_loss")
    rate = max(column("learning_rate"), default=0.0)
    return MemberCurves(losses, column("accuracy"), rate)


def constant_answer(
    net: Network, t: HostArray, weight: HostArray | None = None
) -> tuple[float, float]:
    """Return loss and accuracy of the best constant answer.

    Parameters
    ----------
    net : Network
    t : host array, labels (n,) or targets (n, n_out)
    weight : host array, shape (n,), optional

    Returns
    -------
    loss : float
        Of the mean target, at least 0.001; an upper bound where the loss is neither
        a cross-entropy nor a square.
    accuracy : float
        The share of the commonest class; of targets 0 and 1 in one column alike.
    """
    n, labels = len(t), t
    if t.ndim == 1:  # a row for each class, as heavy as its examples
        t = np.eye(net.n_out)
        counts = np.bincount(labels, weight, minlength=len(t))
        weight = counts * len(t) / n
    t = np.asarray(t, np.float64)
    mean = np.average(t, axis=0, weights=weight)
    y = mean
    if net.loss.on_logits:
        p = np.clip(mean, 1e-12, 1 - 1e-12)
        y = np.log(p) if net.loss.name.startswith("softmax") else np.log(p / (1 - p))
    loss = float(net.loss.value(np.broadcast_to(y, t.shape), t, weight))
    loss = max(loss, 1e-3)  # targets that are all one number would leave nothing
    if labels.ndim == 1:
        return loss, float(np.max(np.bincount(labels)) / n)
    ones = float(np.mean(labels))
    return loss, max(ones, 1 - ones)
