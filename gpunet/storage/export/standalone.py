"""A network written by gpunet; it needs NumPy only.

predict(rows) returns the outputs, shape (n, n_out); classify(rows) the class of each
row. `rows` is an array of rows, a list of lists or dicts, or a data frame. A missing
cell is None or NaN.
"""

import base64
import json
from functools import cache
from typing import Any

import numpy as np

NETWORK = json.loads("null")


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + e^-z)."""
    e = np.exp(np.minimum(z, 40.0))
    return e / (1.0 + e)


def softmax(z: Any) -> Any:
    """Return e^z / sum(e^z) of each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FUNCTIONS = {
    "relu": lambda z, alpha: np.maximum(z, 0.0),
    "leaky_relu": lambda z, alpha: np.maximum(z, 0.0) + alpha * np.minimum(z, 0.0),
    "elu": lambda z, alpha: np.maximum(z, 0.0) + alpha * np.expm1(np.minimum(z, 0.0)),
    "sigmoid": lambda z, alpha: sigmoid(z),
    "tanh": lambda z, alpha: np.tanh(z),
    "silu": lambda z, alpha: z * sigmoid(z),
    "softplus": lambda z, alpha: np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0.0),
    "comparator": lambda z, alpha: (z > 0).astype(z.dtype),
    "gelu": lambda z, alpha: (
        z * sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z))
    ),
    "softmax": lambda z, alpha: softmax(z),
}


def predict(rows: Any) -> np.ndarray:
    """Return the outputs for raw rows, shape (n, n_out); a bad cell is a ValueError."""
    a, outputs = _inputs(rows), NETWORK["outputs"]
    for layer in NETWORK["layers"]:
        if layer["layer"] == "dense":
            b = _tensor(layer["b"])
            a = a @ _tensor(layer["W"]).reshape(-1, len(b)) + b
        else:
            a = FUNCTIONS[layer["function"]](a, layer.get("alpha"))
    if "mean" not in outputs:
        return a
    return a.astype(np.float64) * outputs["factor"] + outputs["mean"]


def classify(rows: Any) -> np.ndarray:
    """Return the class of each row, or a row of 0 and 1 where each may have several."""
    y, outputs = predict(rows), NETWORK["outputs"]
    if outputs["task"] == "regress":
        raise TypeError("classify: the network predicts numbers")
    if outputs["task"] == "multilabel":
        return (y >= 0.5).astype(int)
    index = y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] >= 0.5).astype(int)
    return np.array(outputs["classes"])[index] if "classes" in outputs else index


@cache  # decoded once, not at each call
def _tensor(text: str) -> np.ndarray:
    dtype = np.dtype(NETWORK["dtype"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(text), dtype)


def _inputs(rows: Any) -> np.ndarray:
    """Return the network's inputs, shape (n, n_in), scaled and cast."""
    inputs, dtype = NETWORK["inputs"], NETWORK["dtype"]
    if "columns" not in NETWORK:
        x = np.asarray(rows, dtype)
        if x.ndim != 2 or x.shape[1] != inputs["n"]:
            expected = f"(n, {inputs['n']})"
            raise ValueError(f"predict: rows must have shape {expected}, got {x.shape}")
        return x
    blocks = []
    for c in NETWORK["columns"]:
        codes = np.array(_codes(c, rows), float)[:, None]
        blocks.append(codes == np.arange(c["one_hot"]) if c.get("one_hot") else codes)
    x = np.concatenate(blocks, axis=1)
    with np.errstate(over="ignore"):  # checked in the next line
        z = ((x - inputs["mean"]) * inputs["factor"]).astype(dtype)
    if not np.isfinite(z).all():
        row, k = np.argwhere(~np.isfinite(z))[0]
        where = f"row {row}: {inputs['names'][k]}"
        raise ValueError(f"predict: {where}: {x[row, k]} is out of range")
    return z


def _cells(rows: Any, column: int) -> Any:
    """Return the cells of a column of the raw rows."""
    name, n = NETWORK["row"][column], len(NETWORK["row"])
    if hasattr(rows, "columns"):  # a data frame
        if name not in rows.columns:
            raise ValueError(f"predict: the data frame lacks the column {name}")
        return rows[name]
    cells = []
    for k, row in enumerate(rows):
        if isinstance(row, dict):
            if name not in row:
                raise ValueError(f"predict: row {k}: lacks the column {name}")
        elif isinstance(row, str) or not hasattr(row, "__len__") or len(row) != n:
            raise ValueError(f"predict: each row must have {n} cells or be a dict")
        cells.append(row[name] if isinstance(row, dict) else row[column])
    return cells


def _codes(c: dict[str, Any], rows: Any) -> list[float]:
    """Return the numbers or codes of a column; ValueError: a cell is refused."""
    categories = c.get("categories", [])
    known = dict(zip(categories, c.get("codes", []), strict=True))
    is_text = any(isinstance(category, str) for category in categories)
    codes = []
    for k, cell in enumerate(_cells(rows, c["column"])):
        where = f"predict: row {k}: column {NETWORK['row'][c['column']]}"
        missing = cell is None or type(cell).__name__ == "NAType" or cell != cell
        if is_text and not missing and not isinstance(cell, str):
            cell = f"{cell:.0f}" if float(cell).is_integer() else repr(float(cell))
        elif not is_text and isinstance(cell, str):
            missing, cell = not cell.strip(), _number(cell, where)
        code = c["missing"] if missing else cell
        if categories and not missing:
            code = known.get(cell, c["unknown"])
        if code is None:
            reason = f"{cell!r:.40} was not seen in training"
            reason = "is missing" if missing or cell == "" else reason
            raise ValueError(f"{where}: {reason}")
        codes.append(code)
    return codes


def _number(text: str, where: str) -> Any:
    """Return a text as a number; an empty one as it is."""
    try:
        return float(text) if text.strip() else text
    except ValueError:
        raise ValueError(f"{where}: {text!r:.40} is not a number") from None
