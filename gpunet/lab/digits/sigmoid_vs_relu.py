"""The sigmoid against the ReLU: steps to 90 %, and neurons that died.

Each at the best of the same learning rates; every rate and seed is one member of one
population. Too large a rate kills ReLUs: pushed below zero for every digit, they pass
no gradient and never come back.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Dataset
from ...network import Network
from ...optimizers import SGD
from ...show.plots import bands, bars, spread
from ...training import Callback, evaluate, fit
from ...training.loop import Trainer
from ..checks import Result, at_least, at_most, check
from ..tools import activations
from .trained import sample


class _AccuracyCurve(Callback):
    """Records every member's accuracy after every so many steps."""

    def __init__(self, every: int, data: Dataset) -> None:
        self.every_steps, self.data = every, data
        self.steps: list[int] = []
        self.accuracy: list[list[float]] = []

    def on_pause(self, trainer: Trainer) -> None:
        """Measure on held-out digits."""
        self.steps.append(trainer.step)
        self.accuracy.append(evaluate(trainer.net, self.data)["accuracy"])


def sigmoid_or_relu(
    *,
    device: str = "cpu",
    seed: int = 0,
    rates: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 3.0),
    n_seeds: int = 5,
    n_steps: int = 2000,
    n_train: int = 20_000,
) -> Result:
    """Race the sigmoid against the ReLU: steps to 90 %, and neurons that died.

    rates: Learning rates of plain gradient descent; each activation gets its best.
    n_steps: Steps of 32 digits each.
    """
    train, test = sample(n_train), Dataset(*sample(2000, test=True))
    seeds = [seed + i for _ in rates for i in range(n_seeds)]
    population: Any = {"seed": seeds, "population": len(seeds), "device": device}
    training: Any = {"epochs": n_steps, "max_steps": n_steps, "batch_size": 32}
    rows, curves = [], {}
    for name in ("sigmoid", "relu"):
        net = mlp([784, 16, 16, 10], name, **population)
        curve = _AccuracyCurve(max(n_steps // 60, 1), test)
        sgd = SGD(np.repeat(rates, n_seeds).tolist())
        fit(
            net,
            train,
            **training,
            optimizer=sgd,
            callbacks=[curve],
            compute_metrics=False,
        )
        by_rate = np.reshape(curve.accuracy, (-1, len(rates), n_seeds))
        dead = dead_units(net, test.x).reshape(len(rates), n_seeds)
        group = [
            {"activation": name, "learning_rate": rate}
            | _row(curve.steps, by_rate[:, k], dead[k])
            for k, rate in enumerate(rates)
        ]
        best = min(range(len(rates)), key=lambda k: group[k]["steps_to_90"] or 1e9)
        curves[name] = by_rate[:, best]
        rows += [row | {"best": k == best} for k, row in enumerate(group)]
    result = {"n_test": len(test), "rates": rows, "checks": _checks(rows)}
    return result | {"_steps": curve.steps, "_curves": curves}


def _row(steps: list[int], accuracy: np.ndarray, dead: np.ndarray) -> Result:
    """Return median steps to 90 %, accuracy at the end, the dead."""
    reached = sorted(
        steps[int(np.argmax(a >= 0.9))] for a in accuracy.T if np.any(a >= 0.9)
    )
    middle = accuracy.shape[1] // 2
    return {
        "steps_to_90": reached[middle] if len(reached) > middle else None,
        "networks_there": len(reached),
        "accuracy": round(float(accuracy[-1].mean()), 4),
        "dead_of_32": round(float(dead.mean()), 2),
    }


def _checks(rows: list[Result]) -> list[Result]:
    best = {r["activation"]: r for r in rows if r["best"]}
    slow, fast = (best[k]["steps_to_90"] or 10**9 for k in ("sigmoid", "relu"))
    dead = {
        name: max(r["dead_of_32"] for r in rows if r["activation"] == name)
        for name in ("sigmoid", "relu")
    }
    at_best = best["relu"]["dead_of_32"]
    return [
        check("ReLU: steps to 90 %", fast, f"< {slow} (sigmoid)", fast < slow),
        at_least("ReLUs that died at the worst rate, of 32", dead["relu"], 1.0),
        at_most("ReLUs dead at the best rate, of 32", at_best, 8),
        at_most("sigmoids that are always 0", dead["sigmoid"], 0.0),
    ]


def draw_sigmoid_or_relu(result: Result, folder: Path) -> list[Path]:
    """Draw the race at each one's best rate, and the dead by learning rate."""
    rate = {r["activation"]: r["learning_rate"] for r in result["rates"] if r["best"]}
    series = {}
    for name, accuracy in result["_curves"].items():
        label = f"{'ReLU' if name == 'relu' else name}, rate {rate[name]:g}"
        series[label] = (result["_steps"], *spread(accuracy))
    relu = [r for r in result["rates"] if r["activation"] == "relu"]
    return [
        bands(
            folder / "sigmoid-or-relu.png",
            series,
            title="ReLU against sigmoid, each at its best rate (mean and range)",
            x_label="steps of 32 digits",
            y_label=f"accuracy on {result['n_test']:,} digits",
            levels=[(0.9, "90 %")],
        ),
        bars(
            folder / "dead-units.png",
            [f"rate {r['learning_rate']:g}" for r in relu],
            {"dead": [r["dead_of_32"] for r in relu]},
            title="ReLUs that never fire again, of 32",
            label="dead neurons, mean",
            form="{:.1f}",
        ),
    ]


def dead_units(net: Network, x: np.ndarray) -> np.ndarray:
    """Return how many hidden neurons of each of P members are 0 for every x, (P,)."""
    dead = [np.sum(np.max(a, axis=-2) <= 0, axis=-1) for _, a in activations(net, x)]
    return np.atleast_1d(np.sum(dead, axis=0))
