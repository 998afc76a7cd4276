"""One neuron: what it computes, why a step cannot learn and a slope can.

After Joe Albahari's talk "Writing a Neural Net from Scratch". A neuron is a network
of the sizes [n, 1]; its weights and bias are its long-term state, its total and its
output are forgotten.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...backend import open_backend
from ...errors import ConfigError
from ...losses import get_loss
from ...network import Network
from ...optimizers import SGD
from ...random import host_rng
from ...training import fit
from ..checks import Result, at_least, at_most, check_range, equal, near
from ..tools import (
    activations,
    central_differences,
    loss_and_gradient,
    max_difference,
    network_from,
    to_lists,
)

# The truth table in the talk's order: 00, 10, 01, 11.
ROWS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
NAND = [1.0, 1.0, 1.0, 0.0]
NAND_WEIGHTS, NAND_BIAS = (-2.0, -2.0), 3.0
_LOSS: dict[str, Any] = {"loss": "half_squared_error"}


def neuron(
    weights: Sequence[float],
    bias: float,
    output: str = "comparator",
    device: str = "cpu",
) -> Network:
    """Return one neuron as a network of the sizes [n, 1]."""
    params = {"0.W": [[w] for w in weights], "0.b": [bias]}
    return network_from([len(weights), 1], params, device, **_LOSS, output=output)


def fire(net: Network, rows: Any) -> tuple[list[float], list[float]]:
    """Return a neuron's totals and outputs for rows of inputs."""
    ((z, a),) = activations(net, rows)
    return z[:, 0].tolist(), a[:, 0].tolist()


def perceptron(
    *,
    device: str = "cpu",
    seed: int = 0,
    weights: tuple[float, ...] = (0.5, -1.0, 1.5),
    bias: float = -1.5,
    inputs: tuple[float, ...] = (8.0, 5.0, 2.0),
) -> Result:
    """Fire one neuron with a comparator: 1 if the total is above 0, else 0.

    weights: One for each input.
    bias: Added to the total.
    inputs: What arrives.
    """
    if len(weights) != len(inputs):
        raise ConfigError(
            f"perceptron: weights must have one number for each of the {len(inputs)} "
            f"inputs, got {len(weights)}"
        )
    net = neuron(weights, bias, device=device)
    before = to_lists(net, net.params)
    (total,), (output,) = fire(net, [inputs])
    products = [w * x for w, x in zip(weights, inputs, strict=True)]
    talk = neuron((0.5, -1.0, 1.5), -1.5, device=device)
    totals, outputs = fire(talk, [[8.0, 5.0, 2.0], [3.0, 0.0, 0.0]])
    return {
        "long_term": {"weights": list(weights), "bias": bias},
        "inputs": list(inputs),
        "weight_times_input": products,
        "total": total,
        "output": output,
        "checks": [
            near("total = bias + weighted inputs", total, sum(products) + bias, 1e-12),
            equal("output", output, float(total > 0)),
            equal("the notes' total, and one of 0", totals, [0.5, 0.0]),
            equal("their outputs", outputs, [1.0, 0.0]),
            equal("weights after firing", to_lists(net, net.params), before),
        ],
    }


def nand(*, device: str = "cpu", seed: int = 0) -> Result:
    """Fire the NAND gate: weights -2 and -2, bias 3."""
    totals, outputs = fire(neuron(NAND_WEIGHTS, NAND_BIAS, device=device), ROWS)
    return {
        "weights": list(NAND_WEIGHTS),
        "bias": NAND_BIAS,
        "truth_table": [
            {"A": int(a), "B": int(b), "total": total, "output": output}
            for (a, b), total, output in zip(ROWS, totals, outputs, strict=True)
        ],
        "checks": [
            equal("totals", totals, [3.0, 1.0, 1.0, -1.0]),
            equal("outputs", outputs, NAND),
        ],
    }


def comparator(*, device: str = "cpu", seed: int = 0, nudge: float = 1e-4) -> Result:
    """Nudge every weight: the comparator's loss stays, the sigmoid's moves.

    nudge: How far each weight is moved, up and down.
    """
    check_range("nudge", nudge, 0, above=True)
    start = {"weight 1": 0.2, "weight 2": -0.3, "bias": -0.1}
    *weights, bias = start.values()
    net = neuron(weights, bias, device=device)
    (total,), (output,) = fire(net, [[0.0, 1.0]])
    slopes = {}
    for activation in ("comparator", "sigmoid", "leaky_relu"):
        cost = partial(_nand_cost, activation, device)
        slopes[activation] = central_differences(cost, list(start.values()), nudge)
    try:
        fit(net, (np.zeros((1, 2)), np.zeros((1, 1))), progress=False)
        refusal = "it was trained"
    except ConfigError as error:
        refusal = str(error).removeprefix("activation: ")
    return {
        "start": {"total_for_(0,1)": total, "output": output, "wanted": 1},
        "slope_of_the_loss": [
            {"parameter": name, "value": value}
            | {activation: slope[k] for activation, slope in slopes.items()}
            for k, (name, value) in enumerate(start.items())
        ],
        "asked_to_train": refusal,
        "checks": [
            near("total for (0, 1)", total, -0.4, 1e-12),
            equal("output - wanted", output - 1.0, -1.0),
            equal("comparator's slopes", slopes["comparator"], [0.0, 0.0, 0.0]),
            at_least("sigmoid's least slope", min(map(abs, slopes["sigmoid"])), 1e-3),
            equal("refused by the library", "its slope is 0" in refusal, True),
        ],
    }


def _nand_cost(activation: str, device: str, values: list[float]) -> float:
    *weights, bias = values
    outputs = fire(neuron(weights, bias, activation, device), ROWS)[1]
    return sum((y - t) ** 2 for y, t in zip(outputs, NAND, strict=True)) / 8


