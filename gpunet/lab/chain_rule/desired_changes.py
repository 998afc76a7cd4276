"""What one example wants of a network that knows nothing yet.

3Blue1Brown's third chapter without its pictures' arrows: a picture of a 2, a
network of 784-16-16-10 sigmoids with random weights, and outputs that are all
wrong. Each output wishes to be larger or smaller; the wishes become nudges, one
layer back and for one example after the other.
"""

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from ...activations import get_activation
from ...blocks import mlp
from ...checks.explain import explain, three_ways
from ...checks.explain import votes as cast_votes
from ...data import load_mnist
from ...errors import ConfigError
from ...losses import one_hot
from ...network import Network
from ...optimizers import SGD
from ...show.descent_plots import wish_table
from ..checks import at_most, equal
from ..tools import loss_and_gradients, max_difference, to_lists, untrained


def _digit(digit: int, which: int = 0) -> np.ndarray:
    """Return a training picture of a digit, 784 numbers from 0 to 1."""
    train = load_mnist().train
    found = np.flatnonzero(train.t == digit)
    if not 0 <= digit <= 9 or which >= len(found):
        raise ConfigError(f"digit: {digit}: expected 0 to 9; choose one of them")
    return train.x[found[which]]


def _cosine_gap(a: Any, b: Any) -> float:
    """Return 1 - cosine of the angle between two arrays: 0 if proportional."""
    a, b = np.ravel(a), np.ravel(b)
    a, b = a / sqrt(a @ a), b / sqrt(b @ b)
    # |a - b|^2 / 2: the same number, without taking 1 from nearly 1.
    return float((a - b) @ (a - b)) / 2


def nudges(*, device="cpu", seed=0, digit=2) -> dict[str, Any]:
    """Show the three ways to raise one output: bias, weights, activations.

    Parameters
    ----------
    digit : int
        Of whose picture, and which output is to rise.
    """
    net, x = untrained(seed, device), _digit(digit)
    last = explain(net, x, digit).layers[-1]
    ways = three_ways(net, x, digit)
    dw, db, da = _slopes_of_output(net, x, digit)
    order = np.argsort(-ways["a"])
    table = [
        {
            "neuron": int(k),
            "activation": ways["a"][k].item(),
            "weight": ways["w"][k].item(),
            "nudge_of_the_weight": ways["weights"][k].item(),
            "nudge_of_the_activation": ways["activations"][k].item(),
        }
        for k in order
    ]
    strongest = int(np.argmax(np.abs(ways["weights"])))
    signs = np.sign(ways["activations"]) == np.sign(ways["w"])
    return {
        "digit": digit,
        "outputs": last.a.round(4).tolist(),
        "nudge_of_the_bias": float(ways["bias"]),
        "hidden_neurons": table,
        "checks": [
            at_most("weights: off the activations", _cosine_gap(dw, ways["a"]), 1e-12),
            at_most("activations: off the weights", _cosine_gap(da, ways["w"]), 1e-12),
            at_most(
                "weights: off the slopes", max_difference(dw, ways["weights"]), 1e-12
            ),
            at_most("bias: off its slope", max_difference(db, ways["bias"]), 1e-12),
            equal("the weight to raise most", strongest, int(np.argmax(ways["a"]))),
            equal("activations follow the weights' signs", bool(signs.all()), True),
        ],
    }


def _slopes_of_output(net: Network, x: Any, j: int) -> tuple[Any, Any, Any]:
    """Return back-propagation's slopes of output j: weights, bias, activations."""
    bk = net.backend
    with bk.use():
        y, caches = net.forward(bk.array(x[None, :], "float64"))
        dy = one_hot(bk.array([j], "int64"), y.shape[-1], y.dtype)
        grads = net.backward(caches, dy)
        dense, function = net.layers[-2:]
        dz, _ = function.backward({}, caches[-1], dy)
        W = net.params["4.W"]
        da, _ = dense.backward({"W": W, "b": net.params["4.b"]}, caches[-2], dz)
        W, b = grads["4.W"], grads["4.b"]
    return bk.to_host(W)[:, j], bk.to_host(b)[j], bk.to_host(da)[0]


def desires(*, device="cpu", seed=0, examples=32) -> dict[str, Any]:
    """Add up what ten outputs want of one layer back, then what examples want.

    Parameters
    ----------
    examples : int
        Training digits in the mini-batch.
    """
    if not 1 <= examples <= 1000:
        raise ConfigError(
            f"desires: examples: {examples}: expected 1 to 1,000; choose fewer"
        )
    net, train = untrained(seed, device), load_mnist().train
    x, labels = train.x[:examples], train.t[:examples]
    found = [explain(net, row, int(t)) for row, t in zip(x, labels, strict=True)]
    first = found[0].layers
    wishes = first[-1].wishes  # [k, j]: what output j wants of hidden neuron k
    total = wishes.sum(axis=1)
    per_example = np.array([_flat(one) for one in found])
    mean = -per_example.mean(axis=0)
    targets = one_hot(labels, 10, np.float64)
    grads = loss_and_gradients(net, x.astype(np.float64), targets)[1]
    gradient = np.concatenate([grads[name].ravel() for name in sorted(grads)])
    biases = np.array([-one.layers[-1].dz for one in found])
    return {
        "digit": int(labels[0]),
        "wishes_of_outputs": wishes.T.tolist(),
        "their_sum": total.tolist(),
        "labels": labels[:8].tolist(),
        "nudges_of_output_biases": biases[:8].T.tolist(),
        "their_mean_over_all": biases.mean(axis=0).tolist(),
        "examples": examples,
        "checks": [
            at_most(
                "sum of wishes + dC/da", max_difference(total, -first[-2].da), 1e-12
            ),
            at_most(
                "mean nudge, off minus the gradient",
                _cosine_gap(mean, -gradient),
                1e-12,
            ),
            at_most("their largest difference", max_difference(mean, -gradient), 1e-12),
            equal("parameters nudged", len(mean), 13_002),
        ],
    }


