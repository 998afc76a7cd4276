"""Edges and loops: detectors built by hand, and how much a neuron is like one.

3Blue1Brown hopes that hidden neurons pick up edges and loops. Such a neuron can be
built by hand: weights above zero on the stroke, below zero around it. Moved to every
position and direction, these pictures measure what a trained neuron looks for: no
edges and no loops, only loose patterns.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from ...blocks import mlp
from ...network import Network
from ...random import host_rng
from ...show.pictures import images
from ...show.plots import bars
from ...show.style import Figure
from ..checks import Result, at_least, at_most, check, check_range, rounded
from ..tools import activations
from .trained import sample, trained

SIDE = 28
_BIAS = -10.0  # the video's: fire only above a weighted sum of 10
Position = tuple[float, float]  # row, column


def edge(
    angle: float = 0.0, center: Position = (13.5, 13.5), length: float = 9.0
) -> np.ndarray:
    """Return an edge detector's weights, shape (784,): sum 0, largest 1.

    `angle` in degrees, 0 is a horizontal stroke; `center` and `length` in pixels.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.reshape(center, (2, 1, 1))
    turn = np.deg2rad(angle)
    along = columns * np.cos(turn) - rows * np.sin(turn)
    across = np.abs(columns * np.sin(turn) + rows * np.cos(turn))
    inside = np.abs(along) <= length / 2
    return _balanced(inside & (across <= 1.5), inside & (across > 1.5) & (across <= 4))


def loop(radius: float = 4.5, center: Position = (10.5, 14.0)) -> np.ndarray:
    """Return a loop detector's weights, shape (784,): a ring, cold inside and out.

    The default position is that of the upper loops of 8 and 9.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.reshape(center, (2, 1, 1))
    off = np.abs(np.hypot(rows, columns) - radius)
    return _balanced(off <= 1.25, (off > 1.25) & (off <= 3.5))


def _balanced(on: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return 1 on the stroke and below zero around it, so that the sum is 0."""
    picture = on.astype(np.float64)
    picture[around] = -on.sum() / max(around.sum(), 1)
    return picture.reshape(-1)


@lru_cache(1)
def templates() -> dict[str, np.ndarray]:
    """Return edges and loops at all positions, each of length 1, shape (n, 784)."""
    centers = [(r - 0.5, c - 0.5) for r in range(6, 23) for c in range(6, 23)]
    edges = np.stack([edge(22.5 * k, p) for k in range(8) for p in centers])
    loops = np.stack([loop(radius, p) for radius in (3.0, 4.5, 6.0) for p in centers])
    return {"edge": _of_length_1(edges), "loop": _of_length_1(loops)}


