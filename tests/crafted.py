"""Model files made byte by byte, right or wrong, and the checks of their errors."""

import hashlib
import json

import numpy as np
import pytest

from gpunet.errors import ModelFileError
from gpunet.storage import decode

CODES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "uint32": "U32",
    "int32": "I32",
    "uint64": "U64",
    "int64": "I64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}
TENSORS = {
    "0.W": np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5,
    "0.b": np.array([-0.0, 1e-45, 3.4e38], dtype=np.float32),
    "slots/scale": np.array(7.0),
    "empty": np.empty((0, 4), dtype=np.int64),
    "mask": np.array([True, False, True]),
    "größe": np.array([-1, 2**40]),
}
STATE = {"kind": "model", "step": 12, "name": "é\udcff\n", "rate": 0.1, "list": [1]}


def pack(header, body=b""):
    """Build a raw safetensors file from a header (text or dict) and a body."""
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + body


def seal(document):
    text = document if isinstance(document, str) else json.dumps(document)
    return {"gpunet": hashlib.sha256(text.encode()).hexdigest() + text}


def digest_of(name, code, shape, raw):
    head = json.dumps([name, code, list(shape)]).encode()
    return hashlib.sha256(head + b"\n" + raw).hexdigest()


def craft(fields, body=b"", digests=None, state=None, **document):
    """Build a file whose digests are right, however wrong the rest may be."""
    if digests is None:
        digests = {}
        for name, field in fields.items():
            begin, end = field["data_offsets"]
            raw = body[begin:end] if end < 2**40 else b""
            digests[name] = digest_of(name, field["dtype"], field["shape"], raw)
    whole = {"format": "gpunet", "version": 1, "state": state or {}, "digests": digests}
    header = {"__metadata__": seal(whole | document), **fields}
    return pack(header, body)


def field(dtype="F32", shape=(2,), begin=0, end=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def refusal(data):
    with pytest.raises(ModelFileError) as caught:
        decode(data, where="some/file")
    text = str(caught.value)
    assert text.startswith("model file: some/file: ")
    assert "; " in text
    assert len(text) <= 480
    assert text.isprintable()
    return text


def assert_same(loaded, expected):
    assert list(loaded) == sorted(expected)
    for name, array in expected.items():
        got = loaded[name]
        assert got.dtype == np.asarray(array).dtype.newbyteorder("=")
        assert got.shape == np.shape(array)
        assert got.flags.c_contiguous and got.flags.writeable and got.flags.owndata
        assert got.tobytes() == np.asarray(array, dtype=got.dtype).tobytes()
