"""How well a trained network reads digits, and what its answers cost.

3Blue1Brown's network reads 93 of 100 test digits correctly: which it misses, how sure
it is of them, what 300 digits can tell, and that it calls noise a digit as well.
"""

from functools import partial
from typing import Any

import numpy as np

from ...blocks import mlp
from ...network import Network
from ...random import host_rng
from ...show.pictures import confusion_table, images
from ...show.plots import histogram
from ...show.style import ORANGE, Figure
from ...training import metrics
from ..checks import Result, at_least, at_most, check, check_range, rounded
from ..tools import activations, max_difference, to_lists, untrained
from .trained import sample, trained, trained_population


def mistakes(
    *, device: str = "cpu", seed: int = 0, shown: int = 16, **training: Any
) -> Result:
    """Sort the test digits by their cost: surest mistakes, surest successes.

    shown: How many of each to show.
    """
    check_range("shown", shown)
    reader = trained(device, seed, **training)
    x, t = reader.test.x, reader.test.t
    y = reader.net.predict(x)
    costs, answers = _costs(y, t), y.argmax(axis=1)
    order = np.argsort(costs, kind="stable")
    correct = order[answers[order] == t[order]]
    wrong = order[::-1][answers[order[::-1]] != t[order[::-1]]]
    first = [int(correct[t[correct] == k][0]) for k in range(10) if k in t[correct]]

    def cases(chosen: Any) -> list[Result]:
        return [
            {"index": int(i), "digit": int(t[i]), "answer": int(answers[i])}
            | rounded({"output": float(y[i, answers[i]]), "cost": float(costs[i])})
            for i in chosen
        ]

    surest_wrong, surest = cases(wrong[:shown]), cases(correct[:shown])
    # The median: a mistake may cost much because two outputs are half sure of it.
    outputs = [case["output"] for case in surest_wrong] or [0.0]
    highest = surest[-1]["cost"] if surest else 9.0
    return reader.facts | {
        "n_wrong": len(wrong),
        "surest_mistakes": surest_wrong,
        "surest_successes": surest,
        "surest_of_each_digit": cases(first),
        "_pictures": x[[*wrong[:shown], *first]],
        "checks": [
            *reader.band("mistakes", len(wrong), 500, 800),
            at_least("how sure these mistakes are, median", np.median(outputs), 0.9),
            at_most("cost of these successes", highest, 0.01),
        ],
    }


def draw_mistakes(result: Result) -> dict[str, Figure]:
    """Draw the two galleries: the answer and how sure it was under each digit."""
    wrong, correct = result["surest_mistakes"], result["surest_of_each_digit"]
    n = len(wrong)
    return {
        "mistakes": images(
            result["_pictures"][:n],
            [f"{r['digit']}, says {r['answer']}: {r['output']:.2f}" for r in wrong],
            title=f"The surest of {result['n_wrong']} mistakes in {result['n_test']:,}",
            columns=4,
            colors=[ORANGE] * n,
        ),
        "successes": images(
            result["_pictures"][n:],
            [f"{r['answer']}: {r['output']:.3f}" for r in correct],
            title="The surest success with each digit",
            columns=5,
        ),
    }


def confusion(*, device: str = "cpu", seed: int = 0, **training: Any) -> Result:
    """Count which digit is taken for which, and what 300 images can tell."""
    reader = trained(device, seed, **training)
    answers, t = reader.net.classify(reader.test.x), reader.test.t
    table = np.asarray(metrics.confusion(answers, t, 10))
    wrong = table - np.diag(np.diag(table))
    digit, answer = np.unravel_index(int(wrong.argmax()), wrong.shape)
    rng, correct = host_rng(seed, "check", 2), answers == t
    shares = [rng.choice(correct, 300, replace=False).mean() for _ in range(1000)]
    low, high = np.quantile(shares, (0.025, 0.975)).tolist()
    return reader.facts | {
        "table": table.tolist(),
        "right_by_digit": rounded(np.diag(table) / table.sum(axis=1)),
        "most_confused": [int(digit), int(answer), int(wrong.max())],
        "on_300_images_95_percent": rounded([low, high]),
        "checks": [
            *reader.band("accuracy on 10,000 digits", reader.accuracy, 0.92, 0.95),
            at_most("300 images may show as little as", low, reader.accuracy - 0.02),
            at_least("300 images may show as much as", high, reader.accuracy + 0.02),
        ],
    }


