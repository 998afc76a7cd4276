"""Downhill: the cost as a landscape of one, two and many dimensions.

3Blue1Brown's second chapter: a ball rolls to the minimum its start decides, the
gradient is the direction of steepest ascent, and a mini-batch takes quick,
drunken steps in about that direction.
"""

from math import atan2, degrees, pi
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import open_backend
from ...errors import ConfigError
from ...random import host_rng
from ...show.descent_plots import hill, valley
from ..checks import at_most, near
from ..tools import loss_and_gradients, max_difference, network_from, to_lists

# The video's curves, C and dC/dw, with where balls start and must come to rest.
_HILLS = {
    "three valleys": {
        "cost": lambda w: 0.05 * _cubic(w) ** 2 + 2 + 0.3 * (w - 3),
        "slope": lambda w: 0.1 * _cubic(w) * (3 * w * w - 4 * w - 5) + 0.3,
        "minima": [(-2.0131, 0.49803), (0.9196, 1.3878), (2.9679, 1.99529)],
        "balls": {-3.0: 0, -0.7: 1, 0.0: 1, 2.2: 1, 4.0: 2},
        "from": -3.2,
        "to": 4.2,
    },
    "two valleys": {
        "cost": lambda w: 0.03 * (w**4 - 16 * w * w) + 0.3 * w + 4,
        "slope": lambda w: 0.03 * (4 * w * w * w - 32 * w) + 0.3,
        "minima": [(-2.9733, 1.2092), (2.6569, 2.90363)],
        "balls": {-4.2: 0, -0.5: 0, 1.0: 1, 4.2: 1},
        "from": -4.4,
        "to": 4.4,
    },
}


def _cubic(w: Any) -> Any:
    return (w + 2) * (w - 1) * (w - 3)


