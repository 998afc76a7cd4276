"""A network as one C99 file without dependencies, for where no Python is.

    void gpunet_predict(const float *x, float *y);

Weights are written with the fewest digits that read back as the same number.
Nothing is allocated and nothing is kept between calls, so that threads may call
it at once; the widest layer lies on the stack twice.
"""

import re
from typing import Any

import numpy as np

from gpunet.storage.export.graph import Plan, Port

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


def to_c(plan: Plan) -> bytes:
    """Return the C file of a network."""
    number, f = ("float", "f") if plan.dtype == "float32" else ("double", "")
    kinds = {"float32": "float", "float64": "double"}
    x, y = kinds[plan.x_dtype], kinds[plan.y_dtype]
    sizes = {"n_in": plan.n_in, "n_out": plan.n_out}
    listed = {"inputs": _listed(plan.source), "outputs": _listed(plan.target)}
    arrays = [
        _array(f"{name}_{part}", getattr(port, field), "double")
        for name, port in (("input", plan.source), ("output", plan.target))
        for part, field in (("mean", "shift"), ("factor", "factor"))
        if port.shift is not None
    ]
    functions = {("dense", None): _DENSE.format(t=number)}
    names: dict[tuple, str] = {}
    body, width, now, then = [], plan.n_in, "a", "b"
    for k, (kind, *rest) in enumerate(plan.steps):
        if kind == "dense":
            W, b = rest
            arrays += [_array(f"W{k}", W, number), _array(f"b{k}", b, number)]
            body.append(f"dense({now}, {width}, W{k}, b{k}, {then}, {W.shape[1]});")
            width, now, then = W.shape[1], then, now
            continue
        key = (rest[0], rest[1])
        count = sum(name == key[0] for name, _ in names)  # with other parameters
        called = names.setdefault(key, f"act_{key[0]}{f'_{count}' if count else ''}")
        functions[key] = _function(called, *key, number, f)
        if key[0] == "softmax":
            body.append(f"{called}({now}, {width});")
        else:
            body.append(f"for (j = 0; j < {width}; j++)")
            body.append(f"    {now}[j] = {called}({now}[j]);")
    parts = [_HEAD.format(x=x, y=y, **sizes, **listed), *arrays, *functions.values()]
    parts.append(_predict(plan, body, now, number, x, y))
    return "\n".join(parts).encode("ascii")


def _function(called: str, name: str, alpha: Any, number: str, f: str) -> str:
    if name == "softmax":
        return _SOFTMAX.format(t=number, f=f, name=called)
    alpha = None if alpha is None else f"{alpha!r}{f}"
    line = _FUNCTIONS[name].format(t=number, f=f, alpha=alpha)
    return f"static {number} {called}({number} z)\n{{\n    {line}\n}}\n"


def _predict(
    plan: Plan, body: list[str], last: str, number: str, x: str, y: str
) -> str:
    widest = max(max(W.shape) for kind, W, *_ in plan.steps if kind == "dense")
    first, end = "x[j]", f"{last}[j]"
    if plan.source.shift is not None:
        first = f"({number})((x[j] - input_mean[j]) * input_factor[j])"
    if plan.target.shift is not None:
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


def _array(name: str, values: Any, number: str) -> str:
    """Return a constant array; each number reads back as exactly itself."""
    flat = np.asarray(values).reshape(-1)
    kind, f = (np.float32, "f") if number == "float" else (np.float64, "")
    texts = [f"{v!s}{f}" for v in flat.astype(kind)]
    rows = (", ".join(texts[k : k + 6]) for k in range(0, len(texts), 6))
    body = ",\n    ".join(rows)
    return f"static const {number} {name}[{len(flat)}] = {{\n    {body}\n}};\n"


def _listed(port: Port) -> str:
    """Return names for a comment: nothing in them can end it."""
    names = [re.sub(r"[^A-Za-z0-9_.=+ -]", "_", name)[:60] for name in port.names]
    return "".join(f"\n *    {k}: {name}" for k, name in enumerate(names))
