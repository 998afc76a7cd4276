"""Downhill: the cost as a landscape of one and two dimensions.

3Blue1Brown's second chapter: a ball rolls to the minimum its start decides, and a
mini-batch takes quick, drunken steps in about the direction of steepest descent.
"""

from math import atan2, degrees, dist, pi
from typing import Any

import numpy as np

from ...backend import open_backend
from ...errors import ConfigError
from ...network import Network
from ...optimizers import SGD
from ...random import host_rng
from ...show.descent_plots import cost_contours, cost_curves
from ...show.style import Figure
from ..checks import Result, at_most, check_range, near
from ..tools import (
    descend,
    flat,
    loss_and_gradient,
    max_difference,
    network_from,
    to_lists,
)

# The video's curves, C and dC/dw, with where balls start and must come to rest.
_CURVES: dict[str, Any] = {
    "three valleys": {
        "cost": lambda w: 0.05 * _cubic(w) ** 2 + 2 + 0.3 * (w - 3),
        "slope": lambda w: 0.1 * _cubic(w) * (3 * w * w - 4 * w - 5) + 0.3,
        "minima": [(-2.0131, 0.49803), (0.9196, 1.3878), (2.9679, 1.99529)],
        "balls": {-3.0: 0, -0.7: 1, 0.0: 1, 2.2: 1, 4.0: 2},
        **{"from": -3.2, "to": 4.2},
    },
    "two valleys": {
        "cost": lambda w: 0.03 * (w**4 - 16 * w * w) + 0.3 * w + 4,
        "slope": lambda w: 0.03 * (4 * w * w * w - 32 * w) + 0.3,
        "minima": [(-2.9733, 1.2092), (2.6569, 2.90363)],
        "balls": {-4.2: 0, -0.5: 0, 1.0: 1, 4.2: 1},
        **{"from": -4.4, "to": 4.4},
    },
}


def _cubic(w: Any) -> Any:
    return (w + 2) * (w - 1) * (w - 3)


