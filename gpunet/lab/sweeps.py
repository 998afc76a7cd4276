"""How many layers, how wide, which activation: many networks, mean and spread.

3Blue1Brown says of his two layers of 16 that they are arbitrary and fit the
screen. Here every choice is a population of seeds trained at once, so that each
number has its spread; and the sigmoid stands beside the ReLU, each at the best of
the same learning rates.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..builders import mlp
from ..data import Dataset
from ..gradients import gradient_norm
from ..network import Network
from ..optimizers import SGD, Adam
from ..population import summary
from ..show.plots import bands, bars
from ..training import Callback, evaluate, fit
from .trained import sample
from .wanted import at_least, at_most, check, within


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
    found = {(r["hidden_layers"], r["width"]): r["accuracy"] for r in rows}
    narrow, wide = min(widths), max(widths)
    gain = float(np.mean([found[d, wide] - found[d, narrow] for d in depths]))
    deep = float(
        np.mean([found[max(depths), w] - found[min(depths), w] for w in widths])
    )
    spread = max((r["sd"] for r in rows if r["width"] >= 16), default=0.0)
    return {
        "n_train": len(x),
        "n_test": len(test),
        "networks_of_each_size": n_seeds,
        "sizes": rows,
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
    n_steps: int = 1500,
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
        net = mlp(
            [784, 16, 16, 10],
            name,
            seed=[seed + i for _ in rates for i in range(n_seeds)],
            population=len(rates) * n_seeds,
            device=device,
        )
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
    n_seeds : int
        Fresh networks of each kind.
    n_images : int
        Digits in the one batch.
    """
    x, t = sample(n_images)
    norms = {}
    for name in ("sigmoid", "tanh", "relu"):
        net = mlp(
            [784, *[width] * depth, 10],
            name,
            seed=seed,
            population=n_seeds,
            device=device,
            dtype="float64",
        )
        bk = net.backend
        with bk.use():
            y, caches = net.forward(bk.view(x, "float64"))
            grads = net.backward(caches, net.loss.slope(y, bk.view(t)))
            hidden = [k for k in net.params if k.endswith(".W")][1:-1]  # alike
            rows = [gradient_norm({k: grads[k]}, n_seeds) for k in hidden]
            norms[name] = np.stack([bk.to_host(row) for row in rows])
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
