"""A network as one C99 file without dependencies, for where no Python is.

    void gpunet_predict(const float *x, float *y);
    int gpunet_predict(const double *x, const char *const *texts, float *y);

The second one takes a raw row of a table: its numbers, and its texts if it has any.
Weights are written with the fewest digits that read back as the same number.
Nothing is allocated or kept between calls, so that threads may call it at once.
"""

import re
from collections.abc import Callable, Iterable

import numpy as np

from ...io.messages import counted
from .graph import DenseStep, ExportGraph, FunctionStep, unwritten

_HEAD = """/* A network written by gpunet. C99, needs only the math library (-lm).
 *
 * {call};
 *
 * x: {n_x} numbers{inputs}{texts}
 * y: {outputs}{returns}
 */
#include <float.h>
#include <math.h>
#include <string.h>

#define GPUNET_INPUTS {n_x}
#define GPUNET_OUTPUTS {n_out}

{call};
"""
# missing and unknown are NAN where such a cell is refused
_CELLS = """static const struct {{
    int column, index, one_hot, n;
    const char *const *texts;
    const double *numbers, *codes;
    double missing, unknown;
}} cells[{n}] = {{
    {cells}
}};

static int read_row(const double *x, const char *const *texts, {t} *a)
{{
    int i, j, at = 0;
    for (i = 0; i < {n}; i++) {{
        int k = cells[i].index;
        double v = cells[i].missing;
        if (cells[i].texts) {{
            v = texts[k] ? cells[i].unknown : v;
            for (j = 0; texts[k] && j < cells[i].n; j++)
                if (!strcmp(texts[k], cells[i].texts[j]))
                    v = cells[i].codes[j];
        }} else if (!isnan(x[k])) {{
            v = cells[i].n ? cells[i].unknown : x[k];
            for (j = 0; j < cells[i].n; j++)
                if (x[k] >= cells[i].numbers[j] && x[k] <= cells[i].numbers[j])
                    v = cells[i].codes[j];
        }}
        for (j = 0; j < (cells[i].one_hot ? cells[i].one_hot : 1); j++, at++) {{
            double z = cells[i].one_hot && !isnan(v) ? v >= j && v <= j : v;
            z = (z - input_mean[at]) * input_factor[at];
            if (!(fabs(z) <= {most}))
                return cells[i].column + 1;
            a[at] = ({t})z;
        }}
    }}
    return 0;
}}
"""
_NUMBERS = {"float32": ("float", "f"), "float64": ("double", "")}  # type, suffix
_MOST = {"float32": "FLT_MAX", "float64": "DBL_MAX"}
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
    sections = [
        _head(graph),
        *arrays,
        *(_row_reader(graph) if graph.source.cells else ()),
        _DENSE.format(t=number),
        *(_function(name, *step, number, f) for step, name in functions.items()),
        _predict(graph, lines, last),
    ]
    return "\n".join(sections).encode("ascii")


def _call(graph: ExportGraph) -> str:
    """Return the declaration of the exported function."""
    x, y = (_NUMBERS[p.dtype(graph.dtype)][0] for p in (graph.source, graph.target))
    answer = "int" if graph.source.cells else "void"
    texts = "const char *const *texts, " if graph.source.columns(texts=True) else ""
    return f"{answer} gpunet_predict(const {x} *x, {texts}{y} *y)"


def _head(graph: ExportGraph) -> str:
    source, n_x, texts, returns = graph.source, graph.n_in, "", ""
    inputs = _listed(source.names)
    if source.cells:
        numbers, words = source.columns(texts=False), source.columns(texts=True)
        n_x, inputs = len(numbers), _listed([source.row[k] for k in numbers])
        inputs = f"; NAN is a missing cell{inputs}"
        returns = "\n * Returns 0, or 1 + the column of a cell that is refused: then y"
        returns += f" is not written{_listed(source.row)}"
        if words:
            names = _listed([source.row[k] for k in words])
            texts = f"\n * texts: {len(words)} in UTF-8; NULL is a missing cell{names}"
    outputs = f"{counted(graph.n_out, 'output')}{_listed(graph.target.names)}"
    words_of_head = {"call": _call(graph), "n_x": n_x, "n_out": graph.n_out}
    words_of_head |= {"inputs": inputs, "outputs": outputs}
    return _HEAD.format(**words_of_head, texts=texts, returns=returns)


