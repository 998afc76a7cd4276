"""What an activation costs: the talk calls the sigmoid "rather expensive"."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from ...activations import get_activation
from ...backend import Backend, open_backend
from ...random import host_rng
from ..checks import Result, at_most, check_range
from ..tools import max_difference


def activation_cost(
    *, device: str = "cpu", seed: int = 0, neurons: int = 1_000_000
) -> Result:
    """Time a sigmoid, a ReLU and a leaky ReLU: is the sigmoid expensive?

    neurons: Weighted inputs handled in one call, float32.
    """
    check_range("neurons", neurons)
    bk = open_backend(device)
    with bk.use():
        z = bk.array(host_rng(seed, "check").standard_normal((1, neurons)), "float32")
        calls: dict[str, Callable[[], Any]] = {
            "by the formula 1/(1+e^-z)": lambda: 1.0 / (1.0 + bk.xp.exp(-z))
        }
        for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
            calls[name] = partial(get_activation(name).value, z)
        seconds = {name: _median_seconds(bk, call) for name, call in calls.items()}
        s, formula = get_activation("sigmoid").value, 1.0 / (1.0 + bk.xp.exp(-z))
        both = bk.to_host(s(z) + s(-z))
        relative = bk.to_host((s(z) - formula) / formula)
    return {
        "device": bk.name,
        "neurons": neurons,
        "cost": [
            {
                "activation": name,
                "ns_per_neuron": float(f"{t * 1e9 / neurons:.3g}"),
                "times_a_relu": float(f"{t / seconds['relu']:.3g}"),
            }
            for name, t in seconds.items()
        ],
        "checks": [
            at_most("sigmoid(z) + sigmoid(-z) - 1", max_difference(both, 1.0), 1e-6),
            at_most("sigmoid / formula - 1", max_difference(relative, 0.0), 1e-6),
        ],
    }


def _median_seconds(bk: Backend, call: Callable[[], Any], repeats: int = 7) -> float:
    call()
    seconds = []
    for _ in range(repeats):
        bk.synchronize()
        started = perf_counter()
        call()
        bk.synchronize()
        seconds.append(perf_counter() - started)
    return sorted(seconds)[repeats // 2]
