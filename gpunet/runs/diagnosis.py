"""Diagnosis: common training problems, the number that shows each, and one remedy.

Each test looks at one number of a forward and a backward pass, of the weights or
of the history, and reports only beyond a bound that sound networks keep far from.
A finding is for a person: nothing acts on it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

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


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes
    ----------
    fault : str
        Such as "dead ReLUs"; see `FAULTS`.
    number : float
        What triggered it.
    what : str
        The number in a sentence.
    remedy : str
        One thing to do.
    where : str
        "layer 1", or "" for the whole network.
    member : int or None
        Of a population.
    """

    fault: str
    number: float
    what: str
    remedy: str
    where: str = ""
    member: int | None = None

    def __str__(self) -> str:
        member = "" if self.member is None else f"member {self.member}: "
        where = f" ({self.where})" if self.where else ""
        return f"{member}{self.fault}{where}: {self.what}; {self.remedy}"


FAULTS = (
    "unscaled inputs",
    "symmetric start",
    "dead ReLUs",
    "saturated sigmoids",
    "vanishing gradients",
    "dead class",
    "learning rate too high",
    "learning rate too low",
)


def diagnose(
    net: Network, x: Any, t: Any, history: History | None = None
) -> list[Finding]:
    """Return the training problems of a network; none, for a sound one.

    Parameters
    ----------
    net : Network
        A population is judged member by member.
    x, t : host arrays
        Examples as the network is fed them, a few hundred or more.
    history : History, optional
        Of the training; without it learning rates are not judged.

    Returns
    -------
    findings : list of Finding, causes before consequences
    """
    data = check_data(net, Dataset(x, t), "diagnosis")
    if net.population is None:
        return list(_findings(net, data, history, None))
    return [
        finding
        for i in range(net.population)
        for finding in _findings(net.member(i), data, history, i)
    ]


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


def _findings(
    net: Network, data: Dataset, history: History | None, member: int | None
) -> Iterator[Finding]:
    bk = net.backend
    with bk.use():
        on_device = to_device(net, data)
        y, caches = net.forward(on_device.x)
        grads: Any = net.backward(caches, net.loss.slope(y, on_device.t))
        labels = bk.to_host(net.decide(y))
        host = [
            tuple(map(bk.to_host, cache)) if isinstance(layer, Activation) else None
            for layer, cache in zip(net.layers, caches, strict=True)
        ]
        sizes = {name: _rms(bk.to_host(g)) for name, g in grads.items()}
        params = {name: bk.to_host(p) for name, p in net.params.items()}
    found = [
        *_inputs(net, data),
        *_symmetry(net, params),
        *_dead_relus(net, host),
        *_saturation(net, host),
        *_vanishing(net, sizes),
        *_dead_class(net, data, labels),
    ]
    # What is stuck for another reason learns slowly too: that is no second fault.
    stuck = any(finding.fault in FAULTS[1:5] for finding in found)
    for finding in (*found, *_rates(net, data, history, member, stuck)):
        yield Finding(**{**asdict(finding), "member": member})


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _layer(net: Network, index: int) -> str:
    """Return "layer 2": the dense layer at or before `index`, from 1."""
    return f"layer {sum(isinstance(each, Dense) for each in net.layers[: index + 1])}"


def _inputs(net: Network, data: Dataset) -> Iterator[Finding]:
    if isinstance(net.layers[0], Embedding):
        return
    size, most = _rms(data.x), float(np.max(np.abs(data.x)))
    if size > 10:
        what = f"the inputs have a root mean square of {size:.4g}"
        if 200 < most <= 255:
            remedy = "divide them by 255"
        else:
            remedy = "subtract each column's mean and divide by its deviation"
        yield Finding("unscaled inputs", size, what, remedy)
    elif most < 0.01:
        what = f"no input is larger than {most:.2g}"
        remedy = "divide each column by its deviation"
        yield Finding("unscaled inputs", most, what, remedy)


def _symmetry(net: Network, params: dict[str, np.ndarray]) -> Iterator[Finding]:
    dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, Dense)]
    for i in dense[:-1]:
        W = np.concatenate([params[f"{i}.W"], params[f"{i}.b"][None, :]])
        size = float(np.max(np.abs(W))) or 1.0
        n, distinct = W.shape[1], len(np.unique(np.round(W / size, 6), axis=1).T)
        if n > 1 and distinct <= n // 2:
            what = f"only {distinct} of {n} neurons have distinct weights"
            remedy = "start from random weights, such as he_normal"
            yield Finding("symmetric start", distinct, what, remedy, _layer(net, i))


