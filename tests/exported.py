"""What runs an exported network: a C compiler, ONNX Runtime, a loop over the JSON."""

import ctypes
import json
import math
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import count

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


def run_c(path, x, n_out, x_dtype, y_dtype):
    library = path.with_suffix(f".{next(LIBRARIES)}.so")  # a path is loaded once
    words = [*compiler(), *STRICT, "-O1", "-shared", "-fPIC", str(path)]
    done = subprocess.run(
        [*words, "-o", str(library), "-lm"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr[:2000]
    predict = ctypes.CDLL(str(library)).gpunet_predict
    predict.restype = None
    x = np.ascontiguousarray(x, x_dtype)
    y = np.full((len(x), n_out), np.nan, y_dtype)
    for row, out in zip(x, y, strict=True):
        predict(
            row.ctypes.data_as(ctypes.POINTER(KINDS[x_dtype])),
            out.ctypes.data_as(ctypes.POINTER(KINDS[y_dtype])),
        )
    return y


def run_onnx(path, x, x_dtype, y_dtype, batches=((0, 1), (1, 8), (8, 30))):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    parts = [session.run(["y"], {"x": x[a:b].astype(x_dtype)})[0] for a, b in batches]
    y = np.concatenate(parts)
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


def run_json(path, x, x_dtype, y_dtype):
    network = json.loads(path.read_text("ascii"))
    ins, outs = network["inputs"], network["outputs"]
    answers = []
    for row in x.astype(x_dtype).astype(float).tolist():
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
    return np.array(answers)
