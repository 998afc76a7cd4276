"""One neuron: what it computes, why a step cannot learn and a slope can.

After Joe Albahari's talk "Writing a Neural Net from Scratch": a perceptron with
its comparator, NAND by hand, NAND learned from examples, and what an error is
worth. A neuron is a network of the sizes [n, 1]; what it remembers are its
weights and bias, what it forgets are its total and its output.
"""

from typing import Any

import numpy as np

from ...backend import open_backend
from ...errors import ConfigError
from ...losses import loss
from ...network import Network
from ...optimizers import SGD
from ...random import host_rng
from ...training import fit
from ..checks import at_least, at_most, equal
from ..tools import given_network, largest_gap, near, numbers

# The truth table in the notes' order: 00, 10, 01, 11.
ROWS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
NAND = [1.0, 1.0, 1.0, 0.0]
NAND_WEIGHTS, NAND_BIAS = (-2.0, -2.0), 3.0


def neuron(weights, bias, kind="comparator", *, device="cpu") -> Network:
    """Return one neuron as a network of the sizes [n, 1]."""
    params = {"0.W": [[w] for w in weights], "0.b": [bias]}
    return given_network(
        [len(weights), 1],
        params,
        device=device,
        output=kind,
        loss="half_squared_error",
    )


def fire(net: Network, rows: Any) -> tuple[list[float], list[float]]:
    """Return a neuron's totals and outputs for rows of inputs."""
    bk = net.backend
    with bk.use():
        y, caches = net.forward(bk.array(rows, "float64"))
    totals = caches[-1][0]  # what the activation was given
    return [bk.to_host(v)[:, 0].tolist() for v in (totals, y)]


def perceptron(
    *,
    device="cpu",
    seed=0,
    weights=(0.5, -1.0, 1.5),
    bias=-1.5,
    inputs=(8.0, 5.0, 2.0),
) -> dict[str, Any]:
    """Fire one neuron with a comparator: 1 if the total is above 0, else 0.

    Parameters
    ----------
    weights : tuple of float
        One for each input.
    bias : float
        Added to the total.
    inputs : tuple of float
        What arrives.
    """
    if len(weights) != len(inputs):
        raise ConfigError(
            f"perceptron: {len(inputs)} inputs for {len(weights)} weights; give one "
            "weight for each input"
        )
    net = neuron(weights, bias, device=device)
    before = numbers(net, net.params)
    (total,), (output,) = fire(net, [inputs])
    products = [w * x for w, x in zip(weights, inputs, strict=True)]
    notes = neuron((0.5, -1.0, 1.5), -1.5, device=device)
    totals, outputs = fire(notes, [[8.0, 5.0, 2.0], [3.0, 0.0, 0.0]])
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
            equal("weights after firing", numbers(net, net.params), before),
        ],
    }


def nand(*, device="cpu", seed=0) -> dict[str, Any]:
    """Fire the NAND gate: weights -2 and -2, bias 3."""
    totals, outputs = fire(neuron(NAND_WEIGHTS, NAND_BIAS, device=device), ROWS)
    table = [
        {"A": int(a), "B": int(b), "total": total, "output": output}
        for (a, b), total, output in zip(ROWS, totals, outputs, strict=True)
    ]
    return {
        "weights": list(NAND_WEIGHTS),
        "bias": NAND_BIAS,
        "truth_table": table,
        "checks": [
            equal("totals", totals, [3.0, 1.0, 1.0, -1.0]),
            equal("outputs", outputs, NAND),
        ],
    }


