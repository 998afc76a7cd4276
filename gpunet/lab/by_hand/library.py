"""The pencil against the library: `floats` by hand, `Network` on arrays."""

from typing import Any

import numpy as np

from ...network import Network
from ...optimizers import SGD
from ...show.descent_plots import cost_contours
from ...show.style import Figure
from ...training import fit
from ..checks import Result, at_least, at_most, near
from ..tools import (
    SIGMOIDS,
    central_differences,
    flat,
    loss_and_gradients,
    max_difference,
    network_from,
    to_lists,
)
from . import floats

POINTS: list[tuple[floats.Pair, float]] = [
    *(((4, 1), 2), ((2, 8), -14), ((1, 0), 1)),
    *(((3, 2), -1), ((1, 4), -7), ((6, 7), -8)),
]
W, B = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3]
CHAIN_W, CHAIN_B = (0.5, -1.0, 2.0), (0.1, 0.2, -0.3)
_CHAIN_TARGETS = {
    **{"a1": 0.598687660, "a2": 0.401627684, "a3": 0.623224049},
    "cost": 0.1419601169,
    **{"dC/dw1": 0.0122602619, "dC/dw2": -0.0509173724, "dC/dw3": -0.0710663793},
    **{"dC/db1": 0.0204337699, "dC/db2": -0.0850483078, "dC/db3": -0.1769459178},
}


def _same(by_hand: Any, library: Any) -> Result:
    gap = max_difference(by_hand, library)
    return at_most("by hand against the library", gap, 1e-12)


def features(*, device: str = "cpu", seed: int = 0, rounds: int = 200) -> Result:
    """Fit y = 2 x^2 - 3 x + 1 with one linear layer of the features (x^2, x)."""
    xs = [k / 4 - 1 for k in range(9)]
    points = [(floats.parabola_features(x), 2 * x * x - 3 * x + 1) for x in xs]
    w, b = floats.learn_line(points, [0.0, 0.0], 0.0, 0.1, rounds)
    library = _learn_line(points, [0.0, 0.0], 0.0, 0.1, rounds, device)
    return {
        "formula": "y = 2 x^2 - 3 x + 1, and the layer is w1 x^2 + w2 x + b",
        "points": [{"x": x, "x^2": sq, "y": y} for (sq, x), y in points],
        "learned": [*w, b],
        "checks": [
            near("w1", w[0], 2.0, 1e-6),
            near("w2", w[1], -3.0, 1e-6),
            near("b", b, 1.0, 1e-6),
            _same([*w, b], library),
        ],
    }


def _learn_line(
    points: Any, w: Any, b: float, rate: float, rounds: int, device: str
) -> list[float]:
    """Return w1, w2, b as the library learns them."""
    params = {"0.W": [[wi] for wi in w], "0.b": [b]}
    net = network_from([2, 1], params, device, loss="squared_error")
    return flat(_fit_in_order(net, points, rate, rounds).values()).tolist()


def _fit_in_order(net: Network, points: Any, rate: float, rounds: int) -> Result:
    """Train one point a step, in order; return the parameters on the host."""
    x, y = zip(*points, strict=True)
    data = np.array(x, np.float64), np.array(y, np.float64)[:, None]
    in_order: Any = {"batch_size": 1, "shuffle": False, "compute_metrics": False}
    fit(net, data, epochs=rounds, optimizer=SGD(rate), **in_order, progress=False)
    return to_lists(net, net.params)


def line(
    *, device: str = "cpu", seed: int = 0, rate: float = 0.01, rounds: int = 1000
) -> Result:
    """Learn y = x1 - 2 x2 from six points, one point a step.

    rate: Learning rate of the long run; the first step shown takes 0.05.
    """
    w, b = [-0.017, -0.048], 0.0
    x, y = POINTS[0]
    yhat = floats.predict(w, b, x)
    first_w, first_b = floats.learn_line(POINTS[:1], w, b, 0.05, 1)
    last_w, last_b = floats.learn_line(POINTS, w, b, rate, rounds)
    library = _learn_line(POINTS[:1], w, b, 0.05, 1, device)
    library += _learn_line(POINTS, w, b, rate, rounds, device)
    # A step multiplies its point's error by 1 - 2 rate (x1^2 + x2^2 + 1): at 0.05
    # the error of (6, 7) grows 7.6 times, and the whole run does not converge.
    growth = {f"at_rate_{r}": 1 - 2 * r * (6 * 6 + 7 * 7 + 1) for r in (0.05, rate)}
    return {
        "points": [{"x1": x[0], "x2": x[1], "y": y} for x, y in POINTS],
        "first_prediction": yhat,
        "first_loss": (yhat - y) ** 2,
        "after_one_step": {"w": first_w, "b": first_b},
        "after_all_steps": {"w": last_w, "b": last_b},
        "a_step_multiplies_the_error_of_(6,7)": growth,
        "path": _path(w, b, rate),
        "checks": [
            near("first prediction", yhat, -0.116, 1e-12),
            near("first loss", (yhat - y) ** 2, 4.477, 5e-4),
            near("w1 after one step", first_w[0], 0.8294, 1e-12),
            near("w2 after one step", first_w[1], 0.1636, 1e-12),
            near("b after one step", first_b, 0.2116, 1e-12),
            near("w1 in the end", last_w[0], 1.0, 1e-9),
            near("w2 in the end", last_w[1], -2.0, 1e-9),
            near("b in the end", last_b, 0.0, 1e-9),
            _same([*first_w, first_b, *last_w, last_b], library),
        ],
    }


