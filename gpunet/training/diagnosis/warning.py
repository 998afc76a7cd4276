"""Whether a run learned anything: what `fit` warns of at its end.

A learning rate that is far too high ends without an error: the numbers stay
finite and mean nothing. The bounds are ones that short and difficult runs keep
clear of, so a warning is worth reading.
"""

from typing import TYPE_CHECKING

import numpy as np

from .diagnose import problems_of, some_examples
from .losses import MemberCurves, constant_answer, member_curves
from .problems import STUCK, dead_class

if TYPE_CHECKING:
    from ..loop import Trainer

_STEPS, _MANY_STEPS = 100, 2000  # fewer prove nothing; these prove it in any epoch
_ANSWERS = 200_000  # of a population, looked at for classes that are missing


def not_learned(trainer: "Trainer") -> str:
    """Return that a finished run has learned nothing, with a remedy, or "".

    Its training accuracy is that of always answering the commonest class, its
    training loss is no better than that of a constant answer and did not fall, or
    it never answers a class. The data are looked at only where the history gives
    reason to.

    Parameters
    ----------
    trainer : Trainer
    """
    if trainer.step < _STEPS or not trainer.compute_metrics:
        return ""
    curves = {i: _curves_of(trainer, i) for i in range(trainer.n_members)}
    curves = {i: c for i, c in curves.items() if c.losses}
    with trainer.net.backend.use():
        faults = _failures(trainer, curves) or _missed_classes(trainer, curves)
    if not faults:
        return ""
    first, n = next(iter(faults)), trainer.n_members
    who, which = "the network has", ""
    if trainer.net.population:
        who, which = f"{len(faults)} of {n} members have", f"member {first}: "
    return f"training: {who} not learned: {which}{faults[first]}"


def _curves_of(trainer: "Trainer", member: int) -> MemberCurves:
    history = trainer.history
    if history.stopped.get(member, "").startswith("diverged"):
        return MemberCurves([], [], 0.0)  # reported already
    losses, accuracies, rate = member_curves(history, member)
    if trainer.best.restores and losses:  # the weights are not the last epoch's
        losses, accuracies = [*losses[:-1], min(losses)], sorted(accuracies)
    return MemberCurves(losses, accuracies, rate)


def _failures(trainer: "Trainer", curves: dict[int, MemberCurves]) -> dict[int, str]:
    """Return by member what it did not learn, judged by its losses and accuracies."""
    curves = {i: c for i, c in curves.items() if not _learns(c)}
    if not curves:
        return {}
    net, data, to_host = trainer.net, trainer.data, trainer.net.backend.to_host
    weight = None if data.weight is None else to_host(data.weight)
    guess, chance = constant_answer(net, to_host(data.t), weight)
    many = trainer.step >= _MANY_STEPS
    faults = {i: _fault(c, guess, chance, many) for i, c in curves.items()}
    faults = {i: fault for i, fault in faults.items() if fault}
    for i in list(faults)[:1]:  # the one that is shown, with its cause
        first, last = curves[i].losses[0], curves[i].losses[-1]
        is_one = len(curves[i].losses) == 1
        moved = 1.0 if is_one else abs(last - first) / max(first, 1e-9)
        high = last > 2 * guess and moved > 0.01
        member = net.member(i) if net.population else net
        # Of a rate that is too high, dead ReLUs and the like are consequences.
        causes = ["unscaled inputs", *([] if high else STUCK)]
        causes += ["unscaled targets"] if last <= first else []
        shown = [
            p for p in problems_of(member, *some_examples(data)) if p.fault in causes
        ]
        rate = f"the learning rate ({curves[i].rate:.3g})"
        remedy = f"lower {rate}" if high else f"raise {rate}"
        if not high and moved > 0.001:
            remedy = f"change {rate} or scale the data"
        faults[i] += f"; {shown[0] if shown else remedy}"
    return faults


def _learns(curves: MemberCurves) -> bool:
    """Return whether the history alone shows that a member learned."""
    losses, accuracies, _ = curves
    if not accuracies:
        return losses[-1] < 0.9 * losses[0] or len(losses) == 1
    return accuracies[-1] > 0.5 and losses[-1] < 0.5 * losses[0]


def _fault(curves: MemberCurves, guess: float, chance: float, many: bool) -> str:
    losses, accuracies, _ = curves
    first, last, n = losses[0], losses[-1], len(losses)
    high, fell = last > 2 * guess, last < first * (0.9 if n > 2 else 1.0)
    # One epoch is judged by its loss: its mean accuracy is that of the start, too.
    long = high or many or n > 2 or (n == 2 and not fell)
    if accuracies and long and last > 0.95 * guess:
        above = 0.1 * (1 - chance) if high else min(0.2 * chance, 0.02)
        if accuracies[-1] <= chance + above:
            return (
                f"its training accuracy is {accuracies[-1]:.1%}, always answering the "
                f"commonest class gives {chance:.1%}"
            )
    stood = not accuracies and n > 2 and last > 0.95 * guess and last > 0.99 * first
    if stood or (n > 1 and high and not fell):
        return (
            f"its training loss went from {first:.3g} to {last:.3g}, a constant "
            f"answer has {guess:.3g}"
        )
    return ""


def _missed_classes(
    trainer: "Trainer", curves: dict[int, MemberCurves]
) -> dict[int, str]:
    """Return by member a common class that it never answers.

    An accuracy above 1 - share / 2 leaves no place for one of the usual share.
    """
    net, bk, share = trainer.net, trainer.net.backend, 1 / trainer.net.n_out
    doubtful = [
        i
        for i, c in curves.items()
        if len(c.losses) > 2 and c.accuracies and c.accuracies[-1] <= 1 - share / 2
    ]
    if trainer.data.t.ndim > 1 or not doubtful:
        return {}
    x, labels = some_examples(trainer.data, max(500, _ANSWERS // trainer.n_members))
    t, answers = bk.to_host(labels), []
    for a in range(0, len(t), 64):  # a population's activations are large
        y, _ = net.forward(x[a : min(a + 64, len(t)), ...])
        answers.append(bk.to_host(net.decide(y)))
    table = np.concatenate(answers, axis=-1).reshape(trainer.n_members, -1)
    least = max(20, share / 2 * len(t))
    missed = {i: [*dead_class(net, table[i], t, least)] for i in doubtful}
    return {i: str(problems[0]) for i, problems in missed.items() if problems}