def draw_confusion(result: Result) -> dict[str, Figure]:
    """Draw the table of true digit against answer."""
    title = (
        f"Which digit is taken for which ({result['test_accuracy']:.1%} of "
        f"{result['n_test']:,} are right)"
    )
    return {"confusion": confusion_table(result["table"], title=title)}


def cost(*, device: str = "cpu", seed: int = 0, **training: Any) -> Result:
    """Compare what an untrained and a trained network cost, summed over outputs."""
    reader = trained(device, seed, **training)
    train, test = sample(reader.n_train), (reader.test.x, reader.test.t)

    def mean_cost(net: Network, x: np.ndarray, t: np.ndarray) -> float:
        return float(np.mean(_costs(net.predict(x), t)))

    before = mean_cost(untrained(seed, device), *test)
    learned, after = (mean_cost(reader.net, *data) for data in (train, test))
    names = ["untrained", "trained, on its training digits", "trained, on test digits"]
    return reader.facts | {
        "cost": rounded([before, learned, after]),
        "of": names,
        "n_train": reader.n_train,
        "checks": [
            at_least(names[0], before, 1.0),
            *reader.band(names[1], learned, 0.06, 0.11),
            *reader.band(names[2], after, 0.08, 0.12),
            at_least("untrained over trained", before / after, 10.0),
        ],
    }


def _costs(y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return each digit's sum of (a - y)^2 over ten outputs."""
    return np.sum((y - np.eye(10)[t]) ** 2, axis=1)


def _neuron(w: list[float], b: float, pixels: list[float]) -> float:
    total = sum(wi * p for wi, p in zip(w, pixels, strict=True))
    return 1.0 / (1.0 + float(np.exp(-(total + b))))


def neuron(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_images: int = 100,
    weights: str | None = None,
) -> Result:
    """Call each hidden neuron as a function: the layer's product says the same."""
    net = mlp([784, 16, 16, 10], "sigmoid", seed=seed, device=device, dtype="float64")
    if weights is not None:
        net = trained(device, seed, weights=weights).net
    x, few = sample(n_images, test=True)[0], min(n_images, 5)
    layer = activations(net, x)[0][1]
    W, b = (to_lists(net, net.params[name]) for name in ("0.W", "0.b"))
    neurons = [partial(_neuron, w, bias) for *w, bias in zip(*W, b, strict=True)]
    alone = [[function(pixels) for function in neurons] for pixels in x[:few].tolist()]
    difference = max_difference(alone, layer[:few])
    return {
        "layer": f"{len(W)} -> {len(b)}",
        "n_images": few,
        "first_image_as_functions": rounded(alone[0], 6),
        "first_image_as_layer": rounded(layer[0], 6),
        "largest_difference": difference,
        "checks": [at_most("functions and layer differ by", difference, 1e-12)],
    }


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
    rows = [_noise_row(*network) for network in zip(largest, winner, real, strict=True)]
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


def _noise_row(largest: np.ndarray, winner: np.ndarray, real: np.ndarray) -> Result:
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


def draw_noise(result: Result) -> dict[str, Figure]:
    """Draw how sure the networks are of noise and of digits, and some noise."""
    n = len(result["networks"])
    outputs = {"pure noise": result["_largest"], "real digits": result["_real"]}
    return {
        "noise": histogram(
            {name: output.reshape(-1) for name, output in outputs.items()},
            title="How sure of what it sees" + (f", {n} networks" if n > 1 else ""),
            label="largest of the ten outputs",
            mark=(0.5, "half"),
        ),
        "noise-images": images(
            result["_pictures"],
            [f'"{digit}": {output:.2f}' for digit, output in result["_answers"]],
            title="Pure noise, and what a network says it is",
            columns=4,
        ),
    }
