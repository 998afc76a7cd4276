"""Where descent ends: many starts of one network, their losses as a histogram.

Choromanska et al., "The Loss Surfaces of Multilayer Networks" (2015): the wider the
network, the closer its losses are together, and the less the training loss says about
the test loss. They train 25 to 500 hidden neurons from 1,000 starts each; here 200
starts of narrower networks are one population for each width.
"""

import sys
from typing import Any

import numpy as np

from ...blocks import mlp
from ...optimizers import SGD
from ...show.plots import bands, histogram
from ...show.style import Figure
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
    samples = sample(n_train), sample(n_test, test=True)
    data = [(shrunk(x, side), t) for x, t in samples]
    training: Any = {"optimizer": SGD(0.5), "schedule": "exponential:0.95"}
    training |= {"epochs": epochs, "batch_size": 50, "compute_metrics": False}
    rows, losses = [], {}
    for width in widths:
        sizes = [side * side, width, 10]
        net = mlp(sizes, seed=seed, population=n_starts, device=device)
        fit(net, data[0], **training, progress=False)
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
    return {
        "train_mean": rounded(train.mean()),
        "train_sd": rounded(train.std(ddof=1), 5),
        "test_mean": rounded(test.mean()),
        "test_sd": rounded(test.std(ddof=1), 5),
        "correlation": rounded(np.corrcoef(train, test)[0, 1]),
    }


def shrunk(x: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of 28 x 28 averaged over areas, shape (n, side * side)."""
    ends, pixel = np.linspace(0, 28, side + 1), np.arange(28)
    overlap = np.minimum(ends[1:, None], pixel + 1) - np.maximum(ends[:-1, None], pixel)
    share = np.maximum(overlap, 0) * side / 28  # (side, 28): of each pixel's area
    pictures = share @ x.reshape(-1, 28, 28).astype(np.float64) @ share.T
    return pictures.reshape(len(x), -1)


def _checks(narrowest: Result, widest: Result) -> list[Result]:
    """Return the checks that the widest differs in the paper's direction."""

    def below(what: str, key: str, factor: float) -> Result:
        value, limit = widest[key], factor * narrowest[key]
        target = f"< {limit:.4g} ({factor:g} x narrowest)"
        return check(f"{what}, widest", value, target, value < limit)

    return [
        below("spread of the test loss (sd)", "test_sd", 0.5),
        below("spread of the training loss (sd)", "train_sd", 0.5),
        below("train/test correlation", "correlation", 1.0),
        below("mean test loss", "test_mean", 1.0),
    ]


def draw_surfaces(result: Result) -> dict[str, Figure]:
    """Draw the losses of all starts by width, and what one says of the other."""
    n, rows = result["starts_of_each_width"], result["widths"]
    widths = [row["width"] for row in rows]
    return {
        "surfaces": histogram(
            {f"{width} neurons": loss for width, loss in result["_losses"].items()},
            title=f"Where {n} starts end: the wider, the closer together",
            label=f"loss on {result['n_test']:,} test digits",
            bins=60,
        ),
        "surfaces-correlation": bands(
            {"correlation": (widths, [row["correlation"] for row in rows])},
            title="The wider, the less the training loss says of the test loss",
            x_label="hidden neurons",
            y_label="correlation over the starts",
            log="x",
            x_ticks=widths,
        ),
    }
