"""Edges and loops: detectors built by hand, and how much a neuron is like one.

3Blue1Brown hopes that hidden neurons pick up edges and loops. Such a neuron can
be built: weights above zero on the stroke, below zero around it, zero elsewhere,
adding up to zero so that a flat image leaves it cold. Slid over all places and
directions, these pictures also measure what a trained neuron looks for: the
cosine between its weights and the nearest of them.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...show.pictures import images
from ...show.plots import bars
from ..checks import at_least, at_most, check, check_range, rounded
from .trained import sample

SIDE = 28
_BAR = -10.0  # the video's bias: fire only above a weighted sum of 10


def edge(
    angle: float = 0.0, place: tuple[float, float] = (13.5, 13.5), length: float = 9.0
) -> np.ndarray:
    """Return an edge detector's weights, shape (784,): sum 0, largest 1.

    Parameters
    ----------
    angle : float
        Degrees; 0 is a horizontal stroke.
    place : (row, column) of its middle
    length : float, pixels
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.reshape(place, (2, 1, 1))
    turn = np.deg2rad(angle)
    along = columns * np.cos(turn) - rows * np.sin(turn)
    across = np.abs(columns * np.sin(turn) + rows * np.cos(turn))
    inside = np.abs(along) <= length / 2
    return _balanced(inside & (across <= 1.5), inside & (across > 1.5) & (across <= 4))


def loop(radius: float = 4.5, place: tuple[float, float] = (10.5, 14.0)) -> np.ndarray:
    """Return a loop detector's weights, shape (784,): a ring, cold inside and out.

    It stands where the upper loops of 8 and 9 lie.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.reshape(place, (2, 1, 1))
    off = np.hypot(rows, columns) - radius
    return _balanced(np.abs(off) <= 1.25, (np.abs(off) > 1.25) & (np.abs(off) <= 3.5))


def _balanced(on: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return 1 on the stroke and below zero around it, so that the sum is 0."""
    picture = on.astype(np.float64)
    picture[around] = -on.sum() / max(around.sum(), 1)
    return picture.reshape(-1)


@lru_cache(1)
def templates() -> dict[str, np.ndarray]:
    """Return edges and loops over all places, each of length 1, shape (n, 784)."""
    places = [(r - 0.5, c - 0.5) for r in range(6, 23) for c in range(6, 23)]
    edges = [edge(22.5 * k, p) for k in range(8) for p in places]
    loops = [loop(radius, p) for radius in (3.0, 4.5, 6.0) for p in places]
    found = {"edge": np.stack(edges), "loop": np.stack(loops)}
    return {k: v / np.linalg.norm(v, axis=1, keepdims=True) for k, v in found.items()}


def likeness(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Return how much each picture is like its nearest edge and loop.

    Parameters
    ----------
    pictures : array, shape (n, 784)

    Returns
    -------
    scores : dict of "edge" and "loop" to arrays, shape (n,)
        Cosines from -1 to 1: 1 is exactly such a detector.
    """
    size = np.linalg.norm(pictures, axis=1, keepdims=True)
    units = pictures / np.where(size > 0, size, 1.0)
    return {kind: np.max(units @ t.T, axis=1) for kind, t in templates().items()}


def detectors(
    *, device: str = "cpu", seed: int = 0, n_images: int = 10_000
) -> dict[str, Any]:
    """Build an edge and a loop detector by hand and see what fires them.

    Parameters
    ----------
    n_images : int
        Test digits shown to the loop detector.
    """
    net = mlp(
        [784, 2],
        output="sigmoid",
        loss="squared_error",
        weights=np.stack([edge(), loop()], axis=1),
        biases=_BAR,
        device=device,
        dtype="float64",
    )
    shown = _synthetic()
    pictures = np.stack(list(shown.values()))
    sums, fired = _weighted_sums(net, pictures), net.predict(pictures)
    check_range("n_images", n_images, 100)  # some of every digit
    x, t = sample(n_images, test=True)
    activation = net.predict(x.astype(np.float64))[:, 1]
    by_digit = [float(activation[t == k].mean()) for k in range(10)]
    high, low = (float(activation[np.isin(t, k)].mean()) for k in ((8, 9), (1, 7)))
    table = [_row(*each) for each in zip(shown, sums, fired, strict=True)]
    rows = {row["image"]: row for row in table}
    return {
        "bias": _BAR,
        "synthetic": table,
        "n_test": len(x),
        "loop_activation_by_digit": rounded(by_digit),
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


def _row(name, sums, fired) -> dict[str, Any]:
    return {
        "image": name,
        "edge_sum": round(float(sums[0]), 3),
        "edge_output": round(float(fired[0]), 4),
        "loop_sum": round(float(sums[1]), 3),
        "loop_output": round(float(fired[1]), 4),
    }


def _synthetic() -> dict[str, np.ndarray]:
    stroke = (edge() > 0).astype(np.float64)
    return {
        "edge": stroke,
        "flat image": np.ones(784),
        "edge, moved": np.roll(stroke.reshape(SIDE, SIDE), 3, axis=0).reshape(-1),
        "faint edge": 0.2 * stroke,
        "upright edge": (edge(90.0) > 0).astype(np.float64),
        "loop": (loop() > 0).astype(np.float64),
    }


def _weighted_sums(net: Any, x: np.ndarray) -> np.ndarray:
    """Return w . a for each image and detector, without the bias, on the host."""
    bk = net.backend
    with bk.use():
        _, caches = net.forward(bk.view(x, "float64"))
        z, _ = caches[1]
        return bk.to_host(z) - _BAR


def draw_detectors(result: dict, folder: Path) -> list[Path]:
    """Draw the two detectors, and the loop detector's answer to each digit."""
    pair = images(
        folder / "detectors.png",
        np.stack([edge(), edge(45.0), loop()]),
        ["edge", "the same, turned", "loop on top"],
        title="Built by hand: orange counts for it, blue against",
        columns=3,
        signed=True,
    )
    chart = bars(
        folder / "detectors-digits.png",
        list("0123456789"),
        {"loop": result["loop_activation_by_digit"]},
        title=f"How often a loop is seen on top (n = {result['n_test']:,})",
        label="mean activation",
    )
    return [pair, chart]
