"""How an explanation reads: the notes' formulas, with a number under each."""

from typing import Any

_SIGNS = {
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


def text(result: dict[str, Any]) -> str:
    """Return the lines that `lab explain` prints."""
    sizes = "-".join(map(str, result["sizes"]))
    functions = ", ".join(dict.fromkeys(result["functions"]))
    sign = _SIGNS.get(result["loss"], result["loss"])
    lines = [f"{sizes}, {functions}", ""]
    if result["forward"]:
        lines += ["Forward: z = Σ w a + b, a = f(z)", ""]
        lines += [line for row in result["forward"] for line in _forward(row)]
        lines.append("")
    wanted = ", ".join(map(number, result["y"]))
    lines += [f"Cost: C₀ = {sign} = {number(result['cost'])}, with y = {wanted}", ""]
    lines += ["Backward: ∂C₀/∂w = ∂z/∂w · ∂a/∂z · ∂C₀/∂a,  ∂C₀/∂b = ∂a/∂z · ∂C₀/∂a"]
    for row in result["backward"]:
        lines += ["", *_backward(row)]
    return "\n".join(lines)


def _forward(row: dict[str, Any]) -> list[str]:
    products = zip(row["weights"], row["inputs"], strict=True)
    terms = " + ".join(f"{factor(w)} · {factor(a)}" for w, a in products)
    return [
        f"  {row['total']} = {terms} + {factor(row['bias'])} = {number(row['z'])}",
        f"  {row['neuron']} = {row['function']}({number(row['z'])}) "
        f"= {number(row['a'])}",
    ]


def _backward(row: dict[str, Any]) -> list[str]:
    head = f"  ∂C₀/∂{row['neuron']}"
    pad = " " * len(head)
    if row["terms"]:
        names = " + ".join(f"{t['w']} · ∂a/∂z · ∂C₀/∂a" for t in row["terms"][:3])
        more = " + ..." if len(row["terms"]) > 3 else ""
        sums = " + ".join(
            f"{factor(t['dz/da'])} · {factor(t['da/dz'])} · {factor(t['dC/da'])}"
            for t in row["terms"][:3]
        )
        lines = [f"{head} = {names}{more}", f"{pad} = {sums}{more}"]
        lines.append(f"{pad} = {number(row['dC/da'])}")
    else:
        lines = [f"{head} = {number(row['dC/da'])}, the slope of the cost"]
    slope, da = factor(row["da/dz"]), factor(row["dC/da"])
    for w in row["weights"]:
        product = f"{factor(w['dz/dw'])} · {slope} · {da} = {number(w['dC/dw'])}"
        lines.append(f"    ∂C₀/∂{w['of']} = {product}")
    bias = row["bias"]
    lines.append(f"    ∂C₀/∂{bias['of']} = {slope} · {da} = {number(bias['dC/db'])}")
    return lines