def _row_reader(graph: ExportGraph) -> list[str]:
    """Return what turns a raw row into inputs."""
    arrays, cells = [], []
    columns = {is_text: graph.source.columns(is_text) for is_text in (False, True)}
    for k, cell in enumerate(graph.source.cells):
        parts = {"texts": "0", "numbers": "0", "codes": "0"}
        if cell.codes is not None:
            kind = "texts" if cell.is_text else "numbers"
            parts |= {name: f"{name}{k}" for name in (kind, "codes")}
            write, c_type = _DECLARED[kind]
            values = ", ".join(map(write, cell.codes))
            arrays.append(f"static {c_type} {kind}{k}[] = {{{values}}};\n")
            values = ", ".join(map(_number, cell.codes.values()))
            arrays.append(f"static const double codes{k}[] = {{{values}}};\n")
        index = columns[cell.is_text].index(cell.column)
        numbers = [cell.column, index, cell.one_hot, len(cell.codes or ())]
        ends = map(_number, (cell.missing, cell.unknown))
        cells.append(f"{{{', '.join([*map(str, numbers), *parts.values(), *ends])}}}")
    number, _ = _NUMBERS[graph.dtype]
    words = {"n": len(cells), "cells": ",\n    ".join(cells), "t": number}
    return [*arrays, _CELLS.format(**words, most=_MOST[graph.dtype])]


def _number(value: float | None) -> str:
    """Return a double as C reads it; NAN marks what is refused."""
    return "NAN" if value is None else repr(float(value))


def _text(value: str | float) -> str:
    """Return a text as a literal: its UTF-8, with all that is special as octal."""
    data = str(value).encode("utf-8", "surrogatepass")
    plain = (chr(b) if chr(b).isalnum() and b < 128 else f"\\{b:03o}" for b in data)
    return f'"{"".join(plain)}"'


_DECLARED: dict[str, tuple[Callable, str]] = {
    "texts": (_text, "const char *const"),
    "numbers": (_number, "const double"),
}


def _function(called: str, name: str, alpha: float | None, number: str, f: str) -> str:
    if name == "softmax":
        return _SOFTMAX.format(t=number, f=f, name=called)
    if name not in _FUNCTIONS:
        raise unwritten(name, "C")
    line = _FUNCTIONS[name].format(t=number, f=f, alpha=f"{alpha!r}{f}")
    return f"static {number} {called}({number} z)\n{{\n    {line}\n}}\n"


def _predict(graph: ExportGraph, body: list[str], last: str) -> str:
    number, _ = _NUMBERS[graph.dtype]
    widest = max(max(step.W.shape) for step in graph.dense)
    end = f"{last}[j]"
    if graph.target.shift is not None:
        end = f"{end} * output_factor[j] + output_mean[j]"
    lines = [f"{number} a[{widest}], b[{widest}];", "int j;"]
    if graph.source.cells:
        texts = "texts" if graph.source.columns(texts=True) else "0"
        lines += [f"if ((j = read_row(x, {texts}, a)) != 0)", "    return j;"]
    else:
        lines += ["for (j = 0; j < GPUNET_INPUTS; j++)", "    a[j] = x[j];"]
    lines += [*body, "for (j = 0; j < GPUNET_OUTPUTS; j++)", f"    y[j] = {end};"]
    lines += ["return 0;"] if graph.source.cells else []
    inside = "".join(f"    {line}\n" for line in lines)
    return f"{_call(graph)}\n{{\n{inside}}}\n"


def _array(name: str, values: np.ndarray, number: str) -> str:
    """Return a constant array; each number reads back as exactly itself."""
    kind, f = (np.float32, "f") if number == "float" else (np.float64, "")
    texts = [f"{v!s}{f}" for v in np.asarray(values, kind).reshape(-1)]
    rows = (", ".join(texts[k : k + 6]) for k in range(0, len(texts), 6))
    body = ",\n    ".join(rows)
    return f"static const {number} {name}[{len(texts)}] = {{\n    {body}\n}};\n"


def _listed(names: Iterable[str]) -> str:
    """Return names for a comment: nothing in them can end it."""
    names = [re.sub(r"[^A-Za-z0-9_.=+ -]", "_", name)[:60] for name in names]
    return "".join(f"\n *    {k}: {name}" for k, name in enumerate(names))
