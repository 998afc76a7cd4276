"""How many layers and how wide: many networks, mean and spread.

3Blue1Brown says of his two layers of 16 that they are arbitrary and fit the
screen. Here every choice is a population of seeds trained at once, so that each
number has its spread; and what depth does to gradients is measured layer by layer.
"""

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
from ..checks import at_least, at_most, check_range, within
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
) -> dict[str, Any]:
    """Compare depths and widths of the hidden layers, mean and spread over seeds.

    Parameters
    ----------
    widths : numbers
        Neurons of each hidden layer.
    depths : numbers
        Hidden layers.
    n_seeds : int
        Networks of each size, one population.
    n_train : int
        Training digits.
    epochs : int
        Times through the training digits.
    """
    x, t = sample(n_train)
    test = Dataset(*sample(10_000, test=True))
    rows = []
    for depth in depths:
        for width in widths:
            net = mlp(
                [784, *[width] * depth, 10],
                "relu",
                seed=seed,
                population=n_seeds,
                device=device,
            )
            adam = Adam(0.005)
            fit(net, (x, t), epochs=epochs, batch_size=50, optimizer=adam, track=False)
            s = summary(evaluate(net, test)["accuracy"])
            row = {"hidden_layers": depth, "width": width}
            row |= {"parameters": net.n_parameters, "accuracy": round(s["mean"], 4)}
            rows.append(row | {"sd": round(s["sd"], 4)})
    return {
        "n_train": len(x),
        "n_test": len(test),
        "networks_of_each_size": n_seeds,
        "sizes": rows,
    } | _gains(rows, widths, depths)


def _gains(rows, widths, depths) -> dict[str, Any]:
    found = {(r["hidden_layers"], r["width"]): r["accuracy"] for r in rows}
    narrow, wide = min(widths), max(widths)
    gain = float(np.mean([found[d, wide] - found[d, narrow] for d in depths]))
    deep = float(
        np.mean([found[max(depths), w] - found[min(depths), w] for w in widths])
    )
    spread = max((r["sd"] for r in rows if r["width"] >= 16), default=0.0)
    return {
        "gain_by_width": round(gain, 4),
        "gain_by_depth": round(deep, 4),
        "checks": [
            at_least(f"width {wide} over width {narrow}", gain, 0.03),
            at_most("depth changes less than width", abs(deep), gain),
            at_most("largest sd from width 16 on", spread, 0.02),
        ],
    }


def draw_sizes(result: dict, folder: Path) -> list[Path]:
    """Draw accuracy against width, one curve for each depth."""
    series = {}
    for depth in sorted({r["hidden_layers"] for r in result["sizes"]}):
        mine = [r for r in result["sizes"] if r["hidden_layers"] == depth]
        y, sd = (np.array([r[key] for r in mine]) for key in ("accuracy", "sd"))
        name = f"{depth} hidden layer{'s' if depth > 1 else ''}"
        series[name] = ([r["width"] for r in mine], y, y - sd, y + sd)
    n = result["networks_of_each_size"]
    return [
        bands(
            folder / "sizes.png",
            series,
            title=f"Width helps, depth hardly (mean and sd of {n} networks)",
            x_label="neurons in each hidden layer",
            y_label=f"accuracy on {result['n_test']:,} test digits",
            log="x",
            x_ticks=[r["width"] for r in mine],
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
) -> dict[str, Any]:
    """Measure each layer's gradient at the start: sigmoids starve the first.

    Parameters
    ----------
    depth : int
        Hidden layers.
    width : int
        Neurons of each.
    n_seeds : int
        Fresh networks of each kind.
    n_images : int
        Digits in the one batch.
    """
    check_range("depth", depth, 3)
    x, t = sample(n_images)
    norms = {}
    for name in ("sigmoid", "tanh", "relu"):
        many = {"seed": seed, "population": n_seeds}
        net = mlp(
            [784, *[width] * depth, 10], name, device=device, dtype="float64", **many
        )
        norms[name] = _hidden_norms(net, x, t)
    # The factor by which the gradient shrinks on each layer towards the input.
    ratio = {
        name: float(np.median(n[0] / n[-1])) ** (1 / (len(n) - 1))
        for name, n in norms.items()
    }
    return {
        "hidden_layers": depth,
        "width": width,
        "networks_of_each_kind": n_seeds,
        "gradient_norm_by_layer": {
            k: n.mean(axis=1).tolist() for k, n in norms.items()
        },
        "factor_per_layer": {k: round(v, 4) for k, v in ratio.items()},
        "_norms": norms,
        "checks": [
            at_most("sigmoid: factor on each layer down", ratio["sigmoid"], 0.5),
            within("ReLU: factor on each layer down", ratio["relu"], 0.7, 1.4),
            at_least("ReLU over sigmoid", ratio["relu"] / ratio["sigmoid"], 2.0),
        ],
    }


def _hidden_norms(net: Network, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the length of each hidden weight's gradient, shape (layers, P).

    First and last layer are left out: the others all have one shape.
    """
    bk = net.backend
    with bk.use():
        y, caches = net.forward(bk.view(x, net.dtype))
        grads = net.backward(caches, net.loss.slope(y, bk.view(t)))
        hidden = [name for name in net.params if name.endswith(".W")][1:-1]
        rows = [gradient_norm({k: grads[k]}, net.population) for k in hidden]
        return np.stack([bk.to_host(row) for row in rows])


def draw_gradient_by_layer(result: dict, folder: Path) -> list[Path]:
    """Draw the size of each layer's gradient."""
    names = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU"}
    series = {}
    for kind, n in result["_norms"].items():
        at = np.arange(2, len(n) + 2)
        series[names[kind]] = (at, np.median(n, 1), n.min(1), n.max(1))
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
