"""The changes that one example asks of a network that knows nothing yet.

3Blue1Brown's third chapter: each output of a network with random weights should be
larger or smaller; these desired changes become nudges, one layer back and for one
example after the other.
"""

from math import sqrt
from typing import Any

import numpy as np

from ... import checks
from ...activations import get_activation
from ...backend import Backend
from ...blocks import mlp
from ...checks.explain import explain, three_ways
from ...losses import one_hot
from ...network import Network
from ...optimizers import SGD
from ...show.descent_plots import change_table
from ...show.style import Figure
from ..checks import Result, at_most, check_range, equal
from ..digits.trained import first_of, sample
from ..tools import (
    descend,
    flat,
    loss_and_gradient,
    max_difference,
    to_lists,
    untrained,
)


def _cosine_gap(a: Any, b: Any) -> float:
    """Return 1 - cosine of the angle between two arrays: 0 if proportional."""
    a, b = np.ravel(a), np.ravel(b)
    a, b = a / sqrt(a @ a), b / sqrt(b @ b)
    # |a - b|^2 / 2: the same number, without taking 1 from nearly 1.
    return float((a - b) @ (a - b)) / 2


def nudges(*, device: str = "cpu", seed: int = 0, digit: int = 2) -> Result:
    """Show the three ways to raise one output: bias, weights, activations.

    digit: Of whose picture, and which output is to rise.
    """
    check_range("digit", digit, 0, 9)
    net, x = untrained(seed, device), first_of(digit)
    outputs, ways = explain(net, x, digit).layers[-1].a, three_ways(net, x, digit)
    a, w, weights, changes = (ways[k] for k in ("a", "w", "weights", "activations"))
    dw, db, da = _slopes_of_output(net, x, digit)
    strongest, weights_gap = (
        int(np.argmax(np.abs(weights))),
        max_difference(dw, weights),
    )
    return {
        "digit": digit,
        "outputs": outputs.round(4).tolist(),
        "nudge_of_the_bias": float(ways["bias"]),
        "hidden_neurons": [
            {
                "neuron": int(k),
                "activation": a[k].item(),
                "weight": w[k].item(),
                "nudge_of_the_weight": weights[k].item(),
                "nudge_of_the_activation": changes[k].item(),
            }
            for k in np.argsort(-a)
        ],
        "checks": [
            at_most("weights: off the activations", _cosine_gap(dw, a), 1e-12),
            at_most("activations: off the weights", _cosine_gap(da, w), 1e-12),
            at_most("weights: off the slopes", weights_gap, 1e-12),
            at_most("bias: off its slope", max_difference(db, ways["bias"]), 1e-12),
            equal("the weight to raise most", strongest, int(np.argmax(a))),
            equal(
                "activations follow the weights' signs",
                np.array_equal(np.sign(changes), np.sign(w)),
                True,
            ),
        ],
    }


def _slopes_of_output(net: Network, x: Any, j: int) -> tuple[Any, Any, Any]:
    """Return back-propagation's slopes of output j: weights, bias, activations."""
    bk = net.backend
    with bk.use():
        y, caches = net.forward(bk.array(x[None, :], "float64"))
        dy = one_hot(bk.array([j], "int64"), y.shape[-1], y.dtype)
        dense, function = net.layers[-2:]
        dz, _ = function.backward({}, caches[-1], dy)
        params = {"W": net.params["4.W"], "b": net.params["4.b"]}
        da, grads = dense.backward(params, caches[-2], dz)
    dW, db, da = (bk.to_host(v) for v in (grads["W"], grads["b"], da))
    return dW[:, j], db[j], da[0]


def desires(*, device: str = "cpu", seed: int = 0, examples: int = 32) -> Result:
    """Add up what ten outputs want of one layer back, then what examples want."""
    check_range("examples", examples, 1, 1000)
    net, (x, labels) = untrained(seed, device), sample(examples)
    explained = [
        explain(net, *example).layers for example in zip(x, labels, strict=True)
    ]
    *_, before, last = explained[0]
    changes = last.desired_changes  # [k, j]: what output j wants of hidden neuron k
    total = changes.sum(axis=1)
    # Weights and biases layer by layer, in the order of the network's parameters.
    slopes = [flat(v for e in layers for v in (e.dW, e.dz)) for layers in explained]
    mean = -np.mean(slopes, axis=0)
    gradient = loss_and_gradient(net, x, one_hot(labels, 10, np.float64))[1]
    biases = np.array([-layers[-1].dz for layers in explained])
    total_gap = max_difference(total, -before.da)
    angle_gap = _cosine_gap(mean, -gradient)
    return {
        "digit": int(labels[0]),
        "wishes_of_outputs": changes.T.tolist(),
        "their_sum": total.tolist(),
        "labels": labels[:8].tolist(),
        "nudges_of_output_biases": biases[:8].T.tolist(),
        "their_mean_over_all": biases.mean(axis=0).tolist(),
        "examples": examples,
        "checks": [
            at_most("sum of desired changes + dC/da", total_gap, 1e-12),
            at_most("mean nudge, off minus the gradient", angle_gap, 1e-12),
            at_most("their largest difference", max_difference(mean, -gradient), 1e-12),
            equal("parameters nudged", len(mean), 13_002),
        ],
    }


