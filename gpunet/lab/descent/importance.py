"""13,002 dimensions: which weights matter, and which way each should go."""

from typing import Any

import numpy as np

from ...activations import sigmoid
from ...backend import open_backend
from ...checks.explain import explain
from ...losses import one_hot
from ...network import Network
from ...show.plots import bars
from ...show.style import Figure
from ..checks import Result, at_least, at_most, check_range, equal, near
from ..digits.trained import first_of, sample
from ..tools import loss_and_gradient, untrained


def importance(
    *, device: str = "cpu", seed: int = 0, examples: int = 200, nudge: float = 1e-4
) -> Result:
    """Rank 13,002 parameters by their gradient, nudge them, measure the cost.

    nudge: How far each parameter is moved, downhill.
    """
    check_range("examples", examples, 1, 5000)
    check_range("nudge", nudge, 0, 0.01, above=True)
    net, (x, labels) = untrained(seed, device), sample(examples)
    t = one_hot(labels, 10, np.float64)
    cost, slopes = loss_and_gradient(net, x, t)
    size, order = np.abs(slopes), np.argsort(-np.abs(slopes))

    def cost_after(chosen: Any, step: float) -> float:
        return loss_and_gradient(_nudged(net, slopes, chosen, step), x, t)[0]

    tenths, names = np.array_split(order, 10), _names(net)
    rows = [
        {"tenth": k, "mean_slope": float(size[tenth].mean())}
        | {"foretold_fall": nudge * float(size[tenth].sum())}
        | {"measured_fall": cost - cost_after(tenth, nudge)}
        for k, tenth in enumerate(tenths, 1)
    ]
    singles = [
        {
            "rank": rank,
            "parameter": names[k],
            "slope": slopes[k].item(),
            "foretold_fall": nudge * size[k].item(),
            "measured_fall": (cost_after([k], -nudge) - cost_after([k], nudge)) / 2,
        }
        for rank, k in ((rank, order[rank - 1]) for rank in (1, 10, 100, 1000))
    ]
    share = float((slopes[tenths[0]] ** 2).sum() / (slopes**2).sum())
    return {
        "parameters": len(slopes),
        "cost": cost,
        "tenths_by_rank": rows,
        "single_parameters": singles,
        "top_tenth's_share_of_|grad|^2": share,
        "checks": _checks(len(slopes), rows, singles, share),
    }


def _checks(n: int, rows: list[Result], singles: list[Result], share: float) -> list:
    ratio = [row["measured_fall"] / row["foretold_fall"] for row in [rows[0], *singles]]
    top, last = rows[0]["measured_fall"], rows[-1]["measured_fall"]
    off = max(abs(r - 1) for r in ratio[1:])
    return [
        equal("parameters", n, 13_002),
        near("top tenth: measured / foretold", ratio[0], 1, 0.1),
        at_most("single parameters: largest relative difference", off, 1e-3),
        at_least("top tenth / last tenth", top / max(abs(last), 1e-9), 1000.0),
        at_least("top tenth's share of the square", share, 0.5),
    ]


def draw_importance(result: Result) -> dict[str, Figure]:
    """Draw how far the cost falls by a nudge of each tenth."""
    ranks = ["top\ntenth", "2nd", "3rd", *(f"{k}th" for k in range(4, 10)), "last"]
    falls = {
        what: [1000 * row[f"{what}_fall"] for row in result["tenths_by_rank"]]
        for what in ("foretold", "measured")
    }
    title = "The tenth of the weights with the largest slopes does the work"
    label = "fall of the cost, thousandths"
    return {"importance": bars(ranks, falls, title=title, label=label)}


def _nudged(net: Network, slopes: np.ndarray, chosen: Any, nudge: float) -> Network:
    """Return the network with the chosen parameters moved downhill."""
    step = np.zeros_like(slopes)
    step[chosen] = -nudge * np.sign(slopes[chosen])
    params, start = {}, 0
    for name, p in net.params.items():
        before = net.backend.to_host(p)
        part = step[start : start + before.size].reshape(before.shape)
        params[name] = net.backend.array(before + part)
        start += before.size
    return net.with_params(params)


def _names(net: Network) -> list[str]:
    """Return "0.W[3, 1]" and its like for every parameter."""
    params = net.params.items()
    return [
        f"{name}{list(index)}" for name, p in params for index in np.ndindex(p.shape)
    ]


def quiz(*, device: str = "cpu", seed: int = 0) -> Result:
    """Answer what the lessons ask: a sigmoid's end, and which biases rise."""
    bk = open_backend(device)
    z = [-1000.0, -10.0, 0.0, 10.0, 1000.0]
    with bk.use():
        values = bk.to_host(sigmoid(bk.array(z, "float64"))).tolist()
    net, rows = untrained(seed, device), []
    rises = falls = 0
    for digit in range(10):
        dz = explain(net, first_of(digit), digit).layers[-1].dz
        up, down = (np.flatnonzero(slope < 0).tolist() for slope in (dz, -dz))
        row = {"picture_of": digit, "biases_that_rise": up, "biases_that_fall": down}
        rows.append(row)
        rises, falls = rises + (up == [digit]), falls + len(down)
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
