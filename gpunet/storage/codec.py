"""Turn tensors and their state into the bytes of a gpunet file, and back.

The format is safetensors: the length of a header, the header as JSON, the tensors
in the order of the library safetensors 0.8. Its metadata is one string, the SHA-256
of a JSON text and then that text, because safetensors has no checksum and most
flipped bits would load as wrong weights.
"""

import hashlib
import json
from typing import Any

import numpy as np

from ..errors import ConfigError, ModelFileError
from ..io.json_text import finite_json
from ..io.messages import file_errors, message, printable
from .header import (
    DTYPES,
    MAX_HEADER,
    METADATA_KEY,
    RESTORE,
    VERSION,
    Entry,
    check_name,
    parse_header,
)

_CODES = {np.dtype(little): code for code, little in DTYPES.items()}
_KINDS = {(dtype.kind, dtype.itemsize): dtype for dtype in _CODES}


def encode(
    tensors: dict[str, np.ndarray], state: dict[str, Any], *, where: str = "model"
) -> bytes:
    """Return the bytes of a gpunet file; equal states give equal bytes.

    Parameters
    ----------
    tensors : dict of str to numpy array
        Any layout and byte order; bool, integers and floats of 16 to 64 bits.
    state : dict
        What JSON can hold, with text keys; NaN and infinity become null.
    where : str
        What the messages call the file.

    Raises
    ------
    ModelFileError
        A tensor contains NaN or infinity, or the state is too long.
    ConfigError
        A name, a dtype or a value of the state that the file cannot hold.

    Examples
    --------
    >>> decode(encode({"0.b": np.zeros(2)}, {"step": 3}), where="an example")
    ({'0.b': array([0., 0.])}, {'step': 3})
    """
    for name in tensors:
        check_name(name, ConfigError)
    host = {name: _host_copy(name, tensors[name]) for name in sorted(tensors)}
    for name, array in host.items():
        if not _is_finite(array):
            reason, remedy = _not_finite(name), "save the last finite state instead"
            raise ModelFileError(message("cannot save", where, reason, remedy))
    text = _document(state, host)
    seal = hashlib.sha256(text.encode("ascii")).hexdigest()
    header: dict[str, Any] = {"__metadata__": {METADATA_KEY: seal + text}}
    codes, end = {name: _CODES[array.dtype] for name, array in host.items()}, 0
    names = sorted(host, key=lambda name: -list(DTYPES).index(codes[name]))
    for name in names:
        begin, end = end, end + host[name].nbytes
        shape, offsets = list(host[name].shape), [begin, end]
        header[name] = {"dtype": codes[name], "shape": shape, "data_offsets": offsets}
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    head += b" " * (-len(head) % 8)
    if len(head) > MAX_HEADER:
        reason = f"its state takes more than the {MAX_HEADER:,} bytes allowed"
        remedy = "move long lists from the state into tensors"
        raise ModelFileError(message("cannot save", where, reason, remedy))
    length = len(head).to_bytes(8, "little")
    bodies = [_flat_bytes(host[name]).data for name in names]
    return b"".join([length, head, *bodies])


def decode(
    data: bytes | bytearray, *, where: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the tensors, C order, writable, sorted by name, and the state of a file.

    Anything but the exact bytes of a file that gpunet wrote is a ModelFileError.
    """
    view = memoryview(data)
    tensors = {}
    with file_errors("model file", where, RESTORE):
        header = parse_header(view, len(view))
        for name in sorted(header.entries):
            entry = header.entries[name]
            raw = view[entry.begin : entry.end]
            if _digest(name, entry.code, entry.shape, raw) != entry.digest:
                raise ValueError(f"the tensor {printable(name, 60)} was changed")
            array = _array(entry, raw)
            if not _is_finite(array):
                raise ValueError(_not_finite(name))
            tensors[name] = array
    return tensors, header.state


def _host_copy(name: str, array: Any) -> np.ndarray:
    start = f"The tensor {printable(name, 60)}"
    if not isinstance(array, (np.ndarray, np.generic)):
        kind = type(array).__name__
        raise ConfigError(
            f"{start} must be a NumPy array, got {kind}; copy it to the host first."
        )
    little = _KINDS.get((array.dtype.kind, array.dtype.itemsize))
    if little is None:
        raise ConfigError(
            f"{start} has dtype {str(array.dtype)[:60]}, which a gpunet file cannot "
            "hold; convert it to a bool, integer or float type."
        )
    # Not ascontiguousarray, which makes one dimension out of none.
    copy = np.array(array, dtype=little, order="C", copy=True, subok=False)
    if copy.dtype.kind == "b":  # a byte of 2 seen as bool is true, and stored as 1
        np.not_equal(copy.view(np.uint8), 0, out=copy)
    return copy


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.all(np.isfinite(array)))


def _not_finite(name: str) -> str:
    return f"the tensor {printable(name, 60)} contains NaN or infinity"


def _flat_bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)


def _digest(name: str, code: str, shape: tuple[int, ...], raw: Any) -> str:
    head = json.dumps([name, code, list(shape)]) + "\n"
    digest = hashlib.sha256(head.encode("ascii"))
    digest.update(raw)
    return digest.hexdigest()


def _document(state: dict[str, Any], host: dict[str, np.ndarray]) -> str:
    document = {
        "format": "gpunet",
        "version": VERSION,
        "state": state,
        "digests": {
            name: _digest(name, _CODES[array.dtype], array.shape, _flat_bytes(array))
            for name, array in host.items()
        },
    }
    try:
        plain = finite_json(document)
        return json.dumps(plain, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except RecursionError as error:
        raise ConfigError("The state is nested too deeply to be saved.") from error


def _array(entry: Entry, raw: memoryview) -> np.ndarray:
    little = np.dtype(DTYPES[entry.code])
    flat = np.frombuffer(raw, dtype=little)
    if little.kind == "b" and np.any(flat.view(np.uint8) > 1):
        raise ValueError("a bool tensor has bytes other than 0 and 1")
    return flat.reshape(entry.shape).astype(little.newbyteorder("="), copy=True)
