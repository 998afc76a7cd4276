"""The problems of a network: of its weights, of a pass through it, of its history.

Each test looks at one number and reports only beyond a bound that sound networks
keep far from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...backend import HostArray
from ...io.messages import counted
from ...layers import Dense, Embedding
from ...network import Network
from ..history import History
from ..metrics import dead_classes, has_accuracy, n_correct
from .losses import constant_answer, member_curves

FAULTS = {  # and what to do, where the number does not tell it better
    "unscaled inputs": "subtract each column's mean and divide by its deviation",
    "unscaled targets": "subtract their mean and divide by their deviation",
    "symmetric start": "start from random weights, such as he_normal",
    "dead ReLUs": "use a lower learning rate, or leaky_relu",
    "saturated sigmoids": (
        "start from smaller weights (lecun_normal), or scale the inputs"
    ),
    "vanishing gradients": "use relu with he_normal, or fewer layers",
    "dead class": "train longer or with class_weight balanced",
    "learning rate too high": "divide it by 3 to 10",
    "learning rate too low": "multiply it by 3 to 10, or train longer",
    "no better than guessing": "train it, longer or at another learning rate",
}
# What is stuck for another reason learns slowly too: that is no second fault.
STUCK = tuple(FAULTS)[2:6]


@dataclass(frozen=True)
class Problem:
    """One problem of a network."""

    fault: str  # one of FAULTS
    number: float  # that triggered it
    what: str  # the number in a sentence
    remedy: str
    where: str = ""  # "layer 1", or "" for the whole network
    member: int | None = None  # of a population

    def __str__(self) -> str:
        member = "" if self.member is None else f"member {self.member}: "
        where = f" ({self.where})" if self.where else ""
        return f"{member}{self.fault}{where}: {self.what}; {self.remedy}"


class Pass(NamedTuple):
    """A forward and a backward pass, on the host."""

    net: Network
    x: HostArray
    t: HostArray
    labels: HostArray  # that the network answers
    loss: float
    activations: dict[int, HostArray]  # by layer
    gradients: dict[str, float]  # root mean squares

    @property
    def dense(self) -> list[int]:
        """The numbers of the dense layers."""
        return [i for i, each in enumerate(self.net.layers) if isinstance(each, Dense)]

    def problem(
        self, fault: str, number: float, what: str, layer: int | None = None
    ) -> Problem:
        """Return a problem, of the dense layer at or before `layer`, from 1."""
        n = 0 if layer is None else sum(i <= layer for i in self.dense)
        where = f"layer {n}" if n else ""
        return Problem(fault, number, what, FAULTS[fault], where)

    def hidden(self, *names: str) -> Iterator[tuple[int, str, HostArray]]:
        """Yield layer, name and outputs of hidden activations of these names."""
        last = max(self.dense, default=0)
        for i, a in self.activations.items():
            function = getattr(self.net.layers[i], "function", "")
            name = getattr(function, "name", function)
            if i < last and name in names:
                yield i, name, a


def root_mean_square(values: HostArray) -> float:
    """Return the root of the mean of the squares, in double precision."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _inputs(run: Pass) -> Iterator[Problem]:
    if isinstance(run.net.layers[0], Embedding):
        return
    fault, remedy = "unscaled inputs", FAULTS["unscaled inputs"]
    size, most = root_mean_square(run.x), float(np.max(np.abs(run.x)))
    if size > 10:
        what = f"the inputs have a root mean square of {size:.4g}"
        if 200 < most <= 255:
            remedy = "divide them by 255"
        yield Problem(fault, size, what, remedy)
    elif most < 0.01:
        remedy = "divide each column by its deviation"
        yield Problem(fault, most, f"no input is larger than {most:.2g}", remedy)


def _targets(run: Pass) -> Iterator[Problem]:
    if run.t.ndim == 1 or run.net.loss.on_logits:
        return
    size = root_mean_square(run.t)
    if size > 30 and run.loss > constant_answer(run.net, run.t)[0]:
        what = f"the targets have a root mean square of {size:.4g}"
        yield run.problem("unscaled targets", size, what)


def _symmetry(run: Pass) -> Iterator[Problem]:
    params, to_host = run.net.params, run.net.backend.to_host
    for i in run.dense[:-1]:
        b = to_host(params[f"{i}.b"])
        W = np.concatenate([to_host(params[f"{i}.W"]), b[None, :]])
        size = float(np.max(np.abs(W))) or 1.0
        n, distinct = W.shape[1], len(np.unique(np.round(W / size, 6), axis=1).T)
        if n > 1 and distinct <= n // 2:
            what = f"only {distinct} of {n} neurons have distinct weights"
            yield run.problem("symmetric start", distinct, what, i)