_ERRORS = {"four small": [0.2, 0.2, 0.2, 0.2], "one large": [0.0, 0.0, 0.0, 0.6]}
_MEASURES = {
    "sum of errors": ("absolute_error", 0.8, 0.6),
    "sum of squares": ("squared_error", 0.16, 0.36),
    "half sum of squares": ("half_squared_error", 0.08, 0.18),
    "mean of squares": ("mean_squared_error", 0.04, 0.09),
}


def losses(*, device: str = "cpu", seed: int = 0) -> Result:
    """Weigh four small errors against one large: squares turn the order round."""
    bk = open_backend(device)
    rows, checks, slopes = [], [], {}
    outputs = bk.array(list(_ERRORS.values()), "float64")
    targets = bk.array(np.zeros((2, 4)))
    for what, (name, small, large) in _MEASURES.items():
        measure = get_loss(name)
        with bk.use():
            costs = bk.to_host(measure.cost(outputs, targets)).tolist()
            slope = bk.to_host(measure.cost_slope(outputs, targets))
        rows.append({"measure": what, **dict(zip(_ERRORS, costs, strict=True))})
        checks.append(near(f"{what}, four small", costs[0], small, 1e-12))
        checks.append(near(f"{what}, one large", costs[1], large, 1e-12))
        slopes[name] = slope[1, 3].item()
    total, half, mean = (name for name, *_ in list(_MEASURES.values())[1:])
    reading = [
        {"output": 0.2, "nearer_end": 0, "wanted": t, "error": 0.2 - t} for t in (0, 1)
    ]
    return {
        "reading_a_fraction": reading,
        "errors": _ERRORS,
        "losses": rows,
        "slope_for_the_error_of_0.6": slopes,
        "checks": [
            *checks,
            near("slope of the sum: 2 e", slopes[total], 1.2, 1e-12),
            near("slope of the half sum: e", slopes[half], 0.6, 1e-12),
            near("slope of the mean: 2 e / n", slopes[mean], 0.3, 1e-12),
        ],
    }


def learn_nand(*, device: str = "cpu", seed: int = 0, population: int = 200) -> Result:
    """Learn NAND from 800 random rows, one a step: many neurons at once.

    population: Neurons, each with its own start and examples.
    """
    check_range("population", population)
    net = _small_neurons(population, seed, device)
    draws = [host_rng(seed + i, "shuffle") for i in range(population)]
    rows = np.array([rng.integers(0, 2, (1000, 2)) for rng in draws], np.float64)
    bk, sgd = net.backend, SGD(0.02)
    with bk.use():
        sgd.start(net.params, bk, population)
        x = bk.array(rows)  # (population, 1000, 2), the last 200 held out
        t = 1.0 - x[..., :1] * x[..., 1:]
        for k in range(800):
            y, caches = net.forward(x[:, k : k + 1, :])
            grads: Any = net.backward(caches, net.loss.slope(y, t[:, k : k + 1, :]))
            sgd.step(net.params, grads)
        y, _ = net.forward(x[:, 800:, :])
        held_out = bk.to_host((y >= 0.5) == (t[:, 800:, :] >= 0.5)).mean()
        outputs = bk.to_host(net.forward(bk.array(ROWS, "float64"))[0])[..., 0]
    correct = (outputs >= 0.5) == (np.array(NAND) >= 0.5)
    W, b = (bk.to_host(net.params[name]) for name in ("0.W", "0.b"))
    result = {
        "neurons": population,
        "all_four_rows_right": int(correct.all(axis=1).sum()),
        "held_out_rows_right": float(held_out),
        "mean_weights": W[..., 0].mean(axis=0).tolist(),
        "mean_bias": float(b.mean()),
        "mean_outputs": outputs.mean(axis=0).tolist(),
        "mean_absolute_error": float(np.abs(outputs - NAND).mean()),
    }
    return _against_least_squares(result, device)


def _small_neurons(population: int, seed: int, device: str) -> Network:
    """Return neurons whose weights are +-(.0001 ... .001)."""
    draws = [host_rng(seed + i, "init") for i in range(population)]
    start = np.array([g.uniform(1e-4, 1e-3, 3) * g.choice([-1, 1], 3) for g in draws])
    params = {"0.W": start[:, :2, None], "0.b": start[:, 2:]}
    settings = _LOSS | {"output": "leaky_relu", "population": population}
    return network_from([2, 1], params, device, **settings)


def _against_least_squares(result: Result, device: str) -> Result:
    """Return the result with the least-squares neuron and the checks."""
    best = neuron((-0.5, -0.5), 1.25, "leaky_relu", device)
    outputs = fire(best, ROWS)[1]
    gradient = loss_and_gradient(best, ROWS, [[t] for t in NAND])[1]
    n, (w1, w2) = result["neurons"], result["mean_weights"]
    # Neurons differ by .028: the more there are, the nearer is their mean.
    tolerance = 0.001 + 4 * 0.028 / n**0.5
    return result | {
        "least_squares": {"weights": [-0.5, -0.5], "bias": 1.25, "outputs": outputs},
        "checks": [
            equal("neurons with all four rows right", result["all_four_rows_right"], n),
            near("mean absolute error", result["mean_absolute_error"], 0.25, 1e-3),
            near("mean weight 1", w1, -0.441, tolerance),
            near("mean weight 2", w2, -0.441, tolerance),
            near("mean bias", result["mean_bias"], 1.180, tolerance),
            equal("outputs of the least squares", outputs, [1.25, 0.75, 0.75, 0.25]),
            at_most("its largest slope", max_difference(gradient, 0.0), 1e-12),
        ],
    }
