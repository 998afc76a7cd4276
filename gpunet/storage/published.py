"""Published weights: what books and papers print, as a network of ours.

Two forms are read: the JSON that `network2.py` of Nielsen's book saves, and plain
lists of weight and bias arrays, in JSON or in an .npz file. Both keep a layer's
weights as (n_out, n_in), row j for neuron j; ours are (n_in, n_out), so they are
transposed here. Nothing in a file is run, and its size is known before it is read.
"""

import json
import re
import zipfile
import zlib
from ast import literal_eval
from io import BytesIO
from os import fsdecode

import numpy as np

from gpunet.blocks import mlp
from gpunet.errors import ModelFileError, OutOfMemory
from gpunet.io.messages import one_line
from gpunet.storage.tensors import open_regular

MAX_BYTES = 256 << 20  # of the file, and of the arrays in it
_COSTS = {"CrossEntropyCost": "sigmoid_cross_entropy"}
_COSTS["QuadraticCost"] = "half_squared_error"
_MEMBER = re.compile(r"(w|weights?|b|bias(?:es)?)[_.\-]?(\d{1,3})", re.ASCII)
# What Python's readers raise: encrypted members, unknown compression, bad blocks.
_DAMAGE = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
_KINDS = "fiu"  # dtypes: floats and whole numbers


def is_published(path):
    """Return whether a file's name is one of published weights: .json or .npz."""
    return fsdecode(path).lower().endswith((".json", ".npz"))


def load_published(
    path,
    device="cpu",
    *,
    activation="sigmoid",
    output=None,
    loss=None,
    dtype="float64",
):
    """Return the network whose weights and biases a file lists.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        JSON: {"sizes", "weights", "biases", "cost"} as Nielsen's `network2.py`
        saves it, {"weights", "biases"}, or [weights, biases]. npz: arrays named
        w0, b0, w1, b1, ... ("weights_1", "bias.1" and the like will do).
        Each weight array is (n_out, n_in), each bias (n_out,) or (n_out, 1).
    device : str or Backend
    activation : str
        Of the hidden layers.
    output, loss : str, optional
        Of the last layer. None takes what the file's "cost" says, else sigmoid
        and the quadratic cost.
    dtype : "float64", "float32"

    Returns
    -------
    net : Network

    Raises
    ------
    ModelFileError
        The file is missing, too large, or no such weights.
    DeviceError
        The device cannot be used.
    """
    try:
        weights, biases, cost = _read(path)
        weights = [
            _array(w, 2, f"weights of layer {k}", dtype) for k, w in _count(weights)
        ]
        biases = [
            _array(b, 1, f"biases of layer {k}", dtype) for k, b in _count(biases)
        ]
        sizes = _sizes(weights, biases)
    except _DAMAGE as error:
        raise _refusal(path, error) from error
    except MemoryError as error:
        why, cure = "does not fit into the memory", "use a larger machine"
        raise OutOfMemory(one_line("weights", path, why, cure)) from error
    loss = loss or _COSTS.get(cost, "half_squared_error")
    if output is None:
        output = "identity" if loss.endswith("_cross_entropy") else "sigmoid"
    net = mlp(sizes, activation, output=output, loss=loss, device=device, dtype=dtype)
    tensors = [t for pair in zip(weights, biases, strict=True) for t in pair]
    with net.backend.use():
        for name, host in zip(list(net.params), tensors, strict=True):
            own = host.T if name.endswith(".W") else host
            net.params[name] = net.backend.array(own, dtype)
    return net


def _refusal(path, error):
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, RecursionError):
        why = "is nested too deeply"
    cure = 'give JSON {"weights", "biases"} or an npz w0, b0, ..., as (out, in)'
    return ModelFileError(one_line("weights", path, why, cure))


def _read(path):
    """Return (weights, biases, cost): sequences, one entry for each layer."""
    with open_regular(path) as (file, size):
        if size > MAX_BYTES:
            raise ValueError(f"has {size:,} bytes, more than {MAX_BYTES:,}")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError("grew while it was being read")
    if data[:4] == b"PK\x03\x04":
        return _from_npz(data)
    return _from_json(data)


def _from_json(data):
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ValueError("is neither JSON nor npz") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON ({error})") from None
    if isinstance(content, list) and len(content) == 2:
        content = dict(zip(("weights", "biases"), content, strict=True))
    if not isinstance(content, dict):
        raise ValueError("holds no weights and biases")
    for name in ("weights", "biases"):
        if not isinstance(content.get(name), list):
            raise ValueError(f"has no list of {name}")
    cost = content.get("cost")
    if "cost" in content and (not isinstance(cost, str) or cost not in _COSTS):
        raise ValueError(f"names a cost {cost!r:.40}, not {' or '.join(_COSTS)}")
    _check_sizes(content)
    return content["weights"], content["biases"], cost


