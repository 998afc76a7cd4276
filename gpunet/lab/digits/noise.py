"""What trained networks make of noise: they call it a digit without blinking."""

from pathlib import Path

import numpy as np

from ...random import host_rng
from ...show.pictures import images
from ...show.plots import histogram
from ..checks import Result, at_least, at_most, check, check_range, rounded
from .trained import trained, trained_population


def noise(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_train: int = 20_000,
    epochs: int = 6,
    n_images: int = 2000,
    n_networks: int = 10,
    weights: str | None = None,
) -> Result:
    """Show images of pure noise to trained networks: most call them digits.

    n_images: Images, each pixel drawn evenly between 0 and 1.
    n_networks: Networks, trained as one population: how sure they are differs.
    """
    check_range("n_images", n_images)
    if weights is None:
        readers = trained_population(device, seed, n_networks, n_train, epochs)
    else:
        readers = trained(device, seed, weights=weights)
    pictures = host_rng(seed, "check", 1).random((n_images, 784))
    y = readers.net.predict(pictures).reshape(-1, n_images, 10)
    real = readers.net.predict(readers.test.x).reshape(len(y), -1, 10).max(axis=-1)
    largest, winner = y.max(axis=-1), y.argmax(axis=-1)
    rows = [_row(*network) for network in zip(largest, winner, real, strict=True)]
    share = float(np.median([row["noise_above_half"] for row in rows]))
    n_digits = float(np.median([row["digits_for_90_percent"] for row in rows]))
    middle = int(np.argsort([row["noise_median"] for row in rows])[len(rows) // 2])
    return readers.facts | {
        "n_images": n_images,
        "networks": rows,
        "median_share_above_half": round(share, 4),
        "_largest": largest,
        "_real": real,
        "_pictures": pictures[:8],
        "_answers": list(zip(winner[middle, :8], largest[middle, :8], strict=True)),
        "checks": [
            check("noise called a digit with > .5", share, "> 0.5", share > 0.5),
            at_most("digits that take 90 % of the noise", n_digits, 4),
            at_least("real digits above .5", float((real > 0.5).mean()), 0.9),
        ],
    }


def _row(largest: np.ndarray, winner: np.ndarray, real: np.ndarray) -> Result:
    """Return how sure one network is of noise and of digits."""
    wins = np.bincount(winner, minlength=10)
    order = np.argsort(-wins, kind="stable")
    n_digits = int(np.searchsorted(np.cumsum(wins[order]), 0.9 * len(winner)) + 1)
    low, middle, high = rounded(np.quantile(largest, (0.05, 0.5, 0.95)), 3)
    return {
        "noise_above_half": round(float((largest > 0.5).mean()), 4),
        "noise_5_percent": low,
        "noise_median": middle,
        "noise_95_percent": high,
        "digits_median": round(float(np.median(real)), 3),
        "mostly_called": int(order[0]),
        "digits_for_90_percent": n_digits,
    }


def draw_noise(result: Result, folder: Path) -> list[Path]:
    """Draw how sure the networks are of noise and of digits, and some noise."""
    n = len(result["networks"])
    outputs = {"pure noise": result["_largest"], "real digits": result["_real"]}
    return [
        histogram(
            folder / "noise.png",
            {name: output.reshape(-1) for name, output in outputs.items()},
            title="How sure of what it sees" + (f", {n} networks" if n > 1 else ""),
            label="largest of the ten outputs",
            mark=(0.5, "half"),
        ),
        images(
            folder / "noise-images.png",
            result["_pictures"],
            [f'"{digit}": {output:.2f}' for digit, output in result["_answers"]],
            title="Pure noise, and what a network says it is",
            columns=4,
        ),
    ]
