"""How an explanation reads: the notes' formulas, with a number under each."""

from ..checks import Result

_FORMULAS = {
    "squared_error": "Σ (a - y)²",
    "half_squared_error": "½ Σ (a - y)²",
    "mean_squared_error": "mean of (a - y)²",
}


def number(value: float) -> str:
    """Return a number with eight digits."""
    return f"{value:.8g}"


def factor(value: float) -> str:
    """Return a number as a factor: a negative one in brackets."""
    return f"({number(value)})" if value < 0 else number(value)


def show_explain(result: Result) -> str:
    """Return the lines that `lab explain` prints."""
    sizes = "-".join(map(str, result["sizes"]))
    functions = ", ".join(dict.fromkeys(result["functions"]))
    formula = _FORMULAS.get(result["loss"], result["loss"])
    lines = [f"{sizes}, {functions}", ""]
    if result["forward"]:
        lines += ["Forward: z = Σ w a + b, a = f(z)", ""]
        lines += [line for row in result["forward"] for line in _forward(row)]
        lines.append("")
    y = ", ".join(map(number, result["y"]))
    lines += [f"Cost: C₀ = {formula} = {number(result['cost'])}, with y = {y}", ""]
    lines += ["Backward: ∂C₀/∂w = ∂z/∂w · ∂a/∂z · ∂C₀/∂a,  ∂C₀/∂b = ∂a/∂z · ∂C₀/∂a"]
    for row in result["backward"]:
        lines += ["", *_backward(row)]
    return "\n".join(lines)


def _forward(row: Result) -> list[str]:
    products = zip(row["weights"], row["inputs"], strict=True)
    terms = " + ".join(f"{factor(w)} · {factor(a)}" for w, a in products)
    z, a = number(row["z"]), number(row["a"])
    return [
        f"  {row['total']} = {terms} + {factor(row['bias'])} = {z}",
        f"  {row['neuron']} = {row['function']}({z}) = {a}",
    ]


def _backward(row: Result) -> list[str]:
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
