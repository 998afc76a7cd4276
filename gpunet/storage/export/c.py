"""A network as one C99 file without dependencies, for where no Python is.

    void gpunet_predict(const float *x, float *y);

Weights are written with the fewest digits that read back as the same number.
Nothing is allocated or kept between calls, so that threads may call it at once.
"""

import re

import numpy as np

from .graph import DenseStep, ExportGraph, FunctionStep, Port, unwritten

_HEAD = """/* A network written by gpunet. C99, needs only the math library (-lm).
 *
 * void gpunet_predict(const {x} *x, {y} *y);
 *
 * x: {n_in} inputs{inputs}
 * y: {n_out} outputs{outputs}
 */
#include <math.h>

#define GPUNET_INPUTS {n_in}
#define GPUNET_OUTPUTS {n_out}

void gpunet_predict(const {x} *x, {y} *y);
"""
_NUMBERS = {"float32": ("float", "f"), "float64": ("double", "")}  # type, suffix
# one number in, one number out; f is the suffix of float constants and functions
_FUNCTIONS = {
    "relu": "return z > 0.0{f} ? z : 0.0{f};",
    "leaky_relu": "return z > 0.0{f} ? z : {alpha} * z;",
    "elu": "return z > 0.0{f} ? z : {alpha} * expm1{f}(z);",
    "sigmoid": "z = exp{f}(z > 40.0{f} ? 40.0{f} : z);\n    return z / (1.0{f} + z);",
    "tanh": "return tanh{f}(z);",
    "silu": "{t} e = exp{f}(z > 40.0{f} ? 40.0{f} : z);\n"
    "    return z * (e / (1.0{f} + e));",
    "softplus": "return log1p{f}(exp{f}(-fabs{f}(z))) + (z > 0.0{f} ? z : 0.0{f});",
    "comparator": "return z > 0.0{f} ? 1.0{f} : 0.0{f};",
    "gelu": "{t} u = 1.5957691216057308{f} * (z + 0.044715{f} * z * z * z);\n"
    "    u = exp{f}(u > 40.0{f} ? 40.0{f} : u);\n"
    "    return z * (u / (1.0{f} + u));",
}
_SOFTMAX = """static void {name}({t} *a, int n)
{{
    {t} most = a[0], sum = 0.0{f};
    int j;
    for (j = 1; j < n; j++)
        if (a[j] > most)
            most = a[j];
    for (j = 0; j < n; j++) {{
        a[j] = exp{f}(a[j] - most);
        sum += a[j];
    }}
    for (j = 0; j < n; j++)
        a[j] /= sum;
}}
"""
_DENSE = """static void dense(const {t} *x, int n_in, const {t} *W, const {t} *b,
                  {t} *z, int n_out)
{{
    int i, j;
    for (j = 0; j < n_out; j++)
        z[j] = b[j];
    for (i = 0; i < n_in; i++)
        for (j = 0; j < n_out; j++)
            z[j] += x[i] * W[i * n_out + j];
}}
"""


def to_c(graph: ExportGraph) -> bytes:
    """Return the C file of a network."""
    number, f = _NUMBERS[graph.dtype]
    x, y = (_NUMBERS[p.dtype(graph.dtype)][0] for p in (graph.source, graph.target))
    arrays = [
        _array(f"{name}_{part}", values, "double")
        for name, port in (("input", graph.source), ("output", graph.target))
        for part, values in (("mean", port.shift), ("factor", port.factor))
        if values is not None
    ]
    functions: dict[FunctionStep, str] = {}  # its name in C
    lines, width, last, unused = [], graph.n_in, "a", "b"
    for k, step in enumerate(graph.steps):
        if isinstance(step, DenseStep):
            n_out = step.W.shape[1]
            arrays += [_array(f"W{k}", step.W, number), _array(f"b{k}", step.b, number)]
            lines.append(f"dense({last}, {width}, W{k}, b{k}, {unused}, {n_out});")
            width, last, unused = n_out, unused, last
            continue
        n_others = sum(other.name == step.name for other in functions)
        name = f"act_{step.name}{f'_{n_others}' if n_others else ''}"
        name = functions.setdefault(step, name)
        if step.name == "softmax":
            lines.append(f"{name}({last}, {width});")
        else:
            lines.append(f"for (j = 0; j < {width}; j++)")
            lines.append(f"    {last}[j] = {name}({last}[j]);")
    inputs, outputs = _listed(graph.source), _listed(graph.target)
    sizes = {"n_in": graph.n_in, "n_out": graph.n_out}
    sections = [
        _HEAD.format(x=x, y=y, inputs=inputs, outputs=outputs, **sizes),
        *arrays,
        _DENSE.format(t=number),
        *(_function(name, *step, number, f) for step, name in functions.items()),
        _predict(graph, lines, last, number, x, y),
    ]
    return "\n".join(sections).encode("ascii")


def _function(called: str, name: str, alpha: float | None, number: str, f: str) -> str:
    if name == "softmax":
        return _SOFTMAX.format(t=number, f=f, name=called)
    if name not in _FUNCTIONS:
        raise unwritten(name, "C")
    line = _FUNCTIONS[name].format(t=number, f=f, alpha=f"{alpha!r}{f}")
    return f"static {number} {called}({number} z)\n{{\n    {line}\n}}\n"


def _predict(
    graph: ExportGraph, body: list[str], last: str, number: str, x: str, y: str
) -> str:
    widest = max(max(step.W.shape) for step in graph.dense)
    first, end = "x[j]", f"{last}[j]"
    if graph.source.shift is not None:
        first = f"({number})((x[j] - input_mean[j]) * input_factor[j])"
    if graph.target.shift is not None:
        end = f"({y}){last}[j] * output_factor[j] + output_mean[j]"
    lines = [
        f"{number} a[{widest}], b[{widest}];",
        "int j;",
        "for (j = 0; j < GPUNET_INPUTS; j++)",
        f"    a[j] = {first};",
        *body,
        "for (j = 0; j < GPUNET_OUTPUTS; j++)",
        f"    y[j] = {end};",
    ]
    inside = "".join(f"    {line}\n" for line in lines)
    return f"void gpunet_predict(const {x} *x, {y} *y)\n{{\n{inside}}}\n"


def _array(name: str, values: np.ndarray, number: str) -> str:
    """Return a constant array; each number reads back as exactly itself."""
    kind, f = (np.float32, "f") if number == "float" else (np.float64, "")
    texts = [f"{v!s}{f}" for v in np.asarray(values, kind).reshape(-1)]
    rows = (", ".join(texts[k : k + 6]) for k in range(0, len(texts), 6))
    body = ",\n    ".join(rows)
    return f"static const {number} {name}[{len(texts)}] = {{\n    {body}\n}};\n"


def _listed(port: Port) -> str:
    """Return names for a comment: nothing in them can end it."""
    names = [re.sub(r"[^A-Za-z0-9_.=+ -]", "_", name)[:60] for name in port.names]
    return "".join(f"\n *    {k}: {name}" for k, name in enumerate(names))
