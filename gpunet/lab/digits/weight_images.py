"""What a trained network looks for, and what it makes of noise.

3Blue1Brown opens the network and finds no edges and no loops in its hidden
neurons, only loose patterns; and shows it noise, which it calls a digit without
blinking. Both are measured here against what chance would give.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...random import host_rng
from ...show.pictures import images
from ...show.plots import histogram
from ..checks import at_least, at_most, check, check_range, rounded
from .detectors import likeness, templates
from .trained import crowd, first_weights, sample, trained


def weight_images(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_shuffles: int = 100,
    **training: Any,
) -> dict[str, Any]:
    """Score the hidden neurons' weights as edges and loops, against chance.

    Parameters
    ----------
    n_shuffles : int
        Shuffles of each neuron's weights that say what chance gives.
    **training
        How the network is trained, or which one is taken: see `trained`.
    """
    check_range("n_shuffles", n_shuffles)
    it = trained(device, seed, **training)
    pictures = first_weights(it.net)
    inked = sample(it.n_train)[0].max(axis=0) > 0  # the border is never seen
    pictures = pictures * inked
    scores = likeness(pictures)
    chance = _shuffled(pictures, inked, n_shuffles, host_rng(seed, "check"))
    built = likeness(np.stack([templates()["edge"][30], templates()["loop"][30]]))
    result = it.facts | {"n_hidden": len(pictures), "n_shuffles": n_shuffles}
    checks = []
    for kind, mine in scores.items():
        bar = float(np.quantile(chance[kind], 0.95))
        result[kind] = {
            "by_neuron": rounded(mine, 3),
            "mean": round(float(mine.mean()), 4),
            "largest": round(float(mine.max()), 4),
            "shuffled_mean": round(float(chance[kind].mean()), 4),
            "shuffled_95_percent": round(bar, 4),
            "above_chance": int(np.sum(mine > bar)),
        }
        hand = float(built[kind][0 if kind == "edge" else 1])
        checks += [
            at_least(f"a hand-built {kind} scores", hand, 0.99),
            at_most(f"most {kind}-like hidden neuron", float(mine.max()), 0.6),
            at_most(f"mean {kind} score", float(mine.mean()), 0.5),
        ]
    return result | {"_pictures": pictures, "checks": checks}


def _shuffled(pictures, inked, n, rng) -> dict[str, np.ndarray]:
    """Return the scores of weights whose places were shuffled, shape (n, units)."""
    scores: dict[str, list] = {"edge": [], "loop": []}
    for _ in range(n):
        mixed = np.zeros_like(pictures)
        mixed[:, inked] = rng.permuted(pictures[:, inked], axis=1)
        for kind, found in likeness(mixed).items():
            scores[kind].append(found)
    return {kind: np.stack(found) for kind, found in scores.items()}


def draw_weight_images(result: dict, folder: Path) -> list[Path]:
    """Draw each hidden neuron's weights with its two scores."""
    pairs = zip(result["edge"]["by_neuron"], result["loop"]["by_neuron"], strict=True)
    captions = [f"edge {e:.2f}  loop {c:.2f}" for e, c in pairs]
    title = "Weights of the hidden neurons: orange for, blue against"
    return [
        images(
            folder / "weight-images.png",
            result["_pictures"][:32],
            captions[:32],
            title=title,
            columns=4 if len(captions) <= 16 else 8,
            signed=True,
        )
    ]


def noise(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_train: int = 20_000,
    epochs: int = 6,
    n_images: int = 2000,
    n_networks: int = 10,
    weights: str | None = None,
) -> dict[str, Any]:
    """Show images of pure noise to trained networks: most call them digits.

    Parameters
    ----------
    n_train : int
        Training digits.
    epochs : int
        Times through the training digits.
    n_images : int
        Images, each pixel drawn evenly between 0 and 1.
    n_networks : int
        Networks, trained as one population: how sure they are differs.
    weights : path
        Published weights (JSON, npz) or a model file to look into instead.
    """
    check_range("n_images", n_images)
    it = (
        crowd(device, seed, n_networks, n_train, epochs)
        if weights is None
        else trained(device, seed, weights=weights)
    )
    pictures = host_rng(seed, "check", 1).random((n_images, 784))
    y = it.net.predict(pictures).reshape(-1, n_images, 10)
    real = it.net.predict(it.data.test.x).reshape(len(y), -1, 10).max(axis=-1)
    largest, winner = y.max(axis=-1), y.argmax(axis=-1)
    rows = [_one_network(*each) for each in zip(largest, winner, real, strict=True)]
    sure = float(np.median([row["noise_above_half"] for row in rows]))
    few = float(np.median([row["digits_for_90_percent"] for row in rows]))
    middle = int(np.argsort([row["noise_median"] for row in rows])[len(rows) // 2])
    return it.facts | {
        "n_images": n_images,
        "networks": rows,
        "median_share_above_half": round(sure, 4),
        "_largest": largest,
        "_real": real,
        "_pictures": pictures[:8],
        "_says": [[int(k) for k in winner[middle, :8]], largest[middle, :8].tolist()],
        "checks": [
            check("noise called a digit with > .5", sure, "> 0.5", sure > 0.5),
            at_most("digits that take 90 % of the noise", few, 4),
            at_least("real digits above .5", float((real > 0.5).mean()), 0.9),
        ],
    }


def _one_network(largest, winner, real) -> dict[str, Any]:
    wins = np.bincount(winner, minlength=10)
    order = np.argsort(-wins, kind="stable")
    few = int(np.searchsorted(np.cumsum(wins[order]), 0.9 * len(winner)) + 1)
    low, middle, high = np.quantile(largest, (0.05, 0.5, 0.95)).tolist()
    return {
        "noise_above_half": round(float((largest > 0.5).mean()), 4),
        "noise_5_percent": round(low, 3),
        "noise_median": round(middle, 3),
        "noise_95_percent": round(high, 3),
        "digits_median": round(float(np.median(real)), 3),
        "mostly_called": int(order[0]),
        "digits_for_90_percent": few,
    }


def draw_noise(result: dict, folder: Path) -> list[Path]:
    """Draw how sure the networks are of noise and of digits, and some noise."""
    n = len(result["networks"])
    crowd_of = f", {n} networks" if n > 1 else ""
    sure = histogram(
        folder / "noise.png",
        {
            "pure noise": result["_largest"].reshape(-1),
            "real digits": result["_real"].reshape(-1),
        },
        title=f"How sure of what it sees{crowd_of}",
        label="largest of the ten outputs",
        mark=(0.5, "half"),
    )
    said = zip(*result["_says"], strict=True)
    some = images(
        folder / "noise-images.png",
        result["_pictures"],
        [f'"{k}": {a:.2f}' for k, a in said],
        title="Pure noise, and what a network says it is",
        columns=4,
    )
    return [sure, some]