def _hidden(net: Network, *names: str) -> Iterator[tuple[int, str]]:
    """Yield index and name of the hidden activations that are one of `names`."""
    last = max(i for i, layer in enumerate(net.layers) if isinstance(layer, Dense))
    for i, layer in enumerate(net.layers[:last]):
        function = getattr(layer, "function", "")
        if getattr(function, "name", function) in names:
            yield i, getattr(function, "name", function)


def _dead_relus(net: Network, host: list[Any]) -> Iterator[Finding]:
    for i, _ in _hidden(net, "relu"):
        a = host[i][1]
        dead, n = int(np.sum(np.max(a, axis=0) <= 0)), a.shape[1]
        if dead > max(0.2 * n, 1):
            what = f"{dead} of {n} neurons are 0 for every one of {len(a):,} examples"
            remedy = "use a lower learning rate, or leaky_relu"
            yield Finding("dead ReLUs", dead / n, what, remedy, _layer(net, i))


def _saturation(net: Network, host: list[Any]) -> Iterator[Finding]:
    for i, name in _hidden(net, "sigmoid", "tanh"):
        a = np.asarray(host[i][1], np.float64)
        # As a part of the steepest slope, which is 1/4 and 1.
        slope = 4 * a * (1 - a) if name == "sigmoid" else 1 - a * a
        flat = float(np.mean(slope < 0.02))
        if flat > 0.9:
            what = f"{flat:.0%} of its {name} slopes are under 2 % of the steepest"
            remedy = "start from smaller weights (lecun_normal), or scale the inputs"
            yield Finding("saturated sigmoids", flat, what, remedy, _layer(net, i))


def _vanishing(net: Network, sizes: dict[str, float]) -> Iterator[Finding]:
    names = [f"{i}.W" for i, layer in enumerate(net.layers) if isinstance(layer, Dense)]
    if len(names) < 3:
        return
    first, last = sizes[names[0]], sizes[names[-1]]
    if last > 0 and first < 1e-3 * last:
        what = (
            f"a weight of the first layer has a gradient of {first:.2g}, of the "
            f"last {last:.2g}"
        )
        remedy = "use relu with he_normal, or fewer layers"
        yield Finding("vanishing gradients", first / last, what, remedy)


def _dead_class(net: Network, data: Dataset, labels: np.ndarray) -> Iterator[Finding]:
    if data.t.ndim != 1:
        return
    n = net.n_out
    counts = np.bincount(data.t, minlength=n)
    missed = [k for k in dead_classes(labels, n) if counts[k] >= 5]
    if missed:
        share = float(counts[missed].sum() / len(data))
        names = ", ".join(map(str, missed))
        what = f"class {names} is never answered, {share:.1%} of the examples"
        remedy = "train longer or with class_weight balanced"
        yield Finding("dead class", len(missed), what, remedy)


def _rates(
    net: Network,
    data: Dataset,
    history: History | None,
    member: int | None,
    stuck: bool,
) -> Iterator[Finding]:
    high, lower = "learning rate too high", "divide it by 3 to 10"
    if history is None:
        return
    end = "" if member is None else history.stopped.get(member, "")
    if end.startswith("diverged"):
        yield Finding(high, float(len(history)), end.partition(":")[0], lower)
        return
    losses = _column(history, "loss", member) or _column(history, "val_loss", member)
    if not losses:
        return
    rates = _column(history, "learning_rate", member)
    rate = f" at a learning rate of {max(rates):.3g}" if rates else ""
    guess, low = constant_answer(net, data.t)[0], min(losses)
    first, last = losses[0], losses[-1]
    if last > 1.2 * low and last > 0.2 * guess:
        what = f"the loss rose from {low:.3g} to {last:.3g}{rate}"
        yield Finding(high, last / low, what, lower)
    elif first > 2 * guess or low > 1.2 * guess:
        what = f"the loss was {first:.3g}{rate}, guessing costs {guess:.3g}"
        yield Finding(high, first / guess, what, lower)
    elif len(losses) > 1 and low > 0.7 * guess and last > 0.8 * first and not stuck:
        fell = 1 - last / first
        what = (
            f"the loss fell by {fell:.1%} in {len(losses)} epochs{rate}, to {last:.3g}"
        )
        yield Finding("learning rate too low", fell, what, "multiply it by 3 to 10")


def _column(history: History, name: str, member: int | None) -> list[float]:
    values = [v[member or 0] if isinstance(v, list) else v for v in history[name]]
    return [v for v in values if v is not None and isfinite(v)]
