"""What an activation costs: the talk calls the sigmoid "rather expensive"."""

from functools import partial
from time import perf_counter
from typing import Any

from ...activations import activation
from ...backend import open_backend
from ...errors import ConfigError
from ...random import host_rng
from ..checks import at_most
from ..tools import largest_gap


def activation_cost(*, device="cpu", seed=0, neurons=1_000_000) -> dict[str, Any]:
    """Time a sigmoid, a ReLU and a leaky ReLU: is the sigmoid expensive?

    Parameters
    ----------
    neurons : int
        Weighted inputs handled in one call, float32.
    """
    bk = open_backend(device)
    if neurons < 1:
        raise ConfigError(f"activation-cost: neurons: expected 1 or more: {neurons}")
    z = host_rng(seed, "check").standard_normal((1, neurons))
    names = ("sigmoid", "tanh", "relu", "leaky_relu")
    with bk.use():
        z = bk.array(z, "float32")
        times = {"by the formula 1/(1+e^-z)": lambda: 1.0 / (1.0 + bk.xp.exp(-z))}
        for name in names:
            times[name] = partial(activation(name).value, z)
        times = {name: _median_time(bk, call) for name, call in times.items()}
        s = activation("sigmoid").value
        both = bk.to_host(s(z) + s(-z))
        plain = 1.0 / (1.0 + bk.xp.exp(-z))
        apart = bk.to_host((s(z) - plain) / plain)
    rows = [
        {
            "activation": name,
            "ns_per_neuron": seconds * 1e9 / neurons,
            "times_a_relu": seconds / times["relu"],
        }
        for name, seconds in times.items()
    ]
    return {
        "device": bk.name,
        "neurons": neurons,
        "cost": [_rounded(row) for row in rows],
        "checks": [
            at_most("sigmoid(z) + sigmoid(-z) - 1", largest_gap(both, 1.0), 1e-6),
            at_most("sigmoid / formula - 1", largest_gap(apart, 0.0), 1e-6),
        ],
    }


def _median_time(bk, call, repeats=7) -> float:
    call()
    seconds = []
    for _ in range(repeats):
        bk.synchronize()
        started = perf_counter()
        call()
        bk.synchronize()
        seconds.append(perf_counter() - started)
    return sorted(seconds)[repeats // 2]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()}