def _no_constant(text):
    raise ValueError(f"holds {text}")


def _check_sizes(content):
    if "sizes" not in content:
        return
    try:
        found = [len(b) for b in content["biases"]]
        given = list(content["sizes"])[1:]
    except TypeError:
        raise ValueError("has sizes that are no list of numbers") from None
    if given != found:
        raise ValueError(
            f"says sizes ..., {given!r:.60}; its biases have {found!r:.60}"
        )


def _from_npz(data):
    arrays = {}
    with zipfile.ZipFile(BytesIO(data)) as archive:
        left = MAX_BYTES
        for item in archive.infolist():
            name = item.filename.removesuffix(".npy")
            match = _MEMBER.fullmatch(name.lower())
            if not match:
                raise ValueError(f"has an array {name!r:.60}, not w0, b0, w1, ...")
            key = match[1][0], int(match[2])
            if key in arrays:
                raise ValueError(f"has two arrays for {key[0]}{key[1]}")
            left -= item.file_size
            if left < 0:
                raise ValueError(f"unpacks to more than {MAX_BYTES:,} bytes")
            with archive.open(item) as member:
                arrays[key] = _npy(member.read(item.file_size + 1), name)
    numbers = sorted({k for _, k in arrays})
    wanted = {(kind, k) for kind in "wb" for k in numbers}
    if not numbers or set(arrays) != wanted:
        raise ValueError("has no weights, or not one bias for each")
    return [arrays["w", k] for k in numbers], [arrays["b", k] for k in numbers], None


def _npy(data, name):
    """Return the array of one npy member; its header must account for each byte."""
    if data[:6] != b"\x93NUMPY" or len(data) < 12 or data[6] not in (1, 2, 3):
        raise ValueError(f"{name!r:.60} is no npy array")
    wide = 2 if data[6] == 1 else 4
    end = 8 + wide + int.from_bytes(data[8 : 8 + wide], "little")
    if end > min(len(data), 10_000):
        raise ValueError(f"{name!r:.60} has a damaged header")
    try:
        header = literal_eval(data[8 + wide : end].decode("latin1"))
        shape, kind = tuple(header["shape"]), np.dtype(header["descr"])
        fortran = bool(header["fortran_order"])
    except (SyntaxError, KeyError, TypeError, ValueError, MemoryError):
        raise ValueError(f"{name!r:.60} has a damaged header") from None
    if kind.kind not in _KINDS or len(shape) > 3:
        raise ValueError(f"{name!r:.60} holds {kind} of shape {shape!r:.40}")
    n = 1
    for size in shape:
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"{name!r:.60} has a damaged header")
        n *= size
    if end + n * kind.itemsize != len(data):
        raise ValueError(f"{name!r:.60} does not have the bytes of its shape")
    order = "F" if fortran else "C"
    return np.frombuffer(data, kind, offset=end).reshape(shape, order=order)


def _count(values):
    return enumerate(values, 1)


def _array(values, rank, what, dtype):
    """Return float64 numbers of `rank` axes; a bias column becomes a row."""
    if not isinstance(values, np.ndarray):
        _only_numbers(values, what)
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} are no rectangle of numbers") from None
    if rank == 1 and array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != rank or not array.size:
        raise ValueError(f"{what} have shape {array.shape}, {rank} axes are needed")
    if not np.max(np.abs(array)) <= np.finfo(dtype).max:  # NaN fails too
        raise ValueError(f"{what} hold a number that is not finite in {dtype}")
    return array


def _only_numbers(values, what):
    """Refuse text and truth values, which NumPy would turn into numbers."""
    if not isinstance(values, list):
        raise ValueError(f"{what} are no list")
    for value in values:
        if isinstance(value, list):
            _only_numbers(value, what)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{what} hold {value!r:.40}, which is no number")


def _sizes(weights, biases):
    if not weights or len(weights) != len(biases):
        raise ValueError(
            f"has {len(weights)} weight arrays and {len(biases)} bias arrays"
        )
    sizes = [weights[0].shape[1]]
    for k, (w, b) in _count(zip(weights, biases, strict=True)):
        shape = f"layer {k}: weights of shape {w.shape}"
        if w.shape[0] != len(b):
            hint = ", they look transposed" if w.shape[1] == len(b) else ""
            raise ValueError(f"{shape} do not fit {len(b)} biases{hint}")
        if w.shape[1] != sizes[-1]:
            raise ValueError(f"{shape} do not fit {sizes[-1]} neurons before them")
        sizes.append(len(b))
    return sizes