def curve(
    *, device: str = "cpu", seed: int = 0, rate: float = 0.005, steps: int = 2000
) -> Result:
    """Roll balls down two curves: the start decides which minimum is found.

    rate: Learning rate: how far a ball moves for a slope of 1.
    steps: Steps of each ball.
    """
    check_range("rate", rate, 0, 0.02, above=True)  # beyond, the balls jump out
    check_range("steps", steps, 1, 100_000)
    bk, rows, paths, checks = open_backend(device), [], {}, []
    for name, c in _CURVES.items():
        with bk.use():
            w = bk.array(list(c["balls"]), "float64")
            path = [bk.to_host(w)]
            for _ in range(steps):
                w = w - rate * c["slope"](w)
                path.append(bk.to_host(w))
            w, h = path[-1], 1e-5
        nudged = (c["cost"](w + h) - c["cost"](w - h)) / (2 * h)
        gap = max_difference(nudged, c["slope"](w))
        paths[name] = np.transpose(path[:: max(steps // 200, 1)]).tolist()
        checks.append(at_most(f"{name}: slope against a nudge", gap, 1e-8))
        balls = zip(c["balls"].items(), w.tolist(), c["cost"](w).tolist(), strict=True)
        for (start, valley), end, cost in balls:
            bottom, height = c["minima"][valley]
            rows.append({"curve": name, "start": start, "end": end, "cost": cost})
            checks.append(near(f"{name}: from {start:g}", end, bottom, 1e-4))
            checks.append(near("    its cost", cost, height, 1e-4))
    return {"balls": rows, "paths": paths, "checks": checks}


def draw_curve(result: Result) -> dict[str, Figure]:
    """Draw both curves with the balls' paths."""
    panels = []
    for name, c in _CURVES.items():
        w = np.linspace(c["from"], c["to"], 400)
        paths = [np.linspace(p[0], p[-1], 100) for p in result["paths"][name]]
        along = [(path, c["cost"](path)) for path in paths]
        panels.append((name, w, c["cost"](w), along))
    title = "The start decides which minimum is found"
    return {"curve": cost_curves(panels, title=title)}


def surface(
    *, device: str = "cpu", seed: int = 0, x: float = 1.0, y: float = 1.0
) -> Result:
    """Look round at a point of C(x, y) = 3/2 x^2 + 1/2 y^2: where is it steepest?

    x, y: The point.
    """
    if x == y == 0:
        raise ConfigError(
            "surface: x and y must not both be 0, where no direction is steep; "
            "choose another point"
        )
    bk = open_backend(device)
    (dx, dy), step, nudge = (3 * x, y), 1e-4, 1e-6
    with bk.use():
        angles = bk.array([2 * pi * k / 360 for k in range(360)], "float64")
        rises = _bowl(x + step * bk.xp.cos(angles), y + step * bk.xp.sin(angles))
        rises = bk.to_host(rises) - _bowl(x, y)
    steepest, length = int(np.argmax(rises)), float(np.hypot(dx, dy))
    direction = degrees(atan2(dy, dx)) % 360
    angle = abs((steepest - direction + 180) % 360 - 180)
    by_x = (_bowl(x + nudge, y) - _bowl(x, y)) / nudge
    by_y = (_bowl(x, y + nudge) - _bowl(x, y)) / nudge
    paths = {f"rate {rate:g}": _roll(x, y, rate) for rate in (0.1, 0.3, 0.6)}
    last_x, last_y = paths["rate 0.1"][-1]
    end = float(np.hypot(last_x, last_y) / np.hypot(x, y))
    tolerance = 2e-3 * length + 2e-4
    return {
        "point": [x, y],
        "gradient": [dx, dy],
        "its_direction_in_degrees": direction,
        "steepest_of_360_ways": steepest,
        "rise_by_a_nudge_of_x": by_x,
        "rise_by_a_nudge_of_y": by_y,
        "paths": paths,
        "checks": [
            at_most("degrees between the two", angle, 1.0),
            near("rise that way", rises[steepest] / step, length, tolerance),
            near("fall the other way", rises.min() / step, -length, tolerance),
            near("rise by x against dC/dx", by_x, dx, 1e-5),
            near("rise by y against dC/dy", by_y, dy, 1e-5),
            at_most("what is left of the way down at rate 0.1", end, 0.02),
        ],
    }


def _bowl(x: Any, y: Any) -> Any:
    return 1.5 * x * x + 0.5 * y * y


def _roll(x: float, y: float, rate: float, steps: int = 40) -> list[list[float]]:
    path = [[x, y]]
    for _ in range(steps):
        x, y = path[-1]
        path.append([x - rate * 3 * x, y - rate * y])
    return path


def draw_surface(result: Result) -> dict[str, Figure]:
    """Draw lines of equal cost, the gradient and three ways down."""
    x, y = result["point"]
    wide, (dx, dy) = max(abs(x), abs(y)), (0.12 * g for g in result["gradient"])
    u = np.linspace(-1.25 * wide, 2.2 * wide, 200)
    v = np.linspace(-0.7 * wide, 1.4 * wide, 200)
    return {
        "surface": cost_contours(
            (u, v, 1.5 * u[None, :] ** 2 + 0.5 * v[:, None] ** 2),
            result["paths"],
            title="C = 3/2 x² + 1/2 y²: three ways down, by learning rate",
            arrow=(x, y, dx, dy),
        )
    }


def paths(
    *, device: str = "cpu", seed: int = 0, rate: float = 0.1, batch_size: int = 4
) -> Result:
    """Fit a line by all points a step, and by mini-batches: two ways down.

    batch_size: Of the mini-batches; it must divide 64.
    """
    check_range("rate", rate, 0, 0.4, above=True)
    check_range("batch_size", batch_size, 1, 64)
    if 64 % batch_size:
        raise ConfigError(f"paths: batch_size must divide 64, got {batch_size}")
    rng = host_rng(seed, "check")
    x = rng.uniform(-1, 1, (64, 1))
    y = 1.5 * x - 0.5 + 0.4 * rng.standard_normal((64, 1))
    design = np.hstack([x, np.ones_like(x)])
    best = np.linalg.lstsq(design, y, rcond=None)[0].ravel().tolist()
    batches = f"batches of {batch_size}"
    sizes = {"all 64": 64, batches: batch_size, "one by one": 1}
    ways = {name: _descend(x, y, n, rate, seed, device) for name, n in sizes.items()}
    net = _line_network(device)
    whole = loss_and_gradient(net, x, y)[1]
    cuts = [slice(k, k + batch_size) for k in range(0, 64, batch_size)]
    parts = [loss_and_gradient(net, x[cut], y[cut])[1] for cut in cuts]
    distance = {name: dist(way[-1], best) for name, way in ways.items()}
    formula = max_difference(ways["all 64"], _by_formula(design, y, rate, 64))
    mean = max_difference(np.mean(parts, axis=0), whole)
    checks = [
        at_most("batch of all - gradient descent", formula, 1e-12),
        at_most("mean of the batches' gradients - the whole", mean, 1e-13),
    ]
    if rate == 0.1:
        checks += [
            at_most("all 64: distance to the minimum", distance["all 64"], 0.1),
            at_most(f"{batches}: distance", distance[batches], 0.5),
        ]
    return {
        "minimum": best,
        "distance_after_64_steps": distance,
        "examples_seen": {name: 64 * n for name, n in sizes.items()},
        "degrees_between_batch_and_whole": [_angle(part, whole) for part in parts],
        "paths": ways,
        "points": [x.ravel().tolist(), y.ravel().tolist()],
        "checks": checks,
    }


def _line_network(device: str) -> Network:
    params = {"0.W": [[-1.0]], "0.b": [1.0]}
    return network_from([1, 1], params, device, loss="squared_error")


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Return the angle between two gradients, in degrees."""
    cosine = a @ b / (np.hypot(*a) * np.hypot(*b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _descend(
    x: np.ndarray, y: np.ndarray, size: int, rate: float, seed: int, device: str
) -> list[list[float]]:
    """Return (w, b) after each of 64 steps of mini-batch descent."""
    net, rng = _line_network(device), host_rng(seed, "shuffle")
    path: list[list[float]] = [[-1.0, 1.0]]
    batches: list[np.ndarray] = []
    for _ in range(64):
        if not batches:
            order = rng.permutation(64) if size < 64 else np.arange(64)
            batches = np.split(order, 64 // size)
        rows = batches.pop(0)
        descend(net, x[rows], y[rows], SGD(rate), 1)
        path.append(flat(to_lists(net, net.params).values()).tolist())
    return path


def _by_formula(
    design: np.ndarray, y: np.ndarray, rate: float, steps: int
) -> list[list[float]]:
    """Return (w, b) after each step of descent by the formula of the gradient."""
    w, path = np.array([-1.0, 1.0]), [[-1.0, 1.0]]
    for _ in range(steps):
        w = w - rate * 2 * design.T @ (design @ w - y.ravel()) / len(y)
        path.append(w.tolist())
    return path


def draw_paths(result: Result) -> dict[str, Figure]:
    """Draw the ways through the cost of w and b."""
    x, y = map(np.array, result["points"])
    w, b = np.linspace(-1.3, 2.3, 120), np.linspace(-1.1, 1.3, 120)
    cost = np.mean((w[None, :, None] * x + b[:, None, None] - y) ** 2, axis=-1)
    return {
        "paths": cost_contours(
            (w, b, cost),
            result["paths"],
            title="64 steps with all points, with a few, and with one",
            labels=("w", "b"),
            best=tuple(result["minimum"]),
        )
    }