def comparator(*, device="cpu", seed=0, nudge=1e-4) -> dict[str, Any]:
    """Nudge every weight: the comparator's loss stays, the sigmoid's moves.

    Parameters
    ----------
    nudge : float
        How far each weight is moved, up and down.
    """
    if not nudge > 0:
        raise ConfigError(f"comparator: nudge: expected a number above 0, got {nudge}")
    start = {"weight 1": 0.2, "weight 2": -0.3, "bias": -0.1}
    first = neuron(start_weights(start), start["bias"], device=device)
    total, output = fire(first, [[0.0, 1.0]])
    kinds = ("comparator", "sigmoid", "leaky_relu")
    slopes = {kind: _slopes(start, kind, nudge, device) for kind in kinds}
    try:
        fit(first, (np.zeros((1, 2)), np.zeros((1, 1))))
        refusal = "it was trained"
    except ConfigError as error:
        refusal = str(error).removeprefix("activation: ")
    rows = [
        {"parameter": name, "value": value} | {kind: slopes[kind][k] for kind in kinds}
        for k, (name, value) in enumerate(start.items())
    ]
    return {
        "start": {"total_for_(0,1)": total[0], "output": output[0], "wanted": 1},
        "slope_of_the_loss": rows,
        "asked_to_train": refusal,
        "checks": [
            near("total for (0, 1)", total[0], -0.4, 1e-12),
            equal("output - wanted", output[0] - 1.0, -1.0),
            equal("comparator's slopes", slopes["comparator"], [0.0, 0.0, 0.0]),
            at_least("sigmoid's least slope", min(map(abs, slopes["sigmoid"])), 1e-3),
            equal("refused by the library", "its slope is 0" in refusal, True),
        ],
    }


def start_weights(values: dict[str, float]) -> list[float]:
    """Return the weights without the bias."""
    return [values["weight 1"], values["weight 2"]]


def _slopes(start, kind, nudge, device) -> list[float]:
    """Return central differences of the NAND loss at every parameter."""

    def cost(name, step):
        values = start | {name: start[name] + step}
        net = neuron(start_weights(values), values["bias"], kind, device=device)
        outputs = fire(net, ROWS)[1]
        return sum((o - t) ** 2 for o, t in zip(outputs, NAND, strict=True)) / 8

    return [(cost(name, nudge) - cost(name, -nudge)) / (2 * nudge) for name in start]


_CASES = {"four small": [0.2, 0.2, 0.2, 0.2], "one large": [0.0, 0.0, 0.0, 0.6]}
_MEASURES = {
    "sum of errors": ("absolute_error", 0.8, 0.6),
    "sum of squares": ("squared_error", 0.16, 0.36),
    "half sum of squares": ("half_squared_error", 0.08, 0.18),
    "mean of squares": ("mean_squared_error", 0.04, 0.09),
}


def losses(*, device="cpu", seed=0) -> dict[str, Any]:
    """Weigh four small errors against one large: squares turn the order round."""
    bk = open_backend(device)
    rows, checks, slopes = [], [], {}
    outputs = bk.array(list(_CASES.values()), "float64")
    wanted = bk.array(np.zeros((2, 4)))
    for what, (name, small, large) in _MEASURES.items():
        measure = loss(name)
        with bk.use():
            found = bk.to_host(measure.cost(outputs, wanted)).tolist()
            slope = bk.to_host(measure.cost_slope(outputs, wanted))
        rows.append({"measure": what, **dict(zip(_CASES, found, strict=True))})
        checks.append(near(f"{what}, four small", found[0], small, 1e-12))
        checks.append(near(f"{what}, one large", found[1], large, 1e-12))
        slopes[name] = slope[1, 3].item()
    readings = [
        {"output": 0.2, "nearer_end": int(0.2 >= 0.5), "wanted": t, "error": 0.2 - t}
        for t in (0, 1)
    ]
    return {
        "reading_a_fraction": readings,
        "errors": _CASES,
        "losses": rows,
        "slope_for_the_error_of_0.6": slopes,
        "checks": [
            *checks,
            near("slope of the sum: 2 e", slopes["squared_error"], 1.2, 1e-12),
            near("slope of the half sum: e", slopes["half_squared_error"], 0.6, 1e-12),
            near(
                "slope of the mean: 2 e / n", slopes["mean_squared_error"], 0.3, 1e-12
            ),
        ],
    }


