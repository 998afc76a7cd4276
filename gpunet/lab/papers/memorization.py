"""Random labels are learned too, only later: what a network can memorize.

Zhang et al., "Understanding Deep Learning Requires Rethinking Generalization"
(2017), and Arpit et al., "A Closer Look at Memorization in Deep Networks" (2017),
in a small form: a thousand digits instead of fifty thousand pictures. With larger
numbers the same code is their protocol.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...optimizers import Adam
from ...random import host_rng
from ...show.plots import bands
from ...training import fit
from ...training.metrics import summary
from ..checks import at_least, check, check_range, rounded, within
from ..digits.trained import sample


def memorization(
    *,
    device: str = "cpu",
    seed: int = 0,
    noise: tuple[float, ...] = (0.0, 0.5, 1.0),
    n_train: int = 1000,
    hidden_neurons: int = 128,
    n_seeds: int = 3,
    epochs: int = 60,
) -> dict[str, Any]:
    """Learn digits with real and with random labels, to the last one.

    Parameters
    ----------
    noise : numbers
        Shares of the training labels that are drawn anew, from 0 to 1.
    n_train : int
        Training digits.
    hidden_neurons : int
        Of the one hidden layer.
    n_seeds : int
        Networks for each share, one population.
    epochs : int
        Times through the training digits.
    """
    x, t = sample(n_train)
    unseen, answers = sample(10_000, test=True)
    rows, curves = [], {}
    for share in noise:
        check_range("noise", share, 0, 1)
        labels = random_labels(t, share, seed)
        sizes = [784, hidden_neurons, 10]
        net = mlp(sizes, seed=seed, population=n_seeds, device=device)
        adam = Adam(0.003)
        history = fit(net, (x, labels), epochs=epochs, batch_size=50, optimizer=adam)
        learned = np.array(history["accuracy"], np.float64)  # (epochs, seeds)
        end = (net.classify(x) == labels).mean(axis=-1)
        new = (net.classify(unseen) == answers).mean(axis=-1)
        rows.append(_row(share, learned, end, new))
        curves[share] = learned
        print(f"random share {share:.0%}: learned {end.mean():.1%}", file=sys.stderr)
    return {
        "n_train": len(x),
        "n_test": len(answers),
        "networks_for_each": n_seeds,
        "labels": rows,
        "accuracy_by_epoch": {f"{s:g}": rounded(c.mean(1)) for s, c in curves.items()},
        "_curves": curves,
        "checks": _checks(rows),
    }


def _row(share, learned, end, new) -> dict[str, Any]:
    there = np.flatnonzero(learned.mean(axis=1) >= 0.99)
    s = summary(new.tolist())
    return {
        "random_share": share,
        "training_accuracy": round(float(end.mean()), 4),
        "worst_network": round(float(end.min()), 4),
        "epochs_to_99_percent": int(there[0]) + 1 if len(there) else None,
        "test_accuracy": round(s["mean"], 4),
        "test_sd": round(s["sd"], 4),
    }


def random_labels(t: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return labels of which a share is drawn anew, each class as likely."""
    rng = host_rng(seed, "check", 20)
    new, which = rng.integers(0, 10, len(t)), rng.permutation(len(t))
    labels = t.copy()
    chosen = which[: round(share * len(t))]
    labels[chosen] = new[chosen]
    return labels


def _checks(rows: list[dict]) -> list[dict]:
    checks = [
        at_least(
            f"random share {r['random_share']:.0%}: training digits learned",
            r["training_accuracy"],
            0.995,
        )
        for r in rows
    ]
    real, mixed = rows[0], rows[-1]
    if mixed["random_share"] == 1.0:
        found = mixed["test_accuracy"]
        checks.append(within("all labels random: test accuracy", found, 0.06, 0.15))
    if real["random_share"] == 0.0 < mixed["random_share"]:
        late = mixed["epochs_to_99_percent"] or 10**6
        soon = real["epochs_to_99_percent"] or 10**6
        what = "epochs to 99 %: real labels before random"
        checks.append(check(what, soon, f"< {late}", soon < late))
        checks.append(
            at_least("real labels: test accuracy", real["test_accuracy"], 0.8)
        )
    return checks


def draw_memorization(result: dict, folder: Path) -> list[Path]:
    """Draw how fast the training labels are learned, by their share of chance."""
    series = {}
    for row, (share, learned) in zip(
        result["labels"], result["_curves"].items(), strict=True
    ):
        name = {0.0: "real labels", 1.0: "random labels"}.get(
            share, f"{share:.0%} random"
        )
        name += f" (test {row['test_accuracy']:.0%})"
        at = np.arange(1, len(learned) + 1)
        series[name] = (at, learned.mean(1), learned.min(1), learned.max(1))
    title = f"{result['n_train']:,} digits are learned whatever their labels"
    return [
        bands(
            folder / "memorization.png",
            series,
            title=title,
            x_label="epoch",
            y_label="training accuracy",
        )
    ]
