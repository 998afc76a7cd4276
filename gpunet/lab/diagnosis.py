"""Sick networks, each with one fault made on purpose, and what is said of them.

Eight networks are spoiled one way each, one is left alone; the diagnosis must name
each fault with the number that shows it, and say nothing of the sound one. Training
asks the same questions with `train --diagnose`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..blocks import mlp
from ..errors import Diverged
from ..network import Network
from ..optimizers import SGD, Adam
from ..runs.diagnosis import FAULTS
from ..runs.diagnosis import diagnose as examine
from ..training import fit
from ..training.history import History
from .checks import check, equal
from .digits.trained import sample

Case = tuple[Network, np.ndarray, History | None]


def diagnose(
    *, device: str = "cpu", seed: int = 0, n_train: int = 2000, epochs: int = 3
) -> dict[str, Any]:
    """Make networks ill in eight ways and let the diagnosis name each fault.

    Parameters
    ----------
    n_train : int
        Digits that each network trains on and is examined with.
    epochs : int
        Times through the training digits.
    """
    x, t = sample(n_train)
    settings = {"seed": seed, "device": device}
    makers: dict[str, Callable[..., Case]] = {
        "none": _sound,
        "unscaled inputs": _unscaled,
        "symmetric start": _symmetric,
        "dead ReLUs": _dead,
        "saturated sigmoids": _saturated,
        "vanishing gradients": _deep,
        "dead class": _without_fives,
        "learning rate too high": _too_high,
        "learning rate too low": _too_low,
    }
    rows, checks = [], []
    for fault, make in makers.items():
        net, seen, history = make(x, t, epochs, settings)
        findings = examine(net, seen, t, history)
        names = [f.fault for f in findings]
        own = next((f for f in findings if f.fault == fault), None)
        rows.append(
            {
                "fault_made": fault,
                "number": None if own is None else float(f"{own.number:.4g}"),
                "says": "" if own is None else str(own),
                "also_found": [n for n in names if n != fault],
            }
        )
        if fault == "none":
            checks.append(equal("the sound network: findings", len(findings), 0))
        else:
            checks.append(check(f"{fault}: named", fault in names, "True", own))
    assert set(makers) - {"none"} == set(FAULTS)
    return {"n_train": len(x), "epochs": epochs, "networks": rows, "checks": checks}


def show_diagnose(result: dict) -> str:
    """Return one paragraph for each network."""
    lines = []
    for row in result["networks"]:
        said = row["says"] or "nothing found"
        also = f"\n      also: {', '.join(row['also_found'])}" * bool(row["also_found"])
        lines.append(f"{row['fault_made']}\n      {said}{also}")
    return "\n".join(lines)


def _fit(net, x, t, epochs, optimizer) -> History | None:
    try:
        return fit(net, (x, t), epochs=epochs, batch_size=32, optimizer=optimizer)
    except Diverged:
        return None


def _plain(settings: dict, **changes: Any) -> Network:
    return mlp([784, 32, 10], changes.pop("activation", "relu"), **settings, **changes)


def _sound(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x, _fit(net, x, t, epochs, Adam(0.003))


def _unscaled(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x * 255, _fit(net, x * 255, t, epochs, Adam(0.003))


def _symmetric(x, t, epochs, settings) -> Case:
    net = _plain(settings, weight_init=0.01)
    return net, x, _fit(net, x, t, epochs, Adam(0.003))


def _dead(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x, _fit(net, x, t, epochs, SGD(3.0))


def _saturated(x, t, epochs, settings) -> Case:
    net = _plain(settings, activation="sigmoid")
    with net.backend.use():
        net.params["0.W"] = net.params["0.W"] * 1000.0
    return net, x, None


def _deep(x, t, epochs, settings) -> Case:
    return mlp([784, *[32] * 8, 10], "sigmoid", **settings), x, None


def _without_fives(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x, _fit(net, x[t != 5], t[t != 5], epochs, Adam(0.003))


def _too_high(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x, _fit(net, x, t, epochs, Adam(1.0))


def _too_low(x, t, epochs, settings) -> Case:
    net = _plain(settings)
    return net, x, _fit(net, x, t, epochs, SGD(1e-4))
