"""Networks with one fault each, made on purpose, and one without.

The diagnosis must name each fault with the number that shows it, and report nothing of
the sound network; training asks the same questions with `train --diagnose`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..blocks import mlp
from ..errors import Diverged
from ..network import Network
from ..optimizers import SGD, Adam, Optimizer
from ..training import diagnosis, fit
from ..training.history import History
from .checks import Result, check, equal
from .digits.trained import sample


@dataclass(frozen=True)
class _Case:
    """How a network of 784-32-10 ReLUs and its training are spoiled."""

    optimizer: tuple[type[Optimizer], float] | None = (Adam, 0.003)  # None: untrained
    hidden: tuple[int, ...] = (32,)
    network: dict[str, Any] = field(default_factory=dict)  # other keywords of `mlp`
    first_weights: float = 1.0  # factor of the first layer's weights
    inputs: float = 1.0  # factor of the inputs
    targets: float | None = None  # instead of labels: of the right output, others 0
    left_out: int | None = None  # the class that is not trained on


_SIGMOID = {"activation": "sigmoid"}
_CASES = {
    "none": _Case(),
    "unscaled inputs": _Case(inputs=255.0),
    "unscaled targets": _Case(
        None, network={"loss": "half_squared_error"}, targets=100.0
    ),
    "symmetric start": _Case(network={"weight_init": 0.01}),
    "dead ReLUs": _Case((SGD, 3.0)),
    "saturated sigmoids": _Case(None, network=_SIGMOID, first_weights=1000.0),
    "vanishing gradients": _Case(None, (32,) * 8, network=_SIGMOID),
    "dead class": _Case(left_out=5),
    "learning rate too high": _Case((Adam, 1.0)),
    "learning rate too low": _Case((SGD, 1e-4)),
    "no better than guessing": _Case(None, first_weights=0.1),
}


def diagnose(
    *, device: str = "cpu", seed: int = 0, n_train: int = 2000, epochs: int = 3
) -> Result:
    """Break a network in ten ways and let the diagnosis name each fault."""
    x, labels = sample(n_train)
    rows, checks = [], []
    for fault, case in _CASES.items():
        inputs, sizes = x * case.inputs, [784, *case.hidden, 10]
        net = mlp(sizes, seed=seed, device=device, **case.network)
        with net.backend.use():
            net.params["0.W"] = net.params["0.W"] * case.first_weights
        t = labels if case.targets is None else case.targets * np.eye(10)[labels]
        history = _train(net, inputs, t, case, epochs)
        problems = diagnosis.diagnose(net, (inputs, t), history).problems
        named = next((p for p in problems if p.fault == fault), None)
        rows.append(
            {
                "fault_made": fault,
                "number": None if named is None else float(f"{named.number:.4g}"),
                "says": "" if named is None else str(named),
                "also_found": [p.fault for p in problems if p.fault != fault],
            }
        )
        if fault == "none":
            checks.append(equal("the sound network: problems", len(problems), 0))
        else:
            checks.append(check(f"{fault}: named", bool(named), "True", named))
    return {"n_train": n_train, "epochs": epochs, "networks": rows, "checks": checks}


def _train(
    net: Network, x: np.ndarray, t: np.ndarray, case: _Case, epochs: int
) -> History | None:
    """Train as the case says; return None if it does not train, or diverges."""
    if case.optimizer is None:
        return None
    kind, rate = case.optimizer
    kept = np.ones(len(t), bool) if case.left_out is None else t != case.left_out
    data = x[kept], t[kept]
    try:
        settings: Any = {"batch_size": 32, "progress": False}
        return fit(net, data, epochs=epochs, optimizer=kind(rate), **settings)
    except Diverged:
        return None


def show_diagnose(result: Result) -> str:
    """Return one paragraph for each network."""
    lines = []
    for row in result["networks"]:
        lines += [row["fault_made"], f"      {row['says'] or 'nothing found'}"]
        if row["also_found"]:
            lines.append(f"      also: {', '.join(row['also_found'])}")
    return "\n".join(lines)