def _path(w: Any, b: float, rate: float) -> list[list[float]]:
    """Return (w1, w2) after each of 120 steps."""
    path = [list(w)]
    for point in POINTS * 20:
        w, b = floats.learn_line([point], w, b, rate, 1)
        path.append(list(w))
    return path


def draw_line(result: Result) -> dict[str, Figure]:
    """Draw the path of (w1, w2) through the mean loss of the six points, at b = 0."""
    x = np.array([x for x, _ in POINTS], np.float64)
    y = np.array([y for _, y in POINTS], np.float64)
    w1, w2 = np.linspace(-0.8, 1.6, 120), np.linspace(-2.6, 0.4, 120)
    yhat = w1[None, :, None] * x[:, 0] + w2[:, None, None] * x[:, 1]
    return {
        "line": cost_contours(
            (w1, w2, np.mean((yhat - y) ** 2, axis=-1)),
            {"one point\na step": result["path"]},
            title="Linear regression by SGD: 120 steps to y = x1 - 2 x2",
            labels=("w1", "w2"),
            best=(1.0, -2.0),
        )
    }


def chain_network(device: str) -> Network:
    """Return four neurons in a row as a network."""
    params: Result = {f"{2 * k}.W": [[w]] for k, w in enumerate(CHAIN_W)}
    params |= {f"{2 * k}.b": [b] for k, b in enumerate(CHAIN_B)}
    return network_from([1, 1, 1, 1], params, device, **SIGMOIDS)


def two_two_one(w: Any, b: Any, device: str) -> Network:
    """Return the 2-2-1 network of w1..w6, b1..b3."""
    params = {
        "0.W": [[w[0], w[2]], [w[1], w[3]]],  # row: input, column: hidden neuron
        "0.b": list(b[:2]),
        "2.W": [[w[4]], [w[5]]],
        "2.b": [b[2]],
    }
    return network_from([2, 2, 1], params, device, **SIGMOIDS)


def _weights_and_biases(params: Result) -> list[float]:
    """Return w1..w6, b1..b3 from the tensors of the 2-2-1 network."""
    w = np.asarray(params["0.W"]).T  # a column of W is one neuron
    return flat([w, params["2.W"], params["0.b"], params["2.b"]]).tolist()


def by_hand(*, device: str = "cpu", seed: int = 0) -> Result:
    """Show the nine gradients of the 2-2-1 network, under both sets of labels."""
    x, y = (-2.0, -1.0), 1.0

    def diagram(v: list[float]) -> float:
        return (y - floats.forward(v[:6], v[6:], x)[2]) ** 2

    def formulas(v: list[float]) -> float:
        return diagram([*floats.swap(v[:6]), *v[6:]])

    h1, h2, a = floats.forward(W, B, x)
    dw, db = floats.gradients(W, B, x, y)
    swapped_w, swapped_b = floats.gradients(floats.swap(W), B, x, y)
    table = {
        "parameter": [*(f"w{k}" for k in range(1, 7)), "b1", "b2", "b3"],
        "value": W + B,
        "by_hand": dw + db,
        "by_a_nudge": central_differences(diagram, W + B, 1e-5),
        "by_hand_(formulas)": [*floats.swap(swapped_w), *swapped_b],
        "by_a_nudge_(formulas)": central_differences(formulas, W + B, 1e-5),
    }
    result = {
        "forward": {"h1": h1, "h2": h2, "a1": a, "loss": (y - a) ** 2},
        "a1_by_the_formulas": floats.forward(floats.swap(W), B, x)[2],
        "gradients": [
            dict(zip(table, row, strict=True))
            for row in zip(*table.values(), strict=True)
        ],
        "why": "x1 -> h2 is w3 in the diagram and w4 in the formulas; so are w5, w6",
    }
    library = loss_and_gradients(two_two_one(W, B, device), [x], [[y]])
    return result | {"checks": _by_hand_checks(result, table, *library)}


