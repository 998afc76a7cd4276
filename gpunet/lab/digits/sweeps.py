"""How many layers, how wide, sigmoid or ReLU: many networks, mean and spread.

3Blue1Brown says of his two layers of 16 that they are arbitrary and fit the screen.
Here every choice is a population of seeds, so that each number has its spread.
"""

from itertools import product
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Dataset
from ...io.messages import counted
from ...network import Network
from ...optimizers import SGD, Adam
from ...show.plots import bands, bars, spread
from ...show.style import Figure
from ...training import Callback, evaluate, fit
from ...training.loop import Trainer
from ...training.metrics import summary
from ...updates import gradient_norm
from ..checks import Result, at_least, at_most, check, check_range, rounded, within
from ..tools import activations, loss_and_gradients
from .trained import sample


def sizes(
    *,
    device: str = "cpu",
    seed: int = 0,
    widths: tuple[int, ...] = (4, 8, 16, 32, 64),
    depths: tuple[int, ...] = (1, 2, 3),
    n_seeds: int = 5,
    n_train: int = 5000,
    epochs: int = 8,
) -> Result:
    """Compare depths and widths of the hidden layers, mean and spread over seeds.

    widths: Neurons of each hidden layer.
    depths: Hidden layers.
    """
    train, test = sample(n_train), Dataset(*sample(10_000, test=True))
    training: Any = {"epochs": epochs, "batch_size": 50, "compute_metrics": False}
    rows = []
    for depth, width in product(depths, widths):
        layers = [784, *[width] * depth, 10]
        net = mlp(layers, "relu", seed=seed, population=n_seeds, device=device)
        fit(net, train, optimizer=Adam(0.005), **training, progress=False)
        accuracy = summary(evaluate(net, test)["accuracy"])
        row = {"hidden_layers": depth, "width": width, "parameters": net.n_parameters}
        rows.append(row | rounded({"accuracy": accuracy["mean"], "sd": accuracy["sd"]}))
    mean = {(r["hidden_layers"], r["width"]): r["accuracy"] for r in rows}
    narrow, wide, shallow, deep = min(widths), max(widths), min(depths), max(depths)
    by_width = float(np.mean([mean[d, wide] - mean[d, narrow] for d in depths]))
    by_depth = float(np.mean([mean[deep, w] - mean[shallow, w] for w in widths]))
    largest_sd = max((r["sd"] for r in rows if r["width"] >= 16), default=0.0)
    return {
        "n_train": n_train,
        "n_test": len(test),
        "networks_of_each_size": n_seeds,
        "sizes": rows,
        "gain_by_width": rounded(by_width),
        "gain_by_depth": rounded(by_depth),
        "checks": [
            at_least(f"width {wide} over width {narrow}", by_width, 0.03),
            at_most("depth changes less than width", abs(by_depth), by_width),
            at_most("largest sd from width 16 on", largest_sd, 0.02),
        ],
    }


def draw_sizes(result: Result) -> dict[str, Figure]:
    """Draw accuracy against width, one curve for each depth."""
    series = {}
    keys = ("width", "accuracy", "sd")
    for depth in sorted({r["hidden_layers"] for r in result["sizes"]}):
        rows = [r for r in result["sizes"] if r["hidden_layers"] == depth]
        widths, y, sd = (np.array([r[key] for r in rows]) for key in keys)
        name = counted(depth, "hidden layer")
        series[name] = (widths, y, y - sd, y + sd)
    n = result["networks_of_each_size"]
    return {
        "sizes": bands(
            series,
            title=f"Width helps, depth hardly (mean and sd of {n} networks)",
            x_label="neurons in each hidden layer",
            y_label=f"accuracy on {result['n_test']:,} test digits",
            log="x",
            x_ticks=list(widths),
        )
    }


def gradient_by_layer(
    *,
    device: str = "cpu",
    seed: int = 0,
    depth: int = 8,
    width: int = 32,
    n_seeds: int = 10,
    n_images: int = 500,
) -> Result:
    """Measure each layer's gradient at the start: sigmoids starve the first."""
    check_range("depth", depth, 3)
    x, t = sample(n_images)
    settings: Any = {"seed": seed, "population": n_seeds, "device": device}
    norms, factor = {}, {}
    for name in ("sigmoid", "tanh", "relu"):
        net = mlp([784, *[width] * depth, 10], name, dtype="float64", **settings)
        norms[name] = _hidden_norms(net, x, t)
        # By this factor the gradient shrinks on each layer towards the input.
        ratio = float(np.median(norms[name][0] / norms[name][-1]))
        factor[name] = ratio ** (1 / (depth - 2))
    return {
        "hidden_layers": depth,
        "width": width,
        "networks_of_each_kind": n_seeds,
        "gradient_norm_by_layer": {
            name: norm.mean(axis=1).tolist() for name, norm in norms.items()
        },
        "factor_per_layer": rounded(factor),
        "_norms": norms,
        "checks": [
            at_most("sigmoid: factor on each layer down", factor["sigmoid"], 0.5),
            within("ReLU: factor on each layer down", factor["relu"], 0.7, 1.4),
            at_least("ReLU over sigmoid", factor["relu"] / factor["sigmoid"], 2.0),
        ],
    }


