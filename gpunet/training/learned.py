"""Whether a run learned anything, judged by its history alone.

A learning rate that is far too high ends without an error: the numbers stay
finite and mean nothing. The bounds are ones that short and difficult runs keep
clear of, so a warning is worth reading.
"""

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..backend import HostArray
from ..network import Network

if TYPE_CHECKING:
    from .loop import Trainer

_STEPS = 100  # fewer prove nothing


class _Course(NamedTuple):
    """How one member's training went: losses, accuracies and its largest rate."""

    losses: list[float]
    accuracies: list[float]
    rate: float


def not_learned(trainer: "Trainer") -> str:
    """Return that a finished run has learned nothing, with a remedy, or "".

    Its training accuracy is that of always answering the commonest class, or its
    training loss did not fall and is far above that of a constant answer. The
    labels are looked at only where the history gives reason to.

    Parameters
    ----------
    trainer : Trainer
    """
    if trainer.step < _STEPS:
        return ""
    courses = {i: _course(trainer, i) for i in range(trainer.n_members)}
    courses = {i: c for i, c in courses.items() if c.losses and not _learns(c)}
    if not courses:
        return ""
    to_host, data = trainer.net.backend.to_host, trainer.data
    t, weight = data.t, data.weight
    weight = None if weight is None else to_host(weight)
    guess, chance = constant_answer(trainer.net, to_host(t), weight)
    faults = {i: _fault(c, guess, chance) for i, c in courses.items()}
    faults = {i: fault for i, fault in faults.items() if fault}
    if not faults:
        return ""
    first, n = next(iter(faults)), trainer.n_members
    who = "the network has"
    if trainer.net.population:
        who = f"{len(faults)} of {n} members have"
        faults[first] = f"member {first}: {faults[first]}"
    return f"training: {who} not learned: {faults[first]}"


def _course(trainer: "Trainer", member: int) -> _Course:
    history = trainer.history
    if history.stopped.get(member, "").startswith("diverged"):
        return _Course([], [], 0.0)  # told already

    def column(name: str) -> list[float]:
        values = [v[member] if isinstance(v, list) else v for v in history[name]]
        return [v for v in values if v is not None and isfinite(v)]

    losses, accuracies = column("loss"), column("accuracy")
    if trainer.best.restores and losses:  # the weights are not the last epoch's
        losses, accuracies = [*losses[:-1], min(losses)], sorted(accuracies)
    return _Course(losses, accuracies, max(column("learning_rate"), default=0.0))


def _learns(course: _Course) -> bool:
    """Return whether the history alone shows that a member learned."""
    losses, accuracies, _ = course
    if not accuracies:
        return losses[-1] < 0.9 * losses[0] or len(losses) == 1
    return accuracies[-1] > 0.5 and losses[-1] < 0.5 * losses[0]


def _fault(course: _Course, guess: float, chance: float) -> str:
    losses, accuracies, rate = course
    first, last, n = losses[0], losses[-1], len(losses)
    high, fell = last > 2 * guess, last < first * (0.9 if n > 2 else 1.0)
    cure = f"change the learning rate ({rate:.3g}) or scale the data"
    if high and (accuracies or last >= first):
        cure = f"lower the learning rate ({rate:.3g})"
    # One epoch is judged by its loss: its mean accuracy is that of the start, too.
    long = high or n > 2 or (n == 2 and not fell)
    if accuracies and long and last > 0.95 * guess:
        above = 0.1 * (1 - chance) if high else min(0.2 * chance, 0.02)
        if accuracies[-1] <= chance + above:
            return (
                f"its training accuracy is {accuracies[-1]:.1%}, always answering the "
                f"commonest class gives {chance:.1%}; {cure}"
            )
    if n > 1 and high and not fell:
        return (
            f"its training loss went from {first:.3g} to {last:.3g}, a constant "
            f"answer has {guess:.3g}; {cure}"
        )
    return ""


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