def _by_hand_checks(result: Result, table: Result, loss: Any, grads: Any) -> list:
    diagram, nudged, formulas, formulas_nudged = list(table.values())[2:]
    a1, cost = result["forward"]["a1"], result["forward"]["loss"]
    formulas_gap = max_difference(formulas, formulas_nudged)
    mixed = max_difference(diagram, formulas_nudged)
    return [
        near("a1, labels of the diagram", a1, 0.6679203440, 1e-10),
        near("loss", cost, 0.1102768980, 1e-10),
        near("a1, of the formulas", result["a1_by_the_formulas"], 0.6681566737, 1e-10),
        at_most("gradients of the diagram", max_difference(diagram, nudged), 1e-9),
        at_most("gradients of the formulas", formulas_gap, 1e-9),
        at_least("the two sets mixed do not fit", mixed, 1e-3),
        _same(diagram, _weights_and_biases(grads)),
        at_most("its loss", max_difference(cost, loss), 1e-12),
    ]


def chain(*, device: str = "cpu", seed: int = 0) -> Result:
    """Follow four neurons in a row forward, and the chain rule back."""
    _, *a = floats.chain_forward(CHAIN_W, CHAIN_B, 0.6)
    dw, db = floats.chain_gradients(CHAIN_W, CHAIN_B, 0.6, 1)
    cost = (a[-1] - 1) ** 2
    value, grads = loss_and_gradients(chain_network(device), [[0.6]], [[1.0]])
    library = [grads[f"{k}.{tensor}"].item() for tensor in "Wb" for k in (0, 2, 4)]
    rows = [
        {"layer": k + 1, "w": w, "b": b, "a": a[k], "dC/dw": dw[k], "dC/db": db[k]}
        for k, (w, b) in enumerate(zip(CHAIN_W, CHAIN_B, strict=True))
    ]
    by_hand = zip(_CHAIN_TARGETS.items(), [*a, cost, *dw, *db], strict=True)
    checks = [near(what, v, target, 1e-9) for (what, target), v in by_hand]
    checks.append(_same([*dw, *db, cost], [*library, value]))
    return {"a0": 0.6, "y": 1, "cost": cost, "layers": rows, "checks": checks}


def alice(*, device: str = "cpu", seed: int = 0, rounds: int = 1000) -> Result:
    """Train the 2-2-1 network on four people, from weights 1 and biases 0."""
    ones, zeros = [1.0] * 6, [0.0] * 3
    x, y = floats.PEOPLE["Alice"]
    h1, _, a1 = floats.forward(ones, zeros, x)
    dw, db = floats.gradients(ones, zeros, x, y)
    w, b = floats.learn_people(ones, zeros, rounds=rounds)
    net = two_two_one(ones, zeros, device)
    library = _fit_in_order(net, list(floats.PEOPLE.values()), 0.1, rounds)
    inputs = {name: x for name, (x, _) in floats.PEOPLE.items()} | floats.STRANGERS
    scores = {name: floats.forward(w, b, x)[2] for name, x in inputs.items()}
    loss = floats.people_loss(w, b)
    checks = [
        near("h1 for Alice at the start", h1, 0.04742587, 1e-8),
        near("output for Alice at the start", a1, 0.52369517, 1e-8),
        near("dL/dw1", dw[0], 0.0214695353, 1e-10),
        near("dL/dw2", dw[1], 0.0107347676, 1e-10),
        near("dL/db1", db[0], -0.0107347676, 1e-10),
        near("dL/dw5 = dL/dw6", dw[4], -0.0112692202, 1e-10),
        near("dL/db3", db[2], -0.2376175595, 1e-10),
        _same([*w, *b], _weights_and_biases(library)),
    ]
    if rounds == 1000:
        checks += [
            near("loss after 1,000 rounds", loss, 0.0023927078, 1e-10),
            near("Emily", scores["Emily"], 0.9467883893, 1e-10),
            near("Frank", scores["Frank"], 0.0397587605, 1e-10),
        ]
    return {"loss": loss, "scores": scores, "w": w, "b": b, "checks": checks}