def _of_length_1(pictures: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(pictures, axis=1, keepdims=True)
    return pictures / np.where(size > 0, size, 1.0)


def similarity(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Return how much each picture (n, 784) is like its nearest edge and loop, (n,).

    The scores are cosines from -1 to 1: 1 is exactly such a detector.
    """
    units = _of_length_1(pictures)
    return {kind: np.max(units @ t.T, axis=1) for kind, t in templates().items()}


def detectors(*, device: str = "cpu", seed: int = 0, n_images: int = 10_000) -> Result:
    """Build an edge and a loop detector by hand and see what fires them."""
    net = mlp(
        [784, 2],
        output="sigmoid",
        loss="squared_error",
        weight_init=np.stack([edge(), loop()], axis=1),
        bias_init=_BIAS,
        device=device,
        dtype="float64",
    )
    sums, rows = _synthetic_rows(net)
    check_range("n_images", n_images, 100)  # some of every digit
    x, t = sample(n_images, test=True)
    loops = net.predict(x.astype(np.float64))[:, 1]
    high, low = (float(loops[np.isin(t, k)].mean()) for k in ((8, 9), (1, 7)))
    return {
        "bias": _BIAS,
        "synthetic": list(rows.values()),
        "n_test": len(x),
        "loop_activation_by_digit": rounded([loops[t == k].mean() for k in range(10)]),
        "loop_activation_8_9": round(high, 4),
        "loop_activation_1_7": round(low, 4),
        "checks": [
            at_least("edge fires on an edge", rows["edge"]["edge_output"], 0.99),
            at_most("edge on a flat image: |sum|", abs(float(sums[1, 0])), 1e-9),
            at_most("edge beside the edge", rows["edge, moved"]["edge_output"], 0.5),
            at_most("edge on a faint edge", rows["faint edge"]["edge_output"], 0.5),
            at_least("loop fires on a loop", rows["loop"]["loop_output"], 0.99),
            check("loop: 8 and 9 above 1 and 7", high, f"> {low:.4f}", high > low),
        ],
    }


def _synthetic_rows(net: Network) -> tuple[np.ndarray, dict[str, Result]]:
    """Return what both detectors make of an edge, of nothing, and of almost an edge."""
    stroke = (edge() > 0).astype(np.float64)
    pictures = {
        "edge": stroke,
        "flat image": np.ones(784),
        "edge, moved": np.roll(stroke.reshape(SIDE, SIDE), 3, axis=0).reshape(-1),
        "faint edge": 0.2 * stroke,
        "upright edge": (edge(90.0) > 0).astype(np.float64),
        "loop": (loop() > 0).astype(np.float64),
    }
    ((z, y),) = activations(net, np.stack(list(pictures.values())))
    sums = z - _BIAS
    return sums, {
        name: {"image": name}
        | {"edge_sum": rounded(sums[k, 0], 3), "edge_output": rounded(y[k, 0])}
        | {"loop_sum": rounded(sums[k, 1], 3), "loop_output": rounded(y[k, 1])}
        for k, name in enumerate(pictures)
    }


def draw_detectors(result: Result) -> dict[str, Figure]:
    """Draw the two detectors, and the loop detector's answer to each digit."""
    return {
        "detectors": images(
            np.stack([edge(), edge(45.0), loop()]),
            ["edge", "the same, turned", "loop on top"],
            title="Built by hand: orange counts for it, blue against",
            columns=3,
            signed=True,
        ),
        "detectors-digits": bars(
            list("0123456789"),
            {"loop": result["loop_activation_by_digit"]},
            title=f"How often a loop is seen on top (n = {result['n_test']:,})",
            label="mean activation",
        ),
    }


def weight_images(
    *, device: str = "cpu", seed: int = 0, n_shuffles: int = 100, **training: Any
) -> Result:
    """Score the hidden neurons' weights as edges and loops, against chance.

    n_shuffles: Shuffles of each neuron's weights that say what chance gives.
    """
    check_range("n_shuffles", n_shuffles)
    reader = trained(device, seed, **training)
    params = reader.net.params
    first = next(name for name in params if name.endswith(".W"))
    W = reader.net.backend.to_host(params[first])  # (784, n_hidden)
    inked = sample(reader.n_train)[0].max(axis=0) > 0  # the border is never seen
    pictures = np.ascontiguousarray(W.T, np.float64) * inked
    shuffled = _shuffled_scores(pictures, inked, n_shuffles, host_rng(seed, "check"))
    result = reader.facts | {"n_hidden": len(pictures), "n_shuffles": n_shuffles}
    checks = []
    for kind, scores in similarity(pictures).items():
        chance = float(np.quantile(shuffled[kind], 0.95))
        mean, largest = float(scores.mean()), float(scores.max())
        result[kind] = {
            "by_neuron": rounded(scores, 3),
            "mean": rounded(mean),
            "largest": rounded(largest),
            "shuffled_mean": rounded(shuffled[kind].mean()),
            "shuffled_95_percent": rounded(chance),
            "above_chance": int(np.sum(scores > chance)),
        }
        checks.append(at_most(f"most {kind}-like hidden neuron", largest, 0.6))
        checks.append(at_most(f"mean {kind} score", mean, 0.5))
    return result | {"_pictures": pictures, "checks": checks}


def _shuffled_scores(
    pictures: np.ndarray, inked: np.ndarray, n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the scores of weights that changed places, shape (n, units)."""
    scores = []
    for _ in range(n):
        mixed = np.zeros_like(pictures)
        mixed[:, inked] = rng.permuted(pictures[:, inked], axis=1)
        scores.append(similarity(mixed))
    return {kind: np.stack([score[kind] for score in scores]) for kind in scores[0]}


def draw_weight_images(result: Result) -> dict[str, Figure]:
    """Draw each hidden neuron's weights with its two scores."""
    pairs = zip(result["edge"]["by_neuron"], result["loop"]["by_neuron"], strict=True)
    captions = [f"edge {edge:.2f}  loop {loop:.2f}" for edge, loop in pairs]
    return {
        "weight-images": images(
            result["_pictures"][:32],
            captions[:32],
            title="Weights of the hidden neurons: orange for, blue against",
            columns=4 if len(captions) <= 16 else 8,
            signed=True,
        )
    }
