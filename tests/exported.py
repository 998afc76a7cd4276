"""What runs an exported network: C, ONNX Runtime, Node, Python, a reader of JSON."""

import ctypes
import json
import math
import runpy
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
KINDS = {"float32": ctypes.c_float, "float64": ctypes.c_double}


def compiler():
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    pytest.skip("there is no C compiler")


def load_c(path):
    library = path.with_suffix(f".{next(LIBRARIES)}.so")  # a path is loaded once
    words = [*compiler(), *STRICT, "-O1", "-shared", "-fPIC", str(path)]
    done = subprocess.run(
        [*words, "-o", str(library), "-lm"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr[:2000]
    predict = ctypes.CDLL(str(library)).gpunet_predict
    predict.restype = ctypes.c_int
    return predict


def run_c(path, x, x_dtype, y_dtype, n_out):
    predict = load_c(path)
    x = np.ascontiguousarray(x, x_dtype)
    y = np.full((len(x), n_out), np.nan, y_dtype)
    for row, out in zip(x, y, strict=True):
        predict(
            row.ctypes.data_as(ctypes.POINTER(KINDS[x_dtype])),
            out.ctypes.data_as(ctypes.POINTER(KINDS[y_dtype])),
        )
    return y


def session(path):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def run_onnx(path, x, x_dtype, y_dtype, n_out, batches=((0, 1), (1, 8), (8, 30))):
    run = session(path).run
    parts = [run(["y"], {"x": x[a:b].astype(x_dtype)})[0] for a, b in batches]
    y = np.concatenate(parts)
    assert str(y.dtype) == y_dtype and y.shape[1] == n_out
    return y


JS = """const model = require(process.argv[1]);
const rows = JSON.parse(require("fs").readFileSync(0, "utf8"));
const attempt = (f) => rows.map((row) => {
  try { return f(row); } catch (error) { return String(error.message); }
});
console.log(JSON.stringify([attempt(model.predict), attempt(model.classify)]));
"""


def answers_of_js(path, rows):
    """Return (outputs, classes) of rows; of a row that is refused the message."""
    node = shutil.which("node") or pytest.skip("there is no node")
    done = subprocess.run(
        [node, "-e", JS, str(path)],
        input=json.dumps(rows),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr[:2000]
    return json.loads(done.stdout)


def run_js(path, x, x_dtype, y_dtype, n_out):
    return np.array(answers_of_js(path, x.tolist())[0])


def load_py(path):
    """Return the exported module, run where there is no gpunet."""
    assert "gpunet." not in path.read_text("ascii")
    return SimpleNamespace(**runpy.run_path(str(path)))


def run_py(path, x, x_dtype, y_dtype, n_out):
    y = load_py(path).predict(x.astype(x_dtype))
    assert str(y.dtype) == y_dtype
    return y


LIBRARIES = count()
PLAIN = {  # as a stranger would write them from the documented format
    "relu": lambda z, alpha: max(z, 0.0),
    "leaky_relu": lambda z, alpha: z if z > 0 else alpha * z,
    "elu": lambda z, alpha: z if z > 0 else alpha * math.expm1(z),
    "sigmoid": lambda z, alpha: 1 / (1 + math.exp(-z)),
    "tanh": lambda z, alpha: math.tanh(z),
    "silu": lambda z, alpha: z / (1 + math.exp(-z)),
    "softplus": lambda z, alpha: math.log1p(math.exp(z)),
    "comparator": lambda z, alpha: float(z > 0),
    "gelu": lambda z, alpha: (
        0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
    ),
}


def inputs_of_json(network, row):
    """Return what the columns of a raw row become, or None if a cell is refused."""
    inputs = []
    for c in network["columns"]:
        cell = row[c["column"]]
        code = c["missing"] if cell is None else cell
        if "codes" in c and cell is not None:
            pairs = dict(zip(c["categories"], c["codes"], strict=True))
            code = pairs.get(cell, c["unknown"])
        if code is None:
            return None
        one_hot = c.get("one_hot")
        inputs += [float(code == k) for k in range(one_hot)] if one_hot else [code]
    return inputs


def run_json(path, x, x_dtype, y_dtype, n_out):
    rows = x.astype(x_dtype).astype(float).tolist()
    return np.array(answers_of_json(path, rows))


def answers_of_json(path, rows):
    network = json.loads(path.read_text("ascii"))
    ins, outs = network["inputs"], network["outputs"]
    answers = []
    for row in rows:
        row = inputs_of_json(network, row) if "columns" in network else row
        if row is None:
            answers.append([math.nan] * outs["n"])
            continue
        if "mean" in ins:
            row = [
                (v - m) * f
                for v, m, f in zip(row, ins["mean"], ins["factor"], strict=True)
            ]
        for layer in network["layers"]:
            if layer["layer"] == "dense":
                W, b = layer["W"], layer["b"]
                row = [
                    b[j] + sum(v * W[i][j] for i, v in enumerate(row))
                    for j in range(len(b))
                ]
            elif layer["function"] == "softmax":
                total = sum(map(math.exp, row))
                row = [math.exp(v) / total for v in row]
            else:
                f, alpha = PLAIN[layer["function"]], layer.get("alpha")
                row = [f(v, alpha) for v in row]
        if "mean" in outs:
            row = [
                v * f + m
                for v, f, m in zip(row, outs["factor"], outs["mean"], strict=True)
            ]
        answers.append(row)
    return answers


RUN = {"onnx": run_onnx, "json": run_json, "c": run_c, "js": run_js, "py": run_py}


def answers(kind, path, rows, texts, like):
    """Return the outputs of raw rows, None in missing cells; NaN where one is refused.

    `texts` are the columns of texts; the outputs have the shape and dtype of `like`.
    """
    if kind == "json":
        return np.array(answers_of_json(path, rows))
    if kind in ("js", "py"):
        found = answers_of_js(path, rows)[0] if kind == "js" else one_by_one(path, rows)
        nothing = [np.nan] * like.shape[1]
        return np.array([nothing if isinstance(y, str) else y for y in found])
    numbers = [k for k in range(len(rows[0])) if k not in texts]
    x = np.array([[row[k] for k in numbers] for row in rows], float)  # None is NaN
    words = [[row[k] for k in texts] for row in rows]
    if kind == "c":
        return rows_of_c(load_c(path), x, words, like)
    words = [[word or "" for word in row] for row in words]
    feeds = {"x": x, "texts": np.array(words, object)}
    run = session(path)
    return run.run(["y"], {i.name: feeds[i.name] for i in run.get_inputs()})[0]


def one_by_one(path, rows):
    """Return the outputs of each row by the exported module, or its message."""
    model, found = load_py(path), []
    for row in rows:
        try:
            found.append(model.predict([row])[0])
        except ValueError as error:
            found.append(str(error))
    return found


def rows_of_c(predict, x, words, like):
    y = np.full_like(like, np.nan)
    for row, texts, out in zip(x, words, y, strict=True):
        utf8 = [text if text is None else text.encode() for text in texts]
        strings = [(ctypes.c_char_p * len(texts))(*utf8)] if texts else []
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (row, out)]
        refused = predict(pointers[0], *strings, pointers[1])
        assert (refused != 0) == np.isnan(out).all()
    return y
