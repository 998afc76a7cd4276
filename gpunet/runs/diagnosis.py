"""Diagnosis: common training problems, the number that shows each, and one remedy.

Each test looks at one number of a forward and a backward pass, of the weights or
of the history, and reports only beyond a bound that sound networks keep far from.
A finding is for a person: nothing acts on it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from ..data import Dataset, Splits
from ..layers import Activation, Dense, Embedding
from ..network import Network
from ..random import host_rng
from ..training.device_data import check_data, to_device
from ..training.history import History
from ..training.learned import constant_answer
from ..training.metrics import dead_classes

_ROWS = 2000  # examples a diagnosis looks at
FAULTS = {  # and what to do, where the number does not tell it better
    "unscaled inputs": "subtract each column's mean and divide by its deviation",
    "symmetric start": "start from random weights, such as he_normal",
    "dead ReLUs": "use a lower learning rate, or leaky_relu",
    "saturated sigmoids": (
        "start from smaller weights (lecun_normal), or scale the inputs"
    ),
    "vanishing gradients": "use relu with he_normal, or fewer layers",
    "dead class": "train longer or with class_weight balanced",
    "learning rate too high": "divide it by 3 to 10",
    "learning rate too low": "multiply it by 3 to 10",
}
# What is stuck for another reason learns slowly too: that is no second fault.
_STUCK = tuple(FAULTS)[1:5]


@dataclass(frozen=True)
class Finding:
    """One fault."""

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


def diagnose(
    net: Network, x: Any, t: Any, history: History | None = None
) -> list[Finding]:
    """Return the training problems of a network, causes before consequences.

    x and t are a few hundred examples or more, as the network is fed them; without
    a history learning rates are not judged. A population is judged by member.
    """
    data = check_data(net, Dataset(x, t), "diagnosis")
    if net.population is None:
        return _findings(net, data, history, None)
    members = ((i, net.member(i)) for i in range(net.population))
    return [f for i, member in members for f in _findings(member, data, history, i)]


def diagnose_run(
    net: Network, splits: Splits, history: History | None = None
) -> list[Finding]:
    """Diagnose a network after training, on at most 2,000 scaled training examples."""
    part = splits.train
    if len(part) > _ROWS:
        chosen = host_rng(0, "check", 30).permutation(len(part))[:_ROWS]
        part = part.take(np.sort(chosen))
    x = part.x if isinstance(net.layers[0], Embedding) else part.scaled(net.dtype)
    return diagnose(net, x, part.t, history)


class _Pass(NamedTuple):
    """A forward and a backward pass, on the host."""

    net: Network
    data: Dataset
    labels: np.ndarray  # that the network answers
    activations: dict[int, np.ndarray]  # by layer
    gradients: dict[str, float]  # root mean squares

    @property
    def dense(self) -> list[int]:
        """The numbers of the dense layers."""
        return [i for i, each in enumerate(self.net.layers) if isinstance(each, Dense)]

    def finding(
        self, fault: str, number: float, what: str, layer: int | None = None
    ) -> Finding:
        """Return a finding, of the dense layer at or before `layer`, from 1."""
        n = 0 if layer is None else sum(i <= layer for i in self.dense)
        where = f"layer {n}" if n else ""
        return Finding(fault, number, what, FAULTS[fault], where)

    def hidden(self, *names: str) -> Iterator[tuple[int, str, np.ndarray]]:
        """Yield layer, name and outputs of hidden activations of these names."""
        for i, a in self.activations.items():
            function = getattr(self.net.layers[i], "function", "")
            name = getattr(function, "name", function)
            if i < self.dense[-1] and name in names:
                yield i, name, a


def _findings(
    net: Network, data: Dataset, history: History | None, member: int | None
) -> list[Finding]:
    bk = net.backend
    with bk.use():
        on_device = to_device(net, data)
        y, caches = net.forward(on_device.x)
        grads: Any = net.backward(caches, net.loss.slope(y, on_device.t))
        layers = zip(net.layers, caches, strict=True)
        run = _Pass(
            net,
            data,
            bk.to_host(net.decide(y)),
            {
                i: bk.to_host(cache[1])
                for i, (layer, cache) in enumerate(layers)
                if isinstance(layer, Activation)
            },
            {name: _rms(bk.to_host(g)) for name, g in grads.items()},
        )
        findings = [finding for test in _TESTS for finding in test(run)]
    stuck = any(finding.fault in _STUCK for finding in findings)
    if history is not None:
        findings += _rates(run, history, member, stuck)
    return [Finding(**{**asdict(f), "member": member}) for f in findings]


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _inputs(run: _Pass) -> Iterator[Finding]:
    if isinstance(run.net.layers[0], Embedding):
        return
    fault, remedy = "unscaled inputs", FAULTS["unscaled inputs"]
    size, most = _rms(run.data.x), float(np.max(np.abs(run.data.x)))
    if size > 10:
        what = f"the inputs have a root mean square of {size:.4g}"
        if 200 < most <= 255:
            remedy = "divide them by 255"
        yield Finding(fault, size, what, remedy)
    elif most < 0.01:
        remedy = "divide each column by its deviation"
        yield Finding(fault, most, f"no input is larger than {most:.2g}", remedy)


def _symmetry(run: _Pass) -> Iterator[Finding]:
    params, to_host = run.net.params, run.net.backend.to_host
    for i in run.dense[:-1]:
        b = to_host(params[f"{i}.b"])
        W = np.concatenate([to_host(params[f"{i}.W"]), b[None, :]])
        size = float(np.max(np.abs(W))) or 1.0
        n, distinct = W.shape[1], len(np.unique(np.round(W / size, 6), axis=1).T)
        if n > 1 and distinct <= n // 2:
            what = f"only {distinct} of {n} neurons have distinct weights"
            yield run.finding("symmetric start", distinct, what, i)


def _dead_relus(run: _Pass) -> Iterator[Finding]:
    for i, _, a in run.hidden("relu"):
        dead, n = int(np.sum(np.max(a, axis=0) <= 0)), a.shape[1]
        if dead > max(0.2 * n, 1):
            what = f"{dead} of {n} neurons are 0 for every one of {len(a):,} examples"
            yield run.finding("dead ReLUs", dead / n, what, i)


def _saturation(run: _Pass) -> Iterator[Finding]:
    for i, name, outputs in run.hidden("sigmoid", "tanh"):
        a = np.asarray(outputs, np.float64)
        # As a part of the steepest slope, which is 1/4 and 1.
        slope = 4 * a * (1 - a) if name == "sigmoid" else 1 - a * a
        flat = float(np.mean(slope < 0.02))
        if flat > 0.9:
            what = f"{flat:.0%} of its {name} slopes are under 2 % of the steepest"
            yield run.finding("saturated sigmoids", flat, what, i)


def _vanishing(run: _Pass) -> Iterator[Finding]:
    dense = run.dense
    if len(dense) < 3:
        return
    first, last = (run.gradients[f"{i}.W"] for i in (dense[0], dense[-1]))
    if last > 0 and first < 1e-3 * last:
        what = (
            f"a weight of the first layer has a gradient of {first:.2g}, of the "
            f"last {last:.2g}"
        )
        yield run.finding("vanishing gradients", first / last, what)


def _dead_class(run: _Pass) -> Iterator[Finding]:
    t, n = run.data.t, run.net.n_out
    if t.ndim != 1:
        return
    counts = np.bincount(t, minlength=n)
    missed = [k for k in dead_classes(run.labels, n) if counts[k] >= 5]
    if missed:
        share = float(counts[missed].sum() / len(t))
        names = ", ".join(map(str, missed))
        what = f"class {names} is never answered, {share:.1%} of the examples"
        yield run.finding("dead class", len(missed), what)


_TESTS = (_inputs, _symmetry, _dead_relus, _saturation, _vanishing, _dead_class)


def _rates(
    run: _Pass, history: History, member: int | None, stuck: bool
) -> Iterator[Finding]:
    high = "learning rate too high"
    end = "" if member is None else history.stopped.get(member, "")
    if end.startswith("diverged"):
        yield run.finding(high, float(len(history)), end.partition(":")[0])
        return
    losses = _column(history, "loss", member) or _column(history, "val_loss", member)
    if not losses:
        return
    rates = _column(history, "learning_rate", member)
    rate = f" at a learning rate of {max(rates):.3g}" if rates else ""
    guess, low = constant_answer(run.net, run.data.t)[0], min(losses)
    first, last = losses[0], losses[-1]
    if last > 1.2 * low and last > 0.2 * guess:
        what = f"the loss rose from {low:.3g} to {last:.3g}{rate}"
        yield run.finding(high, last / low, what)
    elif first > 2 * guess or low > 1.2 * guess:
        what = f"the loss was {first:.3g}{rate}, guessing costs {guess:.3g}"
        yield run.finding(high, first / guess, what)
    elif len(losses) > 1 and low > 0.7 * guess and last > 0.8 * first and not stuck:
        fell = 1 - last / first
        epochs = f"{len(losses)} epochs{rate}"
        what = f"the loss fell by {fell:.1%} in {epochs}, to {last:.3g}"
        yield run.finding("learning rate too low", fell, what)


def _column(history: History, name: str, member: int | None) -> list[float]:
    values = [v[member or 0] if isinstance(v, list) else v for v in history[name]]
    return [v for v in values if v is not None and isfinite(v)]