def show_desires(result: Result) -> str:
    """Return two tables: desired changes of one example, nudges of several."""

    def row(name: str, cells: list[Any]) -> str:
        texts = [c if isinstance(c, str) else f"{c:+.2f}" for c in cells]
        return f"  {name:<12}" + "".join(f"{text:>7}" for text in texts)

    changes, total = result["wishes_of_outputs"], result["their_sum"]
    biases, means = result["nudges_of_output_biases"], result["their_mean_over_all"]
    lines = [
        f"What the outputs want of the 16 neurons before, for a {result['digit']}",
        "",
        row("neuron", [str(k) for k in range(len(total))]),
        *(row(f"output {j}", cells) for j, cells in enumerate(changes)),
        row("sum", total),
        "",
        "What each example wants of the ten output biases, and their mean",
        "",
        row("a picture of", [*map(str, result["labels"]), "mean"]),
        *(row(f"output {j}", [*biases[j], mean]) for j, mean in enumerate(means)),
    ]
    return "\n".join(lines)


def draw_desires(result: Result) -> dict[str, Figure]:
    """Draw the desired changes, one row for each output, and their sum below."""
    title = f"What the outputs want of the layer before, for a {result['digit']}"
    wishes = result["wishes_of_outputs"]
    return {"desires": change_table(wishes, result["digit"], title)}


def votes(*, device: str = "cpu", seed: int = 0, rate: float = 0.1) -> Result:
    """Let neurons vote: what they want, layer by layer, is minus the gradient.

    rate: Learning rate of the one step that follows.
    """
    settings: Any = {"output": "leaky_relu", "bias_init": "standard_normal"}
    settings |= {"loss": "half_squared_error", "device": device, "dtype": "float64"}
    net = mlp([4, 3, 2], "leaky_relu", seed=seed, **settings)
    x, t = np.array([1.0, -0.5, 0.25, 2.0]), np.array([1.0, 0.0])
    layers, cast = explain(net, x, t).layers, checks.votes(net, x, t)
    gradient = loss_and_gradient(net, x[None, :], t[None, :])[1]
    before = flat(to_lists(net, net.params).values())
    descend(net, x[None, :], t[None, :], SGD(rate), 1)
    after = flat(to_lists(net, net.params).values())
    ballots = flat(vote[tensor] for vote in cast for tensor in "Wb")
    outputs = zip(layers, cast, strict=True)
    gaps = [max_difference(vote["output"], -layer.da) for layer, vote in outputs]
    gaps.append(max_difference(ballots, -gradient))
    step = max_difference(before + rate * ballots, after)
    slopes = _slope_table(net.backend)
    return {
        "layers": [
            {"layer": k, "output_vote": v["output"].tolist()}
            | {"input_vote": v["b"].tolist()}
            for k, v in enumerate(cast, 1)
        ],
        "slopes": slopes,
        "checks": [
            at_most("votes + gradient", max(gaps), 1e-12),
            at_most("rate x vote against a step of descent", step, 1e-12),
            at_most("slopes against nudges", max(row["gap"] for row in slopes), 1e-9),
        ],
    }


def _slope_table(bk: Backend) -> list[Result]:
    """Return each activation's slope below and above 0, with central differences."""
    formulas = {"leaky_relu": "1 or .01", "sigmoid": "y (1 - y)"}
    formulas |= {"tanh": "1 - y^2", "identity": "1"}
    rows, h, z = [], 1e-5, bk.array([[-0.7, 1.3]], "float64")
    for name, formula in formulas.items():
        f: Any = get_activation(name)
        with bk.use():
            slope = bk.to_host(f.slope(z, f.value(z)))[0].tolist()
            nudged = bk.to_host((f.value(z + h) - f.value(z - h)) / (2 * h))[0]
        row: Result = {"activation": name, "slope": formula}
        row |= {"at_-0.7": slope[0], "at_1.3": slope[1]}
        rows.append(row | {"gap": max_difference(slope, nudged)})
    return rows
