"""Published weights: what books and papers print, as a network of ours.

Two forms are read: the JSON that `network2.py` of Nielsen's book saves, and plain
lists of weight and bias arrays, in JSON or in an .npz file. Both keep a layer's
weights as (n_out, n_in); ours are (n_in, n_out), so they are transposed here.
"""

import re
from os import fsdecode
from typing import Any

import numpy as np

from ..backend import Backend
from ..blocks import mlp
from ..io.arrays import parse_npz
from ..io.json_text import parse_json
from ..io.messages import Path, counted, file_errors
from ..io.reading import read_bytes
from ..network import Network

MAX_BYTES = 256 << 20  # of the file, and of the arrays in it
_COSTS = {
    "CrossEntropyCost": "sigmoid_cross_entropy",
    "QuadraticCost": "half_squared_error",
}
_MEMBER = re.compile(r"(w|weights?|b|bias(?:es)?)[_.\-]?(\d{1,3})", re.ASCII)
_REMEDY = 'give JSON {"weights", "biases"} or an npz w0, b0, ..., as (out, in)'


def is_published(path: Path) -> bool:
    """Return whether a file's name is one of published weights: .json or .npz."""
    return fsdecode(path).lower().endswith((".json", ".npz"))


def load_published(
    path: Path,
    device: str | Backend = "cpu",
    *,
    activation: str = "sigmoid",
    output: str | None = None,
    loss: str | None = None,
    dtype: str = "float64",
) -> Network:
    """Return the network whose weights and biases a file lists.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        JSON: {"sizes", "weights", "biases", "cost"} as Nielsen's `network2.py`
        saves it, {"weights", "biases"}, or [weights, biases]. npz: arrays named
        w0, b0, w1, b1, ... ("weights_1", "bias.1" and the like will do).
        Each weight array is (n_out, n_in), each bias (n_out,) or (n_out, 1).
    activation : str
        Of the hidden layers.
    output, loss : str, optional
        Of the last layer. None uses what the file's "cost" says, else sigmoid
        and the quadratic cost.

    Raises
    ------
    ModelFileError
        The file is missing, too large, or does not contain such weights.
    """
    with file_errors("weights", path, _REMEDY):
        weights, biases, cost = _read(path)
        sizes = _check(weights, biases, dtype)
    loss = loss or _COSTS[cost or "QuadraticCost"]
    if output is None:
        output = "identity" if loss.endswith("_cross_entropy") else "sigmoid"
    net = mlp(sizes, activation, output=output, loss=loss, device=device, dtype=dtype)
    tensors = [t for pair in zip(weights, biases, strict=True) for t in pair]
    with net.backend.use():
        for name, host in zip(list(net.params), tensors, strict=True):
            oriented = host.T if name.endswith(".W") else host
            net.params[name] = net.backend.array(oriented, dtype)
    return net


def _read(path: Path) -> tuple[list[np.ndarray], list[np.ndarray], str | None]:
    """Return (weights, biases, cost), float64, one array of each for each layer."""
    data = read_bytes(path, MAX_BYTES)
    is_npz = data.startswith(b"PK\x03\x04")
    weights, biases, cost = _from_npz(data) if is_npz else _from_json(data)
    weights = [_array(w, 2, f"weights of layer {k}") for k, w in enumerate(weights, 1)]
    biases = [_array(b, 1, f"biases of layer {k}") for k, b in enumerate(biases, 1)]
    return weights, biases, cost


def _from_json(data: bytes) -> tuple[list, list, str | None]:
    try:
        content = parse_json(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("is neither JSON nor npz") from None
    if isinstance(content, list) and len(content) == 2:
        content = dict(zip(("weights", "biases"), content, strict=True))
    if not isinstance(content, dict):
        raise ValueError("contains no weights and biases")
    for name in ("weights", "biases"):
        if not isinstance(content.get(name), list):
            raise ValueError(f"has no list of {name}")
    cost = content.get("cost")
    if "cost" in content and (not isinstance(cost, str) or cost not in _COSTS):
        raise ValueError(f"names a cost {cost!r:.40}, not {' or '.join(_COSTS)}")
    if "sizes" in content:
        try:
            listed, actual = list(content["sizes"])[1:], [*map(len, content["biases"])]
        except TypeError:
            raise ValueError("has sizes that are not a list of numbers") from None
        if listed != actual:
            reason = f"says sizes ..., {listed!r:.60}; its biases have {actual!r:.60}"
            raise ValueError(reason)
    return content["weights"], content["biases"], cost


def _from_npz(data: bytes) -> tuple[list, list, None]:
    arrays = {}
    for name, array in parse_npz(data, MAX_BYTES).items():
        match = _MEMBER.fullmatch(name.lower())
        if not match:
            raise ValueError(f"has an array {name!r:.60}, not w0, b0, w1, ...")
        key = match[1][0], int(match[2])
        if key in arrays:
            raise ValueError(f"has two arrays for {key[0]}{key[1]}")
        arrays[key] = array
    numbers = sorted({k for _, k in arrays})
    if not numbers or len(arrays) != 2 * len(numbers):
        raise ValueError("has no weights, or not one bias for each")
    weights, biases = ([arrays[letter, k] for k in numbers] for letter in "wb")
    return weights, biases, None


def _array(values: Any, rank: int, what: str) -> np.ndarray:
    """Return float64 numbers of `rank` axes; a bias column becomes a row."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "fiu":
            raise ValueError(f"{what} contain {values.dtype}, not numbers")
    elif not isinstance(values, list):
        raise ValueError(f"{what} are not a list")
    else:
        _check_numbers(values, what)
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} are not a rectangle of numbers") from None
    if rank == 1 and array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != rank or not array.size:
        raise ValueError(f"{what} have shape {array.shape}, {rank} axes are needed")
    return array


def _check_numbers(values: list, what: str) -> None:
    """Refuse texts and booleans, of which NumPy would make numbers."""
    for value in values:
        if isinstance(value, list):
            _check_numbers(value, what)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{what} contain {value!r:.40}, which is not a number")


def _check(
    weights: list[np.ndarray], biases: list[np.ndarray], dtype: str
) -> list[int]:
    """Return the network's sizes after checking that its arrays fit together."""
    if not weights or len(weights) != len(biases):
        counts = f"{len(weights)} weight arrays and {len(biases)} bias arrays"
        raise ValueError(f"has {counts}")
    sizes = [weights[0].shape[1]]
    for k, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        for array in (w, b):
            if not np.max(np.abs(array)) <= np.finfo(dtype).max:  # NaN fails too
                raise ValueError(f"layer {k}: a number is not finite in {dtype}")
        shape = f"layer {k}: weights of shape {w.shape}"
        if w.shape[0] != len(b):
            hint = ", they look transposed" if w.shape[1] == len(b) else ""
            raise ValueError(f"{shape} do not fit {len(b)} biases{hint}")
        if w.shape[1] != sizes[-1]:
            raise ValueError(
                f"{shape} do not fit {counted(sizes[-1], 'neuron')} before them"
            )
        sizes.append(len(b))
    return sizes