def _hidden_norms(net: Network, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the length of each hidden weight's gradient, shape (layers, P).

    First and last layer are left out: the others all have one shape.
    """
    grads = loss_and_gradients(net, x, np.eye(10)[t])[1]
    hidden = [name for name in net.params if name.endswith(".W")][1:-1]
    return np.stack([gradient_norm({k: grads[k]}, net.population) for k in hidden])


def draw_gradient_by_layer(result: Result) -> dict[str, Figure]:
    """Draw the size of each layer's gradient."""
    series = {}
    for name, norm in result["_norms"].items():
        band = np.median(norm, axis=1), norm.min(axis=1), norm.max(axis=1)
        label = "ReLU" if name == "relu" else name
        series[label] = (np.arange(2, len(norm) + 2), *band)
    return {
        "gradient-by-layer": bands(
            series,
            title="Gradients on their way back, before the first step",
            x_label="layer (the input is on the left)",
            y_label="length of its gradient",
            log="y",
        )
    }


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
    training |= {"optimizer": SGD(np.repeat(rates, n_seeds).tolist())}
    rows, curves = [], {}
    for name in ("sigmoid", "relu"):
        net = mlp([784, 16, 16, 10], name, **population)
        curve = _AccuracyCurve(max(n_steps // 60, 1), test)
        fit(
            net,
            train,
            **training,
            callbacks=[curve],
            compute_metrics=False,
            progress=False,
        )
        by_rate = np.reshape(curve.accuracy, (-1, len(rates), n_seeds))
        dead = dead_units(net, test.x).reshape(len(rates), n_seeds)
        group = [
            {"activation": name, "learning_rate": rate}
            | _race_row(curve.steps, by_rate[:, k], dead[k])
            for k, rate in enumerate(rates)
        ]
        best = min(range(len(rates)), key=lambda k: group[k]["steps_to_90"] or 1e9)
        curves[name] = by_rate[:, best]
        rows += [row | {"best": k == best} for k, row in enumerate(group)]
    result = {"n_test": len(test), "rates": rows, "checks": _race_checks(rows)}
    return result | {"_steps": curve.steps, "_curves": curves}


def _race_row(steps: list[int], accuracy: np.ndarray, dead: np.ndarray) -> Result:
    """Return median steps to 90 %, accuracy at the end, the dead."""
    reached = sorted(
        steps[int(np.argmax(a >= 0.9))] for a in accuracy.T if np.any(a >= 0.9)
    )
    middle = accuracy.shape[1] // 2
    return {
        "steps_to_90": reached[middle] if len(reached) > middle else None,
        "networks_there": len(reached),
        "accuracy": rounded(accuracy[-1].mean()),
        "dead_of_32": rounded(dead.mean(), 2),
    }


def _race_checks(rows: list[Result]) -> list[Result]:
    best = {r["activation"]: r for r in rows if r["best"]}
    slow, fast = (best[k]["steps_to_90"] or 10**9 for k in ("sigmoid", "relu"))
    dead = {
        name: max(r["dead_of_32"] for r in rows if r["activation"] == name)
        for name in ("sigmoid", "relu")
    }
    return [
        check("ReLU: steps to 90 %", fast, f"< {slow} (sigmoid)", fast < slow),
        at_least("ReLUs that died at the worst rate, of 32", dead["relu"], 1.0),
        at_most("ReLUs dead at the best rate, of 32", best["relu"]["dead_of_32"], 8),
        at_most("sigmoids that are always 0", dead["sigmoid"], 0.0),
    ]


def draw_sigmoid_or_relu(result: Result) -> dict[str, Figure]:
    """Draw the race at each one's best rate, and the dead by learning rate."""
    rate = {r["activation"]: r["learning_rate"] for r in result["rates"] if r["best"]}
    series = {}
    for name, accuracy in result["_curves"].items():
        label = f"{'ReLU' if name == 'relu' else name}, rate {rate[name]:g}"
        series[label] = (result["_steps"], *spread(accuracy))
    relu = [r for r in result["rates"] if r["activation"] == "relu"]
    return {
        "sigmoid-or-relu": bands(
            series,
            title="ReLU against sigmoid, each at its best rate (mean and range)",
            x_label="steps of 32 digits",
            y_label=f"accuracy on {result['n_test']:,} digits",
            levels=[(0.9, "90 %")],
        ),
        "dead-units": bars(
            [f"rate {r['learning_rate']:g}" for r in relu],
            {"dead": [r["dead_of_32"] for r in relu]},
            title="ReLUs that never fire again, of 32",
            label="dead neurons, mean",
            form="{:.1f}",
        ),
    }


def dead_units(net: Network, x: np.ndarray) -> np.ndarray:
    """Return how many hidden neurons of each of P members are 0 for every x, (P,)."""
    dead = [np.sum(np.max(a, axis=-2) <= 0, axis=-1) for _, a in activations(net, x)]
    return np.atleast_1d(np.sum(dead, axis=0))
