"""Where descent ends: many starts of one network, their losses as a histogram.

Choromanska et al., "The Loss Surfaces of Multilayer Networks" (2015), train one
hidden layer of 25 to 500 neurons on digits of 10 x 10 pixels, from 1,000 starts
each: the wider the network, the closer the losses are together, and the less the
training loss says about the test loss. The small form uses 200 starts of narrower
networks; each width is one population. With larger numbers the same code is the
paper's protocol.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...optimizers import SGD
from ...show.plots import bands, histogram
from ...training import evaluate, fit
from ..checks import Result, check, check_range, rounded
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
) -> Result:
    """Train many starts of one network and see how close their losses end.

    widths: Neurons of the hidden layer, from narrow to wide.
    n_starts: Starts of each width, one population.
    side: Pixels along a side, after averaging.
    """
    check_range("n_starts", n_starts, 3)
    check_range("side", side, 1, 28)
    data = [sample(n_train), sample(n_test, test=True)]
    data = [(shrunk(x, side), t) for x, t in data]
    training: Any = {"optimizer": SGD(0.5), "schedule": "exponential:0.95"}
    training |= {"epochs": epochs, "batch_size": 50, "compute_metrics": False}
    rows, losses = [], {}
    for width in widths:
        sizes = [side * side, width, 10]
        net = mlp(sizes, seed=seed, population=n_starts, device=device)
        fit(net, data[0], **training)
        train, test = (np.array(evaluate(net, part)["loss"]) for part in data)
        losses[width] = test
        rows.append({"width": width} | _row(train, test))
        print(f"width {width}: {n_starts} starts done", file=sys.stderr)
    return {
        "n_train": n_train,
        "n_test": n_test,
        "pixels": side * side,
        "starts_of_each_width": n_starts,
        "widths": rows,
        "_losses": losses,
        "checks": _checks(rows[0], rows[-1]) if len(rows) > 1 else [],
    }


def _row(train: np.ndarray, test: np.ndarray) -> Result:
    """Return how the losses of one width are spread, in training and test."""
    row: Result = {}
    for name, losses in (("train", train), ("test", test)):
        row[f"{name}_mean"] = rounded(losses.mean())
        row[f"{name}_sd"] = rounded(losses.std(ddof=1), 5)
    return row | {"correlation": rounded(np.corrcoef(train, test)[0, 1])}


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


def _checks(narrowest: Result, widest: Result) -> list[Result]:
    """Return the checks that the widest differs in the paper's direction."""
    checks = []
    for what, key, factor in (
        ("spread of the test loss (sd), widest", "test_sd", 0.5),
        ("spread of the training loss (sd), widest", "train_sd", 0.5),
        ("train/test correlation, widest", "correlation", 1.0),
        ("mean test loss, widest", "test_mean", 1.0),
    ):
        limit = factor * narrowest[key]
        target = f"< {limit:.4g} ({factor:g} x narrowest)"
        checks.append(check(what, widest[key], target, widest[key] < limit))
    return checks


def draw_surfaces(result: Result, folder: Path) -> list[Path]:
    """Draw the losses of all starts by width, and what one says of the other."""
    n, rows = result["starts_of_each_width"], result["widths"]
    widths = [row["width"] for row in rows]
    return [
        histogram(
            folder / "surfaces.png",
            {f"{width} neurons": loss for width, loss in result["_losses"].items()},
            title=f"Where {n} starts end: the wider, the closer together",
            label=f"loss on {result['n_test']:,} test digits",
            bins=60,
        ),
        bands(
            folder / "surfaces-correlation.png",
            {"correlation": (widths, [row["correlation"] for row in rows])},
            title="The wider, the less the training loss says of the test loss",
            x_label="hidden neurons",
            y_label="correlation over the starts",
            log="x",
            x_ticks=widths,
        ),
    ]