def learn_nand(*, device="cpu", seed=0, population=200) -> dict[str, Any]:
    """Learn NAND from 800 random rows, one a step: many neurons at once.

    Parameters
    ----------
    population : int
        Neurons, each with a start and examples of its own.
    """
    net, rows = _newborn(population, seed, device)
    bk, sgd = net.backend, SGD(0.02)
    with bk.use():
        sgd.start(net.params, bk, population)
        x = bk.array(rows)  # (population, 1000, 2), the last 200 held out
        t = 1.0 - x[..., :1] * x[..., 1:]
        for k in range(800):
            y, caches = net.forward(x[:, k : k + 1, :])
            grads = net.backward(caches, net.loss.slope(y, t[:, k : k + 1, :]))
            sgd.step(net.params, grads)
        held_out, _ = net.forward(x[:, 800:, :])
        hits = bk.to_host((held_out >= 0.5) == (t[:, 800:, :] >= 0.5)).mean()
        outputs = bk.to_host(net.forward(bk.array(ROWS, "float64"))[0])[..., 0]
    right = int(((outputs >= 0.5) == (np.array(NAND) >= 0.5)).all(axis=1).sum())
    w, b = (bk.to_host(net.params[name]) for name in ("0.W", "0.b"))
    best, best_slope = _best_nand(device)
    result = {
        "neurons": population,
        "all_four_rows_right": right,
        "held_out_rows_right": float(hits),
        "mean_weights": w[..., 0].mean(axis=0).tolist(),
        "mean_bias": float(b.mean()),
        "mean_outputs": outputs.mean(axis=0).tolist(),
        "mean_absolute_error": float(np.abs(outputs - NAND).mean()),
        "least_squares": {"weights": [-0.5, -0.5], "bias": 1.25, "outputs": best},
    }
    return result | {"checks": _nand_checks(result, best, best_slope)}


def _nand_checks(result, best, best_slope) -> list[dict[str, Any]]:
    n, (w1, w2) = result["neurons"], result["mean_weights"]
    # Neurons differ by .028: the more there are, the nearer is their mean.
    within = 0.001 + 4 * 0.028 / n**0.5
    return [
        equal("neurons with all four rows right", result["all_four_rows_right"], n),
        near("mean absolute error", result["mean_absolute_error"], 0.25, 1e-3),
        near("mean weight 1", w1, -0.441, within),
        near("mean weight 2", w2, -0.441, within),
        near("mean bias", result["mean_bias"], 1.180, within),
        equal("outputs of the least squares", best, [1.25, 0.75, 0.75, 0.25]),
        at_most("its largest slope", best_slope, 1e-12),
    ]


def _newborn(population, seed, device) -> tuple[Network, np.ndarray]:
    """Return neurons with weights of +-(.0001 ... .001), and their examples."""
    if population < 1:
        raise ConfigError(f"learn-nand: population: expected 1 or more: {population}")
    draws = [host_rng(seed + i, "init") for i in range(population)]
    start = np.array([g.uniform(1e-4, 1e-3, 3) * g.choice([-1, 1], 3) for g in draws])
    params = {"0.W": start[:, :2, None], "0.b": start[:, 2:]}
    net = given_network(
        [2, 1],
        params,
        device=device,
        output="leaky_relu",
        loss="half_squared_error",
        population=population,
    )
    draws = [host_rng(seed + i, "shuffle") for i in range(population)]
    return net, np.array([g.integers(0, 2, (1000, 2)) for g in draws], np.float64)


def _best_nand(device) -> tuple[list[float], float]:
    """Return the outputs of the least-squares neuron and its largest slope."""
    net = neuron((-0.5, -0.5), 1.25, "leaky_relu", device=device)
    bk = net.backend
    with bk.use():
        y, caches = net.forward(bk.array(ROWS))
        t = bk.array([[v] for v in NAND])
        grads = net.backward(caches, net.loss.slope(y, t))
    largest = max(largest_gap(bk.to_host(g), 0.0) for g in grads.values())
    return bk.to_host(y)[:, 0].tolist(), largest
