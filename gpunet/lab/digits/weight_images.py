"""What a trained network looks for: no edges and no loops, only loose patterns.

3Blue1Brown looks into the network's hidden neurons for edges and loops; here both
are measured against what chance would give.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...random import host_rng
from ...show.pictures import images
from ..checks import Result, at_most, check_range, rounded
from .detectors import similarity
from .trained import sample, trained


def weight_images(
    *, device: str = "cpu", seed: int = 0, n_shuffles: int = 100, **training: Any
) -> Result:
    """Score the hidden neurons' weights as edges and loops, against chance.

    n_shuffles: Shuffles of each neuron's weights that say what chance gives.
    """
    check_range("n_shuffles", n_shuffles)
    reader = trained(device, seed, **training)
    net = reader.net
    first = next(name for name in net.params if name.endswith(".W"))
    W = net.backend.to_host(net.params[first])  # (784, n_hidden)
    inked = sample(reader.n_train)[0].max(axis=0) > 0  # the border is never seen
    pictures = np.ascontiguousarray(W.T, np.float64) * inked
    shuffled = _shuffled_scores(pictures, inked, n_shuffles, host_rng(seed, "check"))
    result = reader.facts | {"n_hidden": len(pictures), "n_shuffles": n_shuffles}
    checks = []
    for kind, scores in similarity(pictures).items():
        chance = float(np.quantile(shuffled[kind], 0.95))
        mean, largest = float(scores.mean()), float(scores.max())
        numbers = {
            "mean": mean,
            "largest": largest,
            "shuffled_mean": float(shuffled[kind].mean()),
            "shuffled_95_percent": chance,
            "above_chance": int(np.sum(scores > chance)),
        }
        result[kind] = {"by_neuron": rounded(scores, 3)} | rounded(numbers)
        checks.append(at_most(f"most {kind}-like hidden neuron", largest, 0.6))
        checks.append(at_most(f"mean {kind} score", mean, 0.5))
    return result | {"_pictures": pictures, "checks": checks}


def _shuffled_scores(
    pictures: np.ndarray, inked: np.ndarray, n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the scores of weights that changed places, shape (n, units)."""
    scores: dict[str, list] = {"edge": [], "loop": []}
    for _ in range(n):
        mixed = np.zeros_like(pictures)
        mixed[:, inked] = rng.permuted(pictures[:, inked], axis=1)
        for kind, score in similarity(mixed).items():
            scores[kind].append(score)
    return {kind: np.stack(rows) for kind, rows in scores.items()}


def draw_weight_images(result: Result, folder: Path) -> list[Path]:
    """Draw each hidden neuron's weights with its two scores."""
    pairs = zip(result["edge"]["by_neuron"], result["loop"]["by_neuron"], strict=True)
    captions = [f"edge {edge:.2f}  loop {loop:.2f}" for edge, loop in pairs]
    return [
        images(
            folder / "weight-images.png",
            result["_pictures"][:32],
            captions[:32],
            title="Weights of the hidden neurons: orange for, blue against",
            columns=4 if len(captions) <= 16 else 8,
            signed=True,
        )
    ]
