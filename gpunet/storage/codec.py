"""Turn tensors and their state into the bytes of a gpunet file, and back.

The format is safetensors, which any tool can read, with one metadata string:
the SHA-256 of a JSON text, then that text. safetensors has no checksum, so
most flipped bits would load as wrong weights; it writes other values than it
was given for arrays that are not C-contiguous (version 0.8.0); and with two
metadata keys equal states give unequal files. Hence the digests, the forced
copies and the single key.
"""

import hashlib
import json
import math

import numpy as np
from safetensors.numpy import save

from gpunet.errors import ConfigError, ModelFileError
from gpunet.io.messages import one_line, readable
from gpunet.storage.header import (
    DTYPES,
    MAX_HEADER,
    METADATA_KEY,
    VERSION,
    check_name,
    parse_header,
    refusing,
)

_CODES = {np.dtype(little): code for code, little in DTYPES.items()}
_KINDS = {(dtype.kind, dtype.itemsize): dtype for dtype in _CODES}


def encode(tensors, state, *, where="model", allow_nonfinite=False):
    """Return the bytes of a gpunet file; equal states give equal bytes.

    Parameters
    ----------
    tensors : dict of str to numpy array
        Any layout and byte order; bool, integers and floats of 16 to 64 bits.
    state : dict
        What JSON can hold, with text keys; NaN and infinity become null.
    where : str
        What the messages call the file.
    allow_nonfinite : bool

    Returns
    -------
    bytes

    Raises
    ------
    ModelFileError
        A tensor holds NaN or infinity, or the state is too long.
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
    if not allow_nonfinite:
        _require_finite(host, where)
    text = _document(state, host)
    seal = hashlib.sha256(text.encode("ascii")).hexdigest()
    _ask_for_memory(sum(a.nbytes for a in host.values()) + len(text))
    data = save(host, metadata={METADATA_KEY: seal + text})
    _check_written(data, host, where)
    return data


def _ask_for_memory(size):
    """Raise MemoryError where the library's writer, short of memory, would hang."""
    np.empty(2 * size + 2**25, np.uint8)  # it holds the file twice; never touched


def decode(data, *, where, allow_nonfinite=False):
    """Return the tensors and the state held by the bytes of a gpunet file.

    Parameters
    ----------
    data : bytes or bytearray
    where : str
        What the messages call the file, usually its path.
    allow_nonfinite : bool
        Whether tensors may hold NaN or infinity.

    Returns
    -------
    tensors : dict of str to numpy array, C order, writable, sorted by name
    state : dict

    Raises
    ------
    ModelFileError
        Anything but the exact bytes of a file that gpunet wrote.
    """
    view = memoryview(data)
    tensors = {}
    with refusing(where):
        header = parse_header(view, len(view))
        for name in sorted(header.entries):
            entry = header.entries[name]
            raw = view[entry.begin : entry.end]
            if _digest(name, entry.code, entry.shape, raw) != entry.digest:
                raise ValueError(f"the tensor {readable(name, 60)} was changed")
            array = _array(entry, raw)
            if not (allow_nonfinite or _is_finite(array)):
                raise ValueError(
                    f"the tensor {readable(name, 60)} holds NaN or infinity"
                )
            tensors[name] = array
    return tensors, header.state


def finite_json(value):
    """Return `value` as plain JSON data, with null for NaN and infinity.

    Python's writer puts the bare word NaN into a file, which no other reader
    takes. NumPy scalars and arrays become numbers and lists, tuples lists.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, bool, int, float, str, list or dict; never aliases `value`

    Raises
    ------
    ConfigError
        A value or a key that JSON cannot hold.

    Examples
    --------
    >>> finite_json({"loss": float("nan"), "steps": (1, np.int64(2))})
    {'loss': None, 'steps': [1, 2]}
    """
    if isinstance(value, np.ndarray):
        return finite_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [finite_json(item) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(f"JSON expected a text as key, got {key!r:.80}.")
        return {key: finite_json(item) for key, item in value.items()}
    return _finite_scalar(value)


def _finite_scalar(value):
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    raise ConfigError(
        f"JSON expected numbers, texts, lists or dicts, got {type(value).__name__}; "
        "convert it first."
    )


def _host_copy(name, array):
    if not isinstance(array, (np.ndarray, np.generic)):
        raise ConfigError(
            f"The tensor {readable(name, 60)} expected a numpy array, got "
            f"{type(array).__name__}; copy it to the host first."
        )
    little = _KINDS.get((array.dtype.kind, array.dtype.itemsize))
    if little is None:
        raise ConfigError(
            f"The tensor {readable(name, 60)} has dtype {str(array.dtype)[:60]}, which "
            "a gpunet file cannot hold; convert it to a bool, integer or float type."
        )
    # Not ascontiguousarray, which makes one dimension out of none.
    copy = np.array(array, dtype=little, order="C", copy=True, subok=False)
    if copy.dtype.kind == "b":  # a byte of 2 seen as bool is true, and stored as 1
        np.not_equal(copy.view(np.uint8), 0, out=copy)
    return copy


def _is_finite(array):
    return array.dtype.kind != "f" or bool(np.all(np.isfinite(array)))


def _require_finite(host, where):
    for name, array in host.items():
        if not _is_finite(array):
            why = f"the tensor {readable(name, 60)} holds NaN or infinity"
            cure = "save the last finite state instead"
            raise ModelFileError(one_line("cannot save", where, why, cure))


def _flat_bytes(array):
    return array.reshape(-1).view(np.uint8)


def _digest(name, code, shape, raw):
    head = json.dumps([name, code, list(shape)]) + "\n"
    digest = hashlib.sha256(head.encode("ascii"))
    digest.update(raw)
    return digest.hexdigest()


def _document(state, host):
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
        return json.dumps(
            finite_json(document),
            sort_keys=True,
            allow_nan=False,
            separators=(",", ":"),
        )
    except RecursionError as error:
        raise ConfigError("The state is nested too deeply to be saved.") from error


def _array(entry, raw):
    little = np.dtype(DTYPES[entry.code])
    flat = np.frombuffer(raw, dtype=little)
    if little.kind == "b" and np.any(flat.view(np.uint8) > 1):
        raise ValueError("a bool tensor holds bytes other than 0 and 1")
    return flat.reshape(entry.shape).astype(little.newbyteorder("="), copy=True)


def _check_written(data, host, where):
    # Some versions of the library write other values than they were given.
    view = memoryview(data)
    if int.from_bytes(view[:8], "little") > MAX_HEADER:
        why = f"its state takes more than the {MAX_HEADER:,} bytes allowed"
        cure = "move long lists from the state into tensors"
        raise ModelFileError(one_line("cannot save", where, why, cure))
    with refusing(where):
        entries = parse_header(view, len(view)).entries
        for name, array in host.items():
            entry = entries[name]
            written = np.frombuffer(view[entry.begin : entry.end], np.uint8)
            if not np.array_equal(written, _flat_bytes(array)):
                raise ValueError("the safetensors library altered a tensor")