def show_desires(result: dict[str, Any]) -> str:
    """Return two tables: wishes of one example, nudges of several."""
    neurons = range(len(result["their_sum"]))
    lines = [f"What the outputs want of the 16 neurons before, for a {result['digit']}"]
    lines += ["", _row("neuron", [str(k) for k in neurons])]
    for j, row in enumerate(result["wishes_of_outputs"]):
        lines.append(_row(f"output {j}", [f"{v:+.2f}" for v in row]))
    lines.append(_row("sum", [f"{v:+.2f}" for v in result["their_sum"]]))
    lines += [
        "",
        "What each example wants of the ten output biases, and their mean",
        "",
    ]
    lines.append(_row("a picture of", [*map(str, result["labels"]), "mean"]))
    means = result["their_mean_over_all"]
    for j, row in enumerate(result["nudges_of_output_biases"]):
        lines.append(_row(f"output {j}", [f"{v:+.2f}" for v in [*row, means[j]]]))
    return "\n".join(lines)


def _row(name: str, cells: list[str]) -> str:
    return f"  {name:<12}" + "".join(f"{cell:>7}" for cell in cells)


def draw_desires(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw the wishes, one row for each output, and their sum below."""
    title = f"What the outputs want of the layer before, for a {result['digit']}"
    path = folder / "desires.png"
    return [wish_table(path, result["wishes_of_outputs"], result["digit"], title)]


def _flat(one: Any) -> np.ndarray:
    """Return one example's gradient as a row: 0.W, 0.b, 2.W, ... as sorted names."""
    parts = {f"{layer.name}.W": layer.dW for layer in one.layers}
    parts |= {f"{layer.name}.b": layer.dz for layer in one.layers}
    return np.concatenate([parts[name].ravel() for name in sorted(parts)])


def votes(*, device="cpu", seed=0, rate=0.1) -> dict[str, Any]:
    """Let neurons vote: what they want, layer by layer, is minus the gradient.

    Parameters
    ----------
    rate : float
        Learning rate of the one step that follows.
    """
    settings = {"output": "leaky_relu", "bias_init": "standard_normal", "seed": seed}
    settings |= {"loss": "half_squared_error", "device": device, "dtype": "float64"}
    net = mlp([4, 3, 2], "leaky_relu", **settings)
    x, t = np.array([1.0, -0.5, 0.25, 2.0]), np.array([1.0, 0.0])
    one, found = explain(net, x, t), cast_votes(net, x, t)
    _, grads = loss_and_gradients(net, x[None, :], t[None, :])
    before = to_lists(net, net.params)
    sgd = SGD(rate)
    with net.backend.use():
        sgd.start(net.params, net.backend)
        sgd.step(net.params, {n: net.backend.array(g) for n, g in grads.items()})
    after = to_lists(net, net.params)
    gaps, moved = [], []
    for layer, vote in zip(one.layers, found, strict=True):
        gaps.append(max_difference(vote["output"], -layer.da))
        for name, v in ((f"{layer.name}.{tensor}", vote[tensor]) for tensor in "Wb"):
            gaps.append(max_difference(v, -grads[name]))
            moved.append(max_difference(before[name] + rate * v, after[name]))
    slopes = _slope_table(net.backend)
    rows = [
        {"layer": k, "output_vote": v["output"].tolist(), "input_vote": v["b"].tolist()}
        for k, v in enumerate(found, 1)
    ]
    checks = [
        at_most("votes + gradient", max(gaps), 1e-12),
        at_most("rate x vote against a step of descent", max(moved), 1e-12),
        at_most("slopes against nudges", max(row["gap"] for row in slopes), 1e-9),
    ]
    return {"layers": rows, "slopes": slopes, "checks": checks}


def _slope_table(bk: Any) -> list[dict[str, Any]]:
    """Return each activation's slope below and above 0, with central differences."""
    formulas = {
        "leaky_relu": "1 or .01",
        "sigmoid": "y (1 - y)",
        "tanh": "1 - y^2",
        "identity": "1",
    }
    rows, h = [], 1e-5
    for name, formula in formulas.items():
        f = get_activation(name)
        z = bk.array([[-0.7, 1.3]], "float64")
        with bk.use():
            slope = bk.to_host(f.slope(z, f.value(z)))[0]
            nudged = bk.to_host((f.value(z + h) - f.value(z - h)) / (2 * h))[0]
        rows.append(
            {
                "activation": name,
                "slope": formula,
                "at_-0.7": slope[0].item(),
                "at_1.3": slope[1].item(),
                "gap": max_difference(slope, nudged),
            }
        )
    return rows
