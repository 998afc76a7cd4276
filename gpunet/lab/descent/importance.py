"""13,002 dimensions: which weights matter, and which way each should go."""

from pathlib import Path
from typing import Any

import numpy as np

from ...activations import sigmoid
from ...backend import open_backend
from ...checks.explain import explain
from ...data import load_mnist
from ...errors import ConfigError
from ...losses import one_hot
from ...network import Network
from ...show.plots import bars
from ..checks import at_least, at_most, equal, near
from ..tools import loss_and_gradients, untrained


def importance(*, device="cpu", seed=0, examples=200, nudge=1e-4) -> dict[str, Any]:
    """Rank 13,002 parameters by their gradient, nudge them, measure the cost.

    Parameters
    ----------
    examples : int
        Training digits over which the cost is averaged.
    nudge : float
        How far each parameter is moved, downhill.
    """
    if not 1 <= examples <= 5000 or not 0 < nudge <= 0.01:
        raise ConfigError(
            f"importance: {examples} examples, nudge {nudge:g}: expected 1 to 5,000 "
            "examples and a nudge above 0, at most 0.01"
        )
    train, net = load_mnist().train, untrained(seed, device)
    x = train.x[:examples].astype(np.float64)
    t = one_hot(train.t[:examples], 10, np.float64)
    cost, grads = loss_and_gradients(net, x, t)
    flat = np.concatenate([grads[name].ravel() for name in net.params])
    size, order = np.abs(flat), np.argsort(-np.abs(flat))
    tenths, rows = np.array_split(order, 10), []
    for k, chosen in enumerate(tenths):
        moved = loss_and_gradients(_nudged(net, flat, chosen, nudge), x, t)[0]
        row = {"tenth": k + 1, "mean_slope": float(size[chosen].mean())}
        row |= {"foretold_fall": nudge * float(size[chosen].sum())}
        rows.append(row | {"measured_fall": float(cost - moved)})
    first, last = (row["measured_fall"] for row in (rows[0], rows[-1]))
    share = float((flat[tenths[0]] ** 2).sum() / (flat**2).sum())
    singles = _single_nudges(net, flat, order, (x, t), nudge)
    off = max(abs(row["measured_fall"] / row["foretold_fall"] - 1) for row in singles)
    checks = [
        equal("parameters", len(flat), 13_002),
        near(
            "top tenth: measured / foretold", first / rows[0]["foretold_fall"], 1, 0.1
        ),
        at_most("single parameters: largest relative difference", off, 1e-3),
        at_least("top tenth / last tenth", first / max(abs(last), 1e-9), 1000.0),
        at_least("top tenth's share of the square", share, 0.5),
    ]
    return {
        "parameters": len(flat),
        "cost": float(cost),
        "tenths_by_rank": rows,
        "single_parameters": singles,
        "top_tenth's_share_of_|grad|^2": share,
        "checks": checks,
    }


def draw_importance(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw how far the cost falls by a nudge of each tenth."""
    rows = result["tenths_by_rank"]
    ranks = ["top\ntenth", "2nd", "3rd", *(f"{k}th" for k in range(4, 10)), "last"]
    falls = {
        what: [1000 * row[f"{what}_fall"] for row in rows]
        for what in ("foretold", "measured")
    }
    title = "The tenth of the weights with the largest slopes does the work"
    label = "fall of the cost, thousandths"
    return [bars(folder / "importance.png", ranks, falls, title=title, label=label)]


def _nudged(net: Network, flat: np.ndarray, chosen: Any, nudge: float) -> Network:
    """Return the network with the chosen parameters moved downhill."""
    step = np.zeros_like(flat)
    step[chosen] = -nudge * np.sign(flat[chosen])
    params, at = {}, 0
    for name, p in net.params.items():
        old = net.backend.to_host(p)
        params[name] = net.backend.array(
            old + step[at : at + old.size].reshape(old.shape)
        )
        at += old.size
    return net.with_params(params)


def _single_nudges(net, flat, order, example, nudge) -> list[dict[str, Any]]:
    """Return what one parameter does, from the first in rank downwards."""
    names = [
        f"{name}{[int(i) for i in at]}"
        for name, p in net.params.items()
        for at in np.ndindex(*p.shape)
    ]
    rows = []
    for rank in (1, 10, 100, 1000):
        k = order[rank - 1]
        down, up = (
            float(loss_and_gradients(_nudged(net, flat, [k], by), *example)[0])
            for by in (nudge, -nudge)
        )
        row = {"rank": rank, "parameter": names[k], "slope": flat[k].item()}
        row |= {"foretold_fall": nudge * abs(flat[k].item())}
        rows.append(row | {"measured_fall": (up - down) / 2})
    return rows


def quiz(*, device="cpu", seed=0) -> dict[str, Any]:
    """Answer what the lessons ask: a sigmoid's end, and which biases rise."""
    bk = open_backend(device)
    z = [-1000.0, -10.0, 0.0, 10.0, 1000.0]
    with bk.use():
        values = bk.to_host(sigmoid(bk.array(z, "float64"))).tolist()
    net, train, rows = untrained(seed, device), load_mnist().train, []
    for digit in range(10):
        x = train.x[int(np.flatnonzero(train.t == digit)[0])]
        wanted = -explain(net, x, digit).layers[-1].dz
        rows.append(
            {
                "picture_of": digit,
                "biases_that_rise": np.flatnonzero(wanted > 0).tolist(),
                "biases_that_fall": np.flatnonzero(wanted < 0).tolist(),
            }
        )
    rises = sum(row["biases_that_rise"] == [row["picture_of"]] for row in rows)
    falls = sum(len(row["biases_that_fall"]) for row in rows)
    return {
        "sigmoid": [{"z": a, "sigma(z)": b} for a, b in zip(z, values, strict=True)],
        "output_biases": rows,
        "checks": [
            equal("sigma(-1000)", values[0], 0.0),
            near("sigma(10)", values[3], 0.9999546021, 1e-10),
            equal("sigma(1000)", values[4], 1.0),
            equal("digits whose own bias rises, alone", rises, 10),
            equal("other biases that fall", falls, 90),
        ],
    }