def _dead_relus(run: Pass) -> Iterator[Problem]:
    for i, _, a in run.hidden("relu"):
        dead, n = int(np.sum(np.max(a, axis=0) <= 0)), a.shape[1]
        if dead > max(0.2 * n, 1):
            what = f"{dead} of {n} neurons are 0 for every one of {len(a):,} examples"
            yield run.problem("dead ReLUs", dead / n, what, i)


def _saturation(run: Pass) -> Iterator[Problem]:
    for i, name, outputs in run.hidden("sigmoid", "tanh"):
        a = np.asarray(outputs, np.float64)
        # As a part of the steepest slope, which is 1/4 and 1.
        slope = 4 * a * (1 - a) if name == "sigmoid" else 1 - a * a
        flat = float(np.mean(slope < 0.02))
        if flat > 0.9:
            what = f"{flat:.0%} of its {name} slopes are under 2 % of the steepest"
            yield run.problem("saturated sigmoids", flat, what, i)


def _vanishing(run: Pass) -> Iterator[Problem]:
    dense = run.dense
    if len(dense) < 3:
        return
    first, last = (run.gradients[f"{i}.W"] for i in (dense[0], dense[-1]))
    if last > 0 and first < 1e-3 * last:
        what = (
            f"a weight of the first layer has a gradient of {first:.2g}, of the "
            f"last {last:.2g}"
        )
        yield run.problem("vanishing gradients", first / last, what)


def dead_class(
    net: Network, labels: HostArray, t: HostArray, least: float = 5
) -> Iterator[Problem]:
    """Yield the problem of classes of at least so many examples, never answered."""
    if t.ndim != 1:
        return
    counts = np.bincount(t, minlength=net.n_out)
    missed = [k for k in dead_classes(labels, net.n_out) if counts[k] >= least]
    if missed:
        known = range(net.n_out) if net.classes is None else net.classes
        fault, names = "dead class", ", ".join(str(known[k]) for k in missed)
        share = f"{counts[missed].sum() / len(t):.1%} of the examples"
        what = f"class {names} is never answered, {share}"
        yield Problem(fault, len(missed), what, FAULTS[fault])


TESTS = (_inputs, _targets, _symmetry, _dead_relus, _saturation, _vanishing)


def rates(run: Pass, history: History, member: int, stuck: bool) -> Iterator[Problem]:
    """Yield what is wrong with the learning rate; a stuck network is slow anyway."""
    high = "learning rate too high"
    end = history.stopped.get(member, "")
    if end.startswith("diverged"):
        yield run.problem(high, float(len(history)), end.partition(":")[0])
        return
    losses, _, largest = member_curves(history, member)
    if not losses:
        return
    rate = f" at a learning rate of {largest:.3g}" if largest else ""
    guess, low = constant_answer(run.net, run.t)[0], min(losses)
    first, last = losses[0], losses[-1]
    # Labels cost what guessing costs at the start; targets can be far away.
    leapt = has_accuracy(run.net, run.t) or min(losses[:2]) < 0.7 * first
    if last > 1.2 * low and last > 0.2 * guess:
        what = f"the loss rose from {low:.3g} to {last:.3g}{rate}"
        yield run.problem(high, last / low, what)
    elif (first > 2 * guess and leapt) or (low > 1.2 * guess and last > 1.02 * low):
        what = f"the loss was {first:.3g}{rate}, guessing costs {guess:.3g}"
        yield run.problem(high, first / guess, what)
    elif len(losses) > 1 and low > 0.7 * guess and last > 0.8 * first and not stuck:
        fell = 1 - last / first
        epochs = f"{counted(len(losses), 'epoch')}{rate}"
        what = f"the loss fell by {fell:.1%} in {epochs}, to {last:.3g}"
        yield run.problem("learning rate too low", fell, what)


def guessing(run: Pass) -> Iterator[Problem]:
    """Yield that a constant answer would do as well."""
    guess, chance = constant_answer(run.net, run.t)
    if run.loss <= 0.98 * guess:
        return
    number, what = run.loss, f"the loss is {run.loss:.3g}, a constant answer's "
    what += f"{guess:.3g}"
    if has_accuracy(run.net, run.t):
        number = float(n_correct(run.labels, run.t.ravel())) / len(run.t)
        if number > chance + 0.02:
            return
        what += f"; {number:.1%} are right, {chance:.1%} by the commonest class"
    yield run.problem("no better than guessing", number, what)
