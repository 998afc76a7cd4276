"""How many layers and how wide: many networks, mean and spread.

3Blue1Brown says of his two layers of 16 that they are arbitrary and fit the screen.
Here every choice is a population of seeds, so that each number has its spread.
"""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Dataset
from ...network import Network
from ...optimizers import Adam
from ...show.plots import bands
from ...training import evaluate, fit
from ...training.metrics import summary
from ...updates import gradient_norm
from ..checks import Result, at_least, at_most, check_range, rounded, within
from ..tools import loss_and_gradients
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
        fit(net, train, optimizer=Adam(0.005), **training)
        accuracy = summary(evaluate(net, test)["accuracy"])
        row = {"hidden_layers": depth, "width": width, "parameters": net.n_parameters}
        rows.append(row | rounded({"accuracy": accuracy["mean"], "sd": accuracy["sd"]}))
    mean = {(r["hidden_layers"], r["width"]): r["accuracy"] for r in rows}
    narrow, wide, shallow, deep = min(widths), max(widths), min(depths), max(depths)
    by_width = float(np.mean([mean[d, wide] - mean[d, narrow] for d in depths]))
    by_depth = float(np.mean([mean[deep, w] - mean[shallow, w] for w in widths]))
    spread = max((r["sd"] for r in rows if r["width"] >= 16), default=0.0)
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
            at_most("largest sd from width 16 on", spread, 0.02),
        ],
    }


def draw_sizes(result: Result, folder: Path) -> list[Path]:
    """Draw accuracy against width, one curve for each depth."""
    series = {}
    keys = ("width", "accuracy", "sd")
    for depth in sorted({r["hidden_layers"] for r in result["sizes"]}):
        rows = [r for r in result["sizes"] if r["hidden_layers"] == depth]
        widths, y, sd = (np.array([r[key] for r in rows]) for key in keys)
        name = f"{depth} hidden layer{'s' if depth > 1 else ''}"
        series[name] = (widths, y, y - sd, y + sd)
    n = result["networks_of_each_size"]
    return [
        bands(
            folder / "sizes.png",
            series,
            title=f"Width helps, depth hardly (mean and sd of {n} networks)",
            x_label="neurons in each hidden layer",
            y_label=f"accuracy on {result['n_test']:,} test digits",
            log="x",
            x_ticks=list(widths),
        )
    ]


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


def draw_gradient_by_layer(result: Result, folder: Path) -> list[Path]:
    """Draw the size of each layer's gradient."""
    series = {}
    for name, norm in result["_norms"].items():
        layers = np.arange(2, len(norm) + 2)
        spread = np.median(norm, axis=1), norm.min(axis=1), norm.max(axis=1)
        series["ReLU" if name == "relu" else name] = (layers, *spread)
    return [
        bands(
            folder / "gradient-by-layer.png",
            series,
            title="Gradients on their way back, before the first step",
            x_label="layer (the input is on the left)",
            y_label="length of its gradient",
            log="y",
        )
    ]
