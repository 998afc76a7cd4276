"""Where descent ends: many starts of one network, their losses as a histogram.

Choromanska et al., "The Loss Surfaces of Multilayer Networks" (2015), train one
hidden layer of 25 to 500 neurons on digits of 10 x 10 pixels, from 1,000 starts
each: the wider the network, the closer the losses lie together, and the less does
the training loss say about the test loss. The small form takes 200 starts of
narrower networks; each width is one population. With larger numbers the same code
is the paper's protocol.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...optimizers import SGD
from ...show.plots import bands, histogram
from ...training import evaluate, fit
from ..checks import check, check_range
from ..digits.trained import sample


def surfaces(
    *,
    device: str = "cpu",
    seed: int = 0,
    widths: tuple[int, ...] = (5, 10, 25, 50),
    n_starts: int = 200,
    n_train: int = 1000,
    n_test: int = 2000,
    epochs: int = 30,
    side: int = 10,
) -> dict[str, Any]:
    """Train many starts of one network and see how close their losses end.

    Parameters
    ----------
    widths : numbers
        Neurons of the hidden layer, from narrow to wide.
    n_starts : int
        Starts of each width, one population.
    n_train : int
        Training digits.
    n_test : int
        Test digits.
    epochs : int
        Times through the training digits.
    side : int
        Pixels along a side, after averaging.
    """
    check_range("n_starts", n_starts, 3)
    check_range("side", side, 1, 28)
    (x, t), (unseen, answers) = sample(n_train), sample(n_test, test=True)
    x, unseen = shrunk(x, side), shrunk(unseen, side)
    rows, losses = [], {}
    for width in widths:
        sizes = [side * side, width, 10]
        net = mlp(sizes, seed=seed, population=n_starts, device=device)
        falling = {"optimizer": SGD(0.5), "schedule": "exponential:0.95"}
        fit(net, (x, t), epochs=epochs, batch_size=50, track=False, **falling)
        parts = (x, t), (unseen, answers)
        train, test = (np.array(evaluate(net, part)["loss"]) for part in parts)
        losses[width] = (train, test)
        rows.append(_row(width, train, test))
        print(f"width {width}: {n_starts} starts done", file=sys.stderr)
    return {
        "n_train": len(x),
        "n_test": len(unseen),
        "pixels": side * side,
        "starts_of_each_width": n_starts,
        "widths": rows,
        "_losses": losses,
        "checks": _checks(rows),
    }


def _row(width: int, train: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    return {
        "width": width,
        "train_mean": round(float(train.mean()), 4),
        "train_sd": round(float(train.std(ddof=1)), 5),
        "test_mean": round(float(test.mean()), 4),
        "test_sd": round(float(test.std(ddof=1)), 5),
        "correlation": round(float(np.corrcoef(train, test)[0, 1]), 4),
    }


def shrunk(x: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of 28 x 28 averaged over areas, shape (n, side * side).

    Examples
    --------
    >>> float(shrunk(np.ones((1, 784)), 10).min().round(12))
    1.0
    """
    ends = np.linspace(0, 28, side + 1)
    pixel = np.arange(28)
    low = np.maximum(ends[:-1, None], pixel)
    high = np.minimum(ends[1:, None], pixel + 1)
    share = np.maximum(high - low, 0) * side / 28  # (side, 28): of each pixel's area
    pictures = share @ x.reshape(-1, 28, 28).astype(np.float64) @ share.T
    return pictures.reshape(len(x), -1)


def _checks(rows: list[dict]) -> list[dict]:
    """Return: widest against narrowest, in the paper's direction."""
    first, last = rows[0], rows[-1]
    if len(rows) < 2:
        return []
    found = []
    for what, key, factor in (
        ("spread of the test loss (sd), widest", "test_sd", 0.5),
        ("spread of the training loss (sd), widest", "train_sd", 0.5),
        ("train/test correlation, widest", "correlation", 1.0),
        ("mean test loss, widest", "test_mean", 1.0),
    ):
        bar = factor * first[key]
        wanted = f"< {bar:.4g} ({factor:g} x narrowest)"
        found.append(check(what, last[key], wanted, last[key] < bar))
    return found


def draw_surfaces(result: dict, folder: Path) -> list[Path]:
    """Draw the losses of all starts by width, and what one says of the other."""
    groups = {f"{w} neurons": test for w, (_, test) in result["_losses"].items()}
    n = result["starts_of_each_width"]
    first = histogram(
        folder / "surfaces.png",
        groups,
        title=f"Where {n} starts end: the wider, the closer together",
        label=f"loss on {result['n_test']:,} test digits",
        bins=60,
    )
    rows = result["widths"]
    at = [r["width"] for r in rows]
    second = bands(
        folder / "surfaces-correlation.png",
        {"correlation": (at, [r["correlation"] for r in rows])},
        title="The wider, the less the training loss says of the test loss",
        x_label="hidden neurons",
        y_label="correlation over the starts",
        log="x",
        x_ticks=at,
    )
    return [first, second]
