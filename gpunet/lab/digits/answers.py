"""How well a trained network reads digits, and what its answers cost.

3Blue1Brown's network answers 93 of 100 test digits rightly; which it misses, how
sure it is of them, and what 300 digits can and cannot tell.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...blocks import mlp
from ...random import host_rng
from ...show.pictures import confusion_matrix, images
from ...show.plots import ORANGE
from ...training.metrics import confusion as confusion_table
from ..checks import at_least, at_most, check_range, equal, rounded, within
from ..tools import untrained
from .trained import sample, trained


def mistakes(
    *,
    device: str = "cpu",
    seed: int = 0,
    shown: int = 16,
    **training: Any,
) -> dict[str, Any]:
    """Sort the test digits by their cost: surest mistakes, surest successes.

    Parameters
    ----------
    shown : int
        How many of each to show.
    **training
        How the network is trained, or which one is taken: see `trained`.
    """
    check_range("shown", shown)
    it = trained(device, seed, **training)
    test = it.data.test
    y = it.net.predict(test.x)
    cost = np.sum((y - np.eye(10)[test.t]) ** 2, axis=1)
    answer = y.argmax(axis=1)
    order = np.argsort(cost, kind="stable")
    wrong = [i for i in order[::-1].tolist() if answer[i] != test.t[i]]
    right = [i for i in order.tolist() if answer[i] == test.t[i]]
    firsts = [next((i for i in right if test.t[i] == k), None) for k in range(10)]
    firsts = [i for i in firsts if i is not None]
    bad, good, each = (
        [_case(i, int(test.t[i]), int(answer[i]), y, cost) for i in some]
        for some in (wrong[:shown], right[:shown], firsts)
    )
    # The median: a mistake may cost much because two outputs are half sure of it.
    sure = float(np.median([r["output"] for r in bad])) if bad else 0.0
    return it.facts | {
        "n_wrong": len(wrong),
        "surest_mistakes": bad,
        "surest_successes": good,
        "surest_of_each_digit": each,
        "_pictures": test.x[wrong[:shown] + firsts],
        "checks": [
            equal("mistakes", len(wrong), round(len(y) * (1.0 - it.accuracy))),
            at_least("how sure these mistakes are, median", sure, 0.9),
            at_most("cost of these successes", good[-1]["cost"] if good else 9.0, 0.01),
        ],
    }


def _case(i: int, digit: int, answer: int, y, cost) -> dict[str, Any]:
    return {
        "index": i,
        "digit": digit,
        "answer": answer,
        "output": round(float(y[i, answer]), 4),
        "cost": round(float(cost[i]), 4),
    }


def draw_mistakes(result: dict, folder: Path) -> list[Path]:
    """Draw the two galleries: the answer and how sure it was under each digit."""
    bad, good = result["surest_mistakes"], result["surest_of_each_digit"]
    captions = [f"{r['digit']}, says {r['answer']}: {r['output']:.2f}" for r in bad]
    first = images(
        folder / "mistakes.png",
        result["_pictures"][: len(bad)],
        captions,
        title=f"The surest of {result['n_wrong']} mistakes in {result['n_test']:,}",
        columns=4,
        colors=[ORANGE] * len(bad),
    )
    second = images(
        folder / "successes.png",
        result["_pictures"][len(bad) :],
        [f"{r['answer']}: {r['output']:.3f}" for r in good],
        title="The surest success with each digit",
        columns=5,
    )
    return [first, second]


def confusion(
    *,
    device: str = "cpu",
    seed: int = 0,
    **training: Any,
) -> dict[str, Any]:
    """Count which digit is taken for which, and what 300 images can tell.

    Parameters
    ----------
    **training
        How the network is trained, or which one is taken: see `trained`.
    """
    it = trained(device, seed, **training)
    test = it.data.test
    answer = it.net.classify(test.x)
    table = np.array(confusion_table(answer, test.t, 10))
    wrong = table - np.diag(np.diag(table))
    pair = np.unravel_index(int(wrong.argmax()), wrong.shape)
    rng = host_rng(seed, "check", 2)
    hits = answer == test.t
    few = [float(rng.choice(hits, 300, replace=False).mean()) for _ in range(1000)]
    low, high = float(np.quantile(few, 0.025)), float(np.quantile(few, 0.975))
    recall = np.diag(table) / table.sum(axis=1)
    return it.facts | {
        "table": table.tolist(),
        "right_by_digit": rounded(recall),
        "most_confused": [int(pair[0]), int(pair[1]), int(wrong.max())],
        "on_300_images_95_percent": [round(low, 4), round(high, 4)],
        "checks": [
            equal(
                "right ones in the table",
                int(np.trace(table)),
                round(len(test) * it.accuracy),
            ),
            *_band("accuracy on 10,000 digits", it.accuracy, 0.92, 0.95, it.weights),
            at_most("300 images may show as little as", low, it.accuracy - 0.02),
            at_least("300 images may show as much as", high, it.accuracy + 0.02),
        ],
    }


def draw_confusion(result: dict, folder: Path) -> list[Path]:
    """Draw the table of true digit against answer."""
    title = (
        f"Which digit is taken for which ({result['test_accuracy']:.1%} of "
        f"{result['n_test']:,} are right)"
    )
    return [confusion_matrix(folder / "confusion.png", result["table"], title=title)]


def cost(
    *,
    device: str = "cpu",
    seed: int = 0,
    **training: Any,
) -> dict[str, Any]:
    """Compare what an untrained and a trained network cost, summed over outputs.

    Parameters
    ----------
    **training
        How the network is trained, or which one is taken: see `trained`.
    """
    it = trained(device, seed, **training)
    fresh = untrained(seed, device)
    train = sample(it.n_train)
    found = {
        "untrained": _cost(fresh, it.data.test),
        "trained, on its training digits": _cost(it.net, train),
        "trained, on test digits": _cost(it.net, it.data.test),
    }
    before, taught, after = found.values()
    return it.facts | {
        "cost": rounded(list(found.values())),
        "of": list(found),
        "n_train": len(train[0]),
        "checks": [
            at_least("untrained", before, 1.0),
            *_band("trained, on its training digits", taught, 0.06, 0.11, it.weights),
            *_band("trained, on test digits", after, 0.08, 0.12, it.weights),
            at_least("untrained over trained", before / after, 10.0),
        ],
    }


def _band(what: str, found: float, low: float, high: float, weights: Any) -> list:
    """Return the check of a number of our own network; others have their own."""
    return [] if weights is not None else [within(what, found, low, high)]


def _cost(net: Any, data: Any) -> float:
    """Return the sum of (a - y)^2 over ten outputs, mean over the digits."""
    x, t = (data.x, data.t) if hasattr(data, "x") else data
    y = net.predict(x)
    return float(np.mean(np.sum((y - np.eye(10)[t]) ** 2, axis=1)))


def neuron(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_images: int = 100,
    weights: str | None = None,
) -> dict[str, Any]:
    """Call each hidden neuron as a function: the layer's product says the same.

    Parameters
    ----------
    n_images : int
        Test digits.
    weights : path
        Published weights (JSON, npz) or a model file to look into instead.
    """
    net = mlp([784, 16, 16, 10], "sigmoid", seed=seed, device=device, dtype="float64")
    if weights is not None:
        net = trained(device, seed, weights=weights).net
    x, _ = sample(n_images, test=True)
    bk = net.backend
    with bk.use():
        a = bk.to_host(net.forward(bk.view(x, net.dtype))[1][1][1])
        W, b = (bk.to_host(net.params[name]) for name in ("0.W", "0.b"))

    def one(j: int, pixels: np.ndarray) -> float:
        total = sum(w * p for w, p in zip(W[:, j].tolist(), pixels, strict=True))
        return 1.0 / (1.0 + float(np.exp(-(total + float(b[j])))))

    few = min(n_images, 5)
    alone = [[one(j, x[i].tolist()) for j in range(W.shape[1])] for i in range(few)]
    apart = float(np.max(np.abs(np.array(alone) - a[:few])))
    return {
        "layer": f"{W.shape[0]} -> {W.shape[1]}",
        "n_images": few,
        "first_image_as_functions": rounded(alone[0], 6),
        "first_image_as_layer": rounded(a[0], 6),
        "largest_difference": apart,
        "checks": [
            at_most("functions and layer differ by", apart, 1e-12),
            within("smallest activation", float(a.min()), 0.0, 1.0),
            within("largest activation", float(a.max()), 0.0, 1.0),
        ],
    }
