"""How an explanation reads: 3Blue1Brown's formulas, with a number under each.

The raised number in brackets is the layer, j counts its neurons from 0, k those of
the layer before.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .explain import Explanation, LayerFactors

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
Row = dict[str, Any]  # the numbers of one formula, by their names
Symbol = Callable[..., str]
_FORMULAS = {
    "squared_error": "Σ (a - y)²",
    "half_squared_error": "½ Σ (a - y)²",
    "mean_squared_error": "mean of (a - y)²",
}


def explained(
    explanation: "Explanation", weights: Sequence[tuple[int, int, int]] | None = None
) -> Row:
    """Return the numbers of an explanation, those of a formula together.

    weights are (layer, j, k) of those that are explained; None explains everything.
    """
    layers = explanation.layers
    symbol = _symbols(all(layer.W.size == 1 for layer in layers))
    every = [(x.layer, j, None) for x in reversed(layers) for j in range(len(x.a))]
    neurons: Sequence[tuple[int, int, int | None]] = weights or every
    return {
        "sizes": [len(layers[0].before), *(len(layer.a) for layer in layers)],
        "functions": [layer.function for layer in layers],
        "loss": explanation.loss,
        "y": explanation.target.tolist(),
        "cost": explanation.cost,
        "forward": [] if weights else _forward(layers, symbol),
        "backward": [_backward(layers, *neuron, symbol) for neuron in neurons],
    }


def _symbols(chain: bool) -> Symbol:
    """Return how numbers are called; a chain of single neurons needs no j and k."""

    def symbol(letter: str, layer: int, *indices: int) -> str:
        raised = "⁽" + str(layer).translate(_RAISED) + "⁾"
        between = "," if any(index > 9 for index in indices) else ""
        lowered = "" if chain else between.join(map(str, indices))
        return letter + raised + lowered.translate(_LOWERED)

    return symbol


def _forward(layers: list["LayerFactors"], symbol: Symbol) -> list[Row]:
    return [
        {
            "neuron": symbol("a", layer.layer, j),
            "total": symbol("z", layer.layer, j),
            "weights": layer.W[:, j].tolist(),
            "inputs": layer.before.tolist(),
            "bias": layer.b[j].item(),
            "z": layer.z[j].item(),
            "function": layer.function,
            "a": layer.a[j].item(),
        }
        for layer in layers
        for j in range(len(layer.a))
    ]


def _backward(
    layers: list["LayerFactors"], number: int, j: int, k: int | None, symbol: Symbol
) -> Row:
    """Return where a neuron's dC/da comes from, and the derivatives it leads to."""
    layer = layers[number - 1]
    slope, da, before = layer.slope[j].item(), layer.da[j].item(), layer.before.tolist()
    return {
        "neuron": symbol("a", number, j),
        "a": layer.a[j].item(),
        "terms": [
            {"w": symbol("w", number + 1, i, j), "dz/da": w, "da/dz": s, "dC/da": d}
            for after in layers[number : number + 1]  # none after the last
            for i, (w, s, d) in enumerate(
                np.transpose([after.W[j], after.slope, after.da]).tolist()
            )
        ],
        "dC/da": da,
        "da/dz": slope,
        "weights": [
            {"of": symbol("w", number, j, k), "dz/dw": before[k]}
            | {"dC/dw": before[k] * slope * da}
            for k in (range(len(before)) if k is None else [k])
        ],
        "bias": {"of": symbol("b", number, j), "dC/db": layer.dz[j].item()},
    }


def number(value: float) -> str:
    """Return a number with eight digits."""
    return f"{value:.8g}"


def factor(value: float) -> str:
    """Return a number as a factor: a negative one in brackets."""
    return f"({number(value)})" if value < 0 else number(value)


def show_explain(result: Row) -> str:
    """Return the numbers of `explained` in their formulas."""
    sizes = "-".join(map(str, result["sizes"]))
    functions = ", ".join(dict.fromkeys(result["functions"]))
    formula = _FORMULAS.get(result["loss"], result["loss"])
    lines = [f"{sizes}, {functions}", ""]
    if result["forward"]:
        lines += ["Forward: z = Σ w a + b, a = f(z)", ""]
        lines += [line for row in result["forward"] for line in _forward_lines(row)]
        lines.append("")
    y = ", ".join(map(number, result["y"]))
    lines += [f"Cost: C₀ = {formula} = {number(result['cost'])}, with y = {y}", ""]
    lines += ["Backward: ∂C₀/∂w = ∂z/∂w · ∂a/∂z · ∂C₀/∂a,  ∂C₀/∂b = ∂a/∂z · ∂C₀/∂a"]
    for row in result["backward"]:
        lines += ["", *_backward_lines(row)]
    return "\n".join(lines)


def _forward_lines(row: Row) -> list[str]:
    products = zip(row["weights"], row["inputs"], strict=True)
    terms = " + ".join(f"{factor(w)} · {factor(a)}" for w, a in products)
    z, a = number(row["z"]), number(row["a"])
    return [
        f"  {row['total']} = {terms} + {factor(row['bias'])} = {z}",
        f"  {row['neuron']} = {row['function']}({z}) = {a}",
    ]


def _backward_lines(row: Row) -> list[str]:
    head = f"  ∂C₀/∂{row['neuron']} = "
    total, first = number(row["dC/da"]), row["terms"][:3]
    if first:
        more = " + ..." if len(row["terms"]) > 3 else ""
        names = " + ".join(f"{term['w']} · ∂a/∂z · ∂C₀/∂a" for term in first)
        keys = ("dz/da", "da/dz", "dC/da")
        sums = " + ".join(" · ".join(factor(term[k]) for k in keys) for term in first)
        equals = " " * (len(head) - 2) + "= "
        lines = [f"{head}{names}{more}", f"{equals}{sums}{more}", f"{equals}{total}"]
    else:
        lines = [f"{head}{total}, the slope of the cost"]
    dz, bias = f"{factor(row['da/dz'])} · {factor(row['dC/da'])}", row["bias"]
    for w in row["weights"]:
        product = f"{factor(w['dz/dw'])} · {dz} = {number(w['dC/dw'])}"
        lines.append(f"    ∂C₀/∂{w['of']} = {product}")
    return [*lines, f"    ∂C₀/∂{bias['of']} = {dz} = {number(bias['dC/db'])}"]
