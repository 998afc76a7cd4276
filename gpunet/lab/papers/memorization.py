"""Random labels are learned too, only later: what a network can memorize.

Zhang et al., "Understanding Deep Learning Requires Rethinking Generalization" (2017),
and Arpit et al., "A Closer Look at Memorization in Deep Networks" (2017), with a
thousand digits instead of fifty thousand pictures.
"""

import sys
from typing import Any

import numpy as np

from ...blocks import mlp
from ...optimizers import Adam
from ...random import host_rng
from ...show.plots import bands, spread
from ...show.style import Figure
from ...training import fit
from ...training.metrics import summary
from ..checks import Result, at_least, check, check_range, rounded, within
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
) -> Result:
    """Learn digits with real and with random labels, to the last one.

    noise: Shares of the training labels that are drawn anew, from 0 to 1.
    """
    (x, t), (unseen, answers) = sample(n_train), sample(10_000, test=True)
    population: Any = {"seed": seed, "population": n_seeds, "device": device}
    rows, curves = [], {}
    for share in noise:
        check_range("noise", share, 0, 1)
        labels, adam = random_labels(t, share, seed), Adam(0.003)
        net = mlp([784, hidden_neurons, 10], **population)
        training: Any = {"batch_size": 50, "progress": False}
        history = fit(net, (x, labels), epochs=epochs, optimizer=adam, **training)
        curves[share] = np.array(history["accuracy"], np.float64)  # (epochs, seeds)
        learned = (net.classify(x) == labels).mean(axis=-1)
        on_test = summary((net.classify(unseen) == answers).mean(axis=-1).tolist())
        rows.append({"random_share": share} | _row(curves[share], learned, on_test))
        done = f"random share {share:.0%}: learned {learned.mean():.1%}"
        print(done, file=sys.stderr)
    return {
        "n_train": n_train,
        "n_test": len(answers),
        "networks_for_each": n_seeds,
        "labels": rows,
        "accuracy_by_epoch": {f"{s:g}": rounded(c.mean(1)) for s, c in curves.items()},
        "_curves": curves,
        "checks": _checks(rows),
    }


def _row(by_epoch: np.ndarray, learned: np.ndarray, on_test: Result) -> Result:
    reached = np.flatnonzero(by_epoch.mean(axis=1) >= 0.99)
    return {
        "training_accuracy": rounded(learned.mean()),
        "worst_network": rounded(learned.min()),
        "epochs_to_99_percent": int(reached[0]) + 1 if len(reached) else None,
        "test_accuracy": rounded(on_test["mean"]),
        "test_sd": rounded(on_test["sd"]),
    }


def random_labels(t: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return labels of which a share is drawn anew, each class as likely."""
    rng, labels = host_rng(seed, "check", 20), t.copy()
    drawn, order = rng.integers(0, 10, len(t)), rng.permutation(len(t))
    chosen = order[: round(share * len(t))]
    labels[chosen] = drawn[chosen]
    return labels


def _checks(rows: list[Result]) -> list[Result]:
    checks = []
    for row in rows:
        what = f"random share {row['random_share']:.0%}: training digits learned"
        checks.append(at_least(what, row["training_accuracy"], 0.995))
    real, mixed = rows[0], rows[-1]
    (soon, real_test), (late, mixed_test) = (
        (row["epochs_to_99_percent"] or 10**6, row["test_accuracy"])
        for row in (real, mixed)
    )
    if mixed["random_share"] == 1.0:
        what = "all labels random: test accuracy"
        checks.append(within(what, mixed_test, 0.06, 0.15))
    if real["random_share"] == 0.0 < mixed["random_share"]:
        what = "epochs to 99 %: real labels before random"
        checks.append(check(what, soon, f"< {late}", soon < late))
        checks.append(at_least("real labels: test accuracy", real_test, 0.8))
    return checks


def draw_memorization(result: Result) -> dict[str, Figure]:
    """Draw how fast the training labels are learned, by their share of chance."""
    names, series = {0.0: "real labels", 1.0: "random labels"}, {}
    for row in result["labels"]:
        share, accuracy = row["random_share"], row["test_accuracy"]
        name = names.get(share, f"{share:.0%} random") + f" (test {accuracy:.0%})"
        learned = result["_curves"][share]
        series[name] = (np.arange(1, len(learned) + 1), *spread(learned))
    return {
        "memorization": bands(
            series,
            title=f"{result['n_train']:,} digits are learned whatever their labels",
            x_label="epoch",
            y_label="training accuracy",
        )
    }
