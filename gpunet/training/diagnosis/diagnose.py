"""`gpunet.diagnose`: the problems of a network, on the examples it is trained on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...data import Splits
from ...errors import ConfigError
from ...layers import Activation
from ...network import Network
from ...random import host_rng
from ..device_data import DeviceData, as_dataset, check_data, to_device
from ..history import History
from .problems import (
    STUCK,
    TESTS,
    Pass,
    Problem,
    dead_class,
    guessing,
    rates,
    root_mean_square,
)

_ROWS = 2000  # examples a diagnosis looks at


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What `diagnose` found; printed, a line for each problem.

    Attributes
    ----------
    problems : list of Problem
        Causes before consequences; none for a sound network.
    """

    problems: list[Problem]

    def __repr__(self) -> str:
        lines = "\n".join(map(str, self.problems))
        return lines or "diagnosis: no problems found"


def diagnose(net: Network, data: Any, history: History | None = None) -> Diagnosis:
    """Return the training problems of a network, each with a number and a remedy.

    Looks for unscaled inputs and targets, a symmetric start, dead ReLUs, saturated
    sigmoids, vanishing gradients, classes that are never predicted, learning rates
    too high or too low, and outputs no better than guessing.

    Parameters
    ----------
    net : Network
        It is not changed. A population is judged by member.
    data : Splits, Dataset or (x, t)
        What it is trained on; at most 2,000 examples are looked at.
    history : History, optional
        What `fit` returned. Without it learning rates are not judged.

    Returns
    -------
    diagnosis : Diagnosis
        Its `problems`, causes before consequences; it prints as lines.

    Raises
    ------
    ConfigError, DataError
        Data that the network cannot be trained on.

    Examples
    --------
    >>> import gpunet, numpy as np
    >>> x, t = np.array([[0., 255], [255, 0]] * 50), np.array([0, 1] * 50)
    >>> net = gpunet.mlp([2, 8, 2], seed=1)
    >>> diagnosis = gpunet.diagnose(net, (x, t))
    >>> print(diagnosis.problems[0])
    unscaled inputs: the inputs have a root mean square of 180.3; divide them by 255
    """
    if not isinstance(history, History | None):
        kind = type(history).__name__
        raise ConfigError(f"history: must be what `fit` returned, got {kind}")
    part = data.train if isinstance(data, Splits) else as_dataset(data)
    part = check_data(net, part, "diagnosis")
    part = part.take(_chosen(len(part), _ROWS))
    with net.backend.use():
        x, t = some_examples(to_device(net, part))
        if net.population is None:
            return Diagnosis(problems_of(net, x, t, history))
        return Diagnosis(
            [
                replace(problem, member=i)
                for i in range(net.population)
                for problem in problems_of(net.member(i), x, t, history, i)
            ]
        )


def _chosen(n: int, most: int) -> np.ndarray:
    """Return the indices of at most `most` of n examples, in their order."""
    if n <= most:
        return np.arange(n)
    return np.sort(host_rng(0, "check", 30).permutation(n)[:most])


def some_examples(data: DeviceData, most: int = _ROWS) -> tuple[Array, Array]:
    """Return x and t of at most `most` examples, on the device, as floats."""
    bk, index = data.bk, _chosen(data.n, most)
    rows = bk.array(index)
    x = data.x[index] if data.on_disk else bk.xp.take(data.x, rows, axis=0)
    return data.floats(x), bk.xp.take(data.t, rows, axis=0)


def problems_of(
    net: Network,
    x: Array,
    t: Array,
    history: History | None = None,
    member: int = 0,
) -> list[Problem]:
    """Return the problems of one network, on examples that are on its device.

    The history's numbers are those of this member.
    """
    run = _run(net, x, t)
    problems = [problem for test in TESTS for problem in test(run)]
    stuck = any(problem.fault in STUCK for problem in problems)
    if history is not None:
        problems += rates(run, history, member, stuck)
    if not problems:
        problems += guessing(run)
    return [*problems, *dead_class(net, run.labels, run.t)]


def _run(net: Network, x: Array, t: Array) -> Pass:
    """Run a forward and a backward pass."""
    to_host = net.backend.to_host
    y, caches = net.forward(x)
    grads: Any = net.backward(caches, net.loss.slope(y, t))
    activations = {
        i: to_host(cache[1])
        for i, (layer, cache) in enumerate(zip(net.layers, caches, strict=True))
        if isinstance(layer, Activation)
    }
    gradients = {name: root_mean_square(to_host(g)) for name, g in grads.items()}
    labels, loss = to_host(net.decide(y)), float(to_host(net.loss.value(y, t)))
    return Pass(net, to_host(x), to_host(t), labels, loss, activations, gradients)