def curve(*, device="cpu", seed=0, rate=0.005, steps=2000) -> dict[str, Any]:
    """Roll balls down two curves: the start decides which minimum is found.

    Parameters
    ----------
    rate : float
        Learning rate: how far a ball moves for a slope of 1.
    steps : int
        Steps of each ball.
    """
    if not 0 < rate <= 0.02 or not 1 <= steps <= 100_000:
        raise ConfigError(
            f"curve: rate {rate:g}, {steps} steps: expected a rate above 0 and at "
            "most 0.02, and 1 to 100,000 steps; beyond, the balls jump out"
        )
    bk, rows, paths, checks = open_backend(device), [], {}, []
    for name, hill_ in _HILLS.items():
        with bk.use():
            w = bk.array(list(hill_["balls"]), "float64")
            ways = [numbers_of(bk, w)]
            for _ in range(steps):
                w = w - rate * hill_["slope"](w)
                ways.append(numbers_of(bk, w))
            ends, costs = ways[-1], numbers_of(bk, hill_["cost"](w))
            gap = _slope_gap(bk, hill_, w)
        paths[name] = [
            list(way) for way in zip(*ways[:: max(steps // 200, 1)], strict=True)
        ]
        checks.append(at_most(f"{name}: slope against a nudge", gap, 1e-8))
        balls = zip(hill_["balls"].items(), ends, costs, strict=True)
        for (start, valley_), end, cost in balls:
            at, height = hill_["minima"][valley_]
            rows.append({"curve": name, "start": start, "end": end, "cost": cost})
            checks.append(near(f"{name}: from {start:g}", end, at, 1e-4))
            checks.append(near("    its cost", cost, height, 1e-4))
    return {"balls": rows, "paths": paths, "checks": checks}


def _slope_gap(bk: Any, hill_: dict[str, Any], w: Any, h: float = 1e-5) -> float:
    """Return how far the slope is from central differences of the cost, at w."""
    nudged = (hill_["cost"](w + h) - hill_["cost"](w - h)) / (2 * h)
    return max_difference(bk.to_host(nudged), bk.to_host(hill_["slope"](w)))


def numbers_of(bk: Any, x: Any) -> list[float]:
    """Return a device array as a list of floats."""
    return bk.to_host(x).tolist()


def draw_curve(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw both curves with the balls' ways."""
    panels = []
    for name, hill_ in _HILLS.items():
        w = np.linspace(hill_["from"], hill_["to"], 400)
        ends = [np.linspace(way[0], way[-1], 100) for way in result["paths"][name]]
        ways = [(way, hill_["cost"](way)) for way in ends]  # along the curve
        panels.append((name, w, hill_["cost"](w), ways))
    title = "The start decides which minimum is found"
    return [hill(folder / "curve.png", panels, title=title)]


def surface(*, device="cpu", seed=0, x=1.0, y=1.0) -> dict[str, Any]:
    """Look round at a point of C(x, y) = 3/2 x^2 + 1/2 y^2: where is it steepest?

    Parameters
    ----------
    x : float
        Where to stand.
    y : float
        Where to stand.
    """
    if x == y == 0:
        raise ConfigError(
            "surface: x and y: at (0, 0) no way is steep; stand elsewhere"
        )
    bk = open_backend(device)

    def cost(u, v):
        return 1.5 * u * u + 0.5 * v * v

    gradient, step, nudge = (3 * x, y), 1e-4, 1e-6
    with bk.use():
        angles = bk.array([2 * pi * k / 360 for k in range(360)], "float64")
        rises = cost(x + step * bk.xp.cos(angles), y + step * bk.xp.sin(angles))
        rises = np.asarray(numbers_of(bk, rises)) - cost(x, y)
    best, length = int(np.argmax(rises)), float(np.hypot(*gradient))
    wanted = degrees(atan2(gradient[1], gradient[0])) % 360
    apart = abs((best - wanted + 180) % 360 - 180)
    by_x = (cost(x + nudge, y) - cost(x, y)) / nudge
    by_y = (cost(x, y + nudge) - cost(x, y)) / nudge
    ways = {f"rate {rate:g}": _roll(x, y, rate) for rate in (0.1, 0.3, 0.6)}
    end = float(np.hypot(*ways["rate 0.1"][-1]) / np.hypot(x, y))
    checks = [
        at_most("degrees between the two", apart, 1.0),
        near("rise that way", rises[best] / step, length, 2e-3 * length + 2e-4),
        near("fall the other way", rises.min() / step, -length, 2e-3 * length + 2e-4),
        near("rise by x against dC/dx", by_x, gradient[0], 1e-5),
        near("rise by y against dC/dy", by_y, gradient[1], 1e-5),
        at_most("what is left of the way down at rate 0.1", end, 0.02),
    ]
    return {
        "point": [x, y],
        "gradient": list(gradient),
        "its_direction_in_degrees": wanted,
        "steepest_of_360_ways": best,
        "rise_by_a_nudge_of_x": by_x,
        "rise_by_a_nudge_of_y": by_y,
        "paths": ways,
        "checks": checks,
    }


def _roll(x: float, y: float, rate: float, steps: int = 40) -> list[list[float]]:
    way = [[x, y]]
    for _ in range(steps):
        x, y = x - rate * 3 * x, y - rate * y
        way.append([x, y])
    return way


def draw_surface(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw lines of equal cost, the gradient and three ways down."""
    x, y = result["point"]
    wide, (dx, dy) = max(abs(x), abs(y)), (0.12 * g for g in result["gradient"])
    u = np.linspace(-1.25 * wide, 2.2 * wide, 200)
    v = np.linspace(-0.7 * wide, 1.4 * wide, 200)
    return [
        valley(
            folder / "surface.png",
            (u, v, 1.5 * u[None, :] ** 2 + 0.5 * v[:, None] ** 2),
            {n: tuple(zip(*way, strict=True)) for n, way in result["paths"].items()},
            title="C = 3/2 x² + 1/2 y²: three ways down, by learning rate",
            arrow=(x, y, dx, dy),
        )
    ]


def _points(seed: int, n: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy points of y = 1.5 x - 0.5, shapes (n, 1)."""
    rng = host_rng(seed, "check")
    x = rng.uniform(-1, 1, (n, 1))
    return x, 1.5 * x - 0.5 + 0.4 * rng.standard_normal((n, 1))


def paths(*, device="cpu", seed=0, rate=0.1, batch_size=4) -> dict[str, Any]:
    """Fit a line by all points a step, and by mini-batches: two ways down.

    Parameters
    ----------
    rate : float
        Learning rate.
    batch_size : int
        Of the mini-batches; it must divide 64.
    """
    if not 1 <= batch_size <= 64 or 64 % batch_size or not 0 < rate <= 0.4:
        raise ConfigError(
            f"paths: batch size {batch_size}, rate {rate:g}: expected a divisor of 64 "
            "and a rate above 0, at most 0.4"
        )
    x, y = _points(seed)
    design = np.hstack([x, np.ones_like(x)])
    best = np.linalg.lstsq(design, y, rcond=None)[0].ravel().tolist()
    some = f"batches of {batch_size}"
    sizes = {"all 64": 64, some: batch_size, "one by one": 1}
    ways = {name: _descend(x, y, n, rate, seed, device) for name, n in sizes.items()}
    net = _line_net(device)
    full = _flat(loss_and_gradients(net, x, y)[1])
    cuts = [slice(k, k + batch_size) for k in range(0, 64, batch_size)]
    parts = [_flat(loss_and_gradients(net, x[cut], y[cut])[1]) for cut in cuts]
    far = {name: float(np.hypot(*np.subtract(w[-1], best))) for name, w in ways.items()}
    formula = max_difference(ways["all 64"], _by_formula(design, y, rate, 64))
    mean = max_difference(np.mean(parts, axis=0), full)
    checks = [
        at_most("batch of all - gradient descent", formula, 1e-12),
        at_most("mean of the batches' gradients - the whole", mean, 1e-13),
    ]
    if rate == 0.1:
        checks.append(at_most("all 64: distance to the minimum", far["all 64"], 0.1))
        checks.append(at_most(f"{some}: distance", far[some], 0.5))
    return {
        "minimum": best,
        "distance_after_64_steps": far,
        "examples_seen": {name: 64 * n for name, n in sizes.items()},
        "degrees_between_batch_and_whole": [_angle(part, full) for part in parts],
        "paths": ways,
        "points": [x.ravel().tolist(), y.ravel().tolist()],
        "checks": checks,
    }


def _line_net(device):
    return network_from(
        [1, 1],
        {"0.W": [[-1.0]], "0.b": [1.0]},
        device=device,
        loss="squared_error",
    )


def _flat(grads: dict[str, Any]) -> np.ndarray:
    return np.array([grads["0.W"].item(), grads["0.b"].item()])


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    cosine = a @ b / (np.hypot(*a) * np.hypot(*b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _descend(x, y, size, rate, seed, device, steps=64) -> list[list[float]]:
    """Return (w, b) after each step of mini-batch descent."""
    net, way, left = _line_net(device), [[-1.0, 1.0]], []
    rng = host_rng(seed, "shuffle")
    for _ in range(steps):
        if not left:
            order = rng.permutation(64) if size < 64 else np.arange(64)
            left = np.split(order, 64 // size)
        rows = left.pop(0)
        _, grads = loss_and_gradients(net, x[rows], y[rows])
        with net.backend.use():
            moved = {
                name: p - rate * net.backend.array(grads[name])
                for name, p in net.params.items()
            }
        net = net.with_params(moved)
        found = to_lists(net, net.params)
        way.append([found["0.W"][0][0], found["0.b"][0]])
    return way


def _by_formula(design, y, rate, steps) -> list[list[float]]:
    w, way = np.array([-1.0, 1.0]), [[-1.0, 1.0]]
    for _ in range(steps):
        w = w - rate * 2 * design.T @ (design @ w - y.ravel()) / len(y)
        way.append(w.tolist())
    return way


def draw_paths(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw the ways through the cost of w and b."""
    x, y = map(np.array, result["points"])
    w, b = np.linspace(-1.3, 2.3, 120), np.linspace(-1.1, 1.3, 120)
    cost = np.mean((w[None, :, None] * x + b[:, None, None] - y) ** 2, axis=-1)
    ways = {
        name: tuple(zip(*way, strict=True)) for name, way in result["paths"].items()
    }
    title = "64 steps with all points, with a few, and with one"
    names = ("w", "b")
    best = tuple(result["minimum"])
    path = folder / "paths.png"
    return [valley(path, (w, b, cost), ways, title=title, labels=names, best=best)]
