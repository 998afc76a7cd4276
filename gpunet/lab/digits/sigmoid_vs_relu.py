"""The sigmoid against the ReLU: steps to 90 %, and neurons that died.

The same network with both, each at the best of the same learning rates; every rate
and seed is one member of one population. Too large a rate kills ReLUs: pushed below
zero for every digit, they pass no gradient and never come back.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Dataset
from ...network import Network
from ...optimizers import SGD
from ...show.plots import bands, bars
from ...training import Callback, evaluate, fit
from ..checks import at_least, at_most, check
from .trained import sample


class _Watch(Callback):
    """Notes every member's accuracy after every so many steps."""

    def __init__(self, every: int, part: Dataset):
        self.every_steps, self.part = every, part
        self.steps: list[int] = []
        self.accuracy: list[list[float]] = []

    def on_pause(self, trainer):
        """Measure on held-out digits."""
        self.steps.append(trainer.step)
        self.accuracy.append(evaluate(trainer.net, self.part)["accuracy"])


def sigmoid_or_relu(
    *,
    device: str = "cpu",
    seed: int = 0,
    rates: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 3.0),
    n_seeds: int = 5,
    n_steps: int = 2000,
    n_train: int = 20_000,
) -> dict[str, Any]:
    """Race the sigmoid against the ReLU: steps to 90 %, and neurons that died.

    Parameters
    ----------
    rates : numbers
        Learning rates of plain gradient descent; each activation gets its best.
    n_seeds : int
        Networks at each rate.
    n_steps : int
        Steps of 32 digits each.
    n_train : int
        Training digits.
    """
    x, t = sample(n_train)
    part = Dataset(*sample(2000, test=True))
    rows, curves = [], {}
    for name in ("sigmoid", "relu"):
        seeds = [seed + i for _ in rates for i in range(n_seeds)]
        many = {"seed": seeds, "population": len(seeds), "device": device}
        net = mlp([784, 16, 16, 10], name, **many)
        watch = _Watch(max(n_steps // 60, 1), part)
        fit(
            net,
            (x, t),
            epochs=n_steps,
            batch_size=32,
            optimizer=SGD([r for r in rates for _ in range(n_seeds)]),
            track=False,
            callbacks=[watch],
            max_steps=n_steps,
        )
        by_rate = np.reshape(watch.accuracy, (-1, len(rates), n_seeds))
        dead = np.reshape(dead_units(net, part.x), (len(rates), n_seeds))
        mine = [
            _race(name, rate, watch.steps, by_rate[:, k], dead[k])
            for k, rate in enumerate(rates)
        ]
        best = max(range(len(rates)), key=lambda k: -(mine[k]["steps_to_90"] or 1e9))
        curves[name] = by_rate[:, best]
        rows += [row | {"best": k == best} for k, row in enumerate(mine)]
    return _compare(rows, curves, watch.steps, len(part))


def _race(name, rate, steps, accuracy, dead) -> dict[str, Any]:
    """Return one row: median steps to 90 %, accuracy at the end, the dead."""
    there = [int(np.argmax(a >= 0.9)) if np.any(a >= 0.9) else None for a in accuracy.T]
    reached = sorted(steps[k] for k in there if k is not None)
    most = len(reached) > len(there) // 2
    return {
        "activation": name,
        "learning_rate": rate,
        "steps_to_90": reached[len(there) // 2] if most else None,
        "networks_there": len(reached),
        "accuracy": round(float(accuracy[-1].mean()), 4),
        "dead_of_32": round(float(dead.mean()), 2),
    }


def _compare(rows, curves, steps, n) -> dict[str, Any]:
    best = {r["activation"]: r for r in rows if r["best"]}
    slow, fast = (best[k]["steps_to_90"] or 10**9 for k in ("sigmoid", "relu"))
    relu = [r for r in rows if r["activation"] == "relu"]
    died = max(r["dead_of_32"] for r in relu)
    cold = max(r["dead_of_32"] for r in rows if r["activation"] == "sigmoid")
    return {
        "n_test": n,
        "rates": rows,
        "_steps": steps,
        "_curves": curves,
        "checks": [
            check("ReLU: steps to 90 %", fast, f"< {slow} (sigmoid)", fast < slow),
            at_least("ReLUs that died at the worst rate, of 32", died, 1.0),
            at_most(
                "ReLUs dead at the best rate, of 32", best["relu"]["dead_of_32"], 8
            ),
            at_most("sigmoids that are always 0", cold, 0.0),
        ],
    }


def draw_sigmoid_or_relu(result: dict, folder: Path) -> list[Path]:
    """Draw the race at each one's best rate, and the dead by learning rate."""
    series = {}
    for name, accuracy in result["_curves"].items():
        rate = next(
            r["learning_rate"]
            for r in result["rates"]
            if r["best"] and r["activation"] == name
        )
        mean = accuracy.mean(axis=1)
        label = f"{'ReLU' if name == 'relu' else name}, rate {rate:g}"
        series[label] = (result["_steps"], mean, accuracy.min(1), accuracy.max(1))
    first = bands(
        folder / "sigmoid-or-relu.png",
        series,
        title="ReLU against sigmoid, each at its best rate (mean and range)",
        x_label="steps of 32 digits",
        y_label=f"accuracy on {result['n_test']:,} digits",
        levels=[(0.9, "90 %")],
    )
    relu = [r for r in result["rates"] if r["activation"] == "relu"]
    second = bars(
        folder / "dead-units.png",
        [f"rate {r['learning_rate']:g}" for r in relu],
        {"dead": [r["dead_of_32"] for r in relu]},
        title="ReLUs that never fire again, of 32",
        label="dead neurons, mean",
        form="{:.1f}",
    )
    return [first, second]


def dead_units(net: Network, x: np.ndarray) -> np.ndarray:
    """Return how many hidden neurons of each member are 0 for every row of x.

    Returns
    -------
    dead : integer array, shape (P,), or (1,) for one network
    """
    bk = net.backend
    with bk.use():
        _, caches = net.forward(bk.view(x, net.dtype))
        hidden = [bk.to_host(a) for _, a in caches[1:-1:2]]
    return sum(np.atleast_1d(np.sum(np.max(a, axis=-2) <= 0, axis=-1)) for a in hidden)
