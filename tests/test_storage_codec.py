import hashlib
import json
import math
from unittest.mock import patch

import numpy as np
import pytest
import safetensors.numpy
from crafted import (
    CODES,
    STATE,
    TENSORS,
    assert_same,
    craft,
    digest_of,
    field,
    pack,
    refusal,
    seal,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpunet.errors import ConfigError, GpunetError, ModelFileError
from gpunet.io.json_text import finite_json
from gpunet.storage import decode, encode
from gpunet.storage.header import MAX_HEADER

# ------------------------------------------------------------------ round trips


def test_decode_returns_what_encode_was_given():
    tensors, state = decode(encode(TENSORS, STATE), where="x")
    assert_same(tensors, TENSORS)
    assert state == STATE


def test_encode_writes_the_documented_format():
    tensors = {"b": np.array([1.5, -2.0], np.float32), "a": np.array(3, np.uint8)}
    data = encode(tensors, {"step": 4})
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    assert header.keys() == {"__metadata__", "a", "b"}
    assert header["b"]["dtype"] == "F32" and header["b"]["shape"] == [2]
    assert list(header["__metadata__"]) == ["gpunet"]
    value = header["__metadata__"]["gpunet"]
    first = digest_of("a", "U8", [], b"\x03")
    second = digest_of("b", "F32", [2], tensors["b"].astype("<f4").tobytes())
    assert value[64:] == (
        f'{{"digests":{{"a":"{first}","b":"{second}"}},"format":"gpunet",'
        '"state":{"step":4},"version":1}'
    )
    assert value[:64] == hashlib.sha256(value[64:].encode()).hexdigest()
    # Any safetensors reader can take the tensors.
    assert_same({k: v.copy() for k, v in decode(data, where="")[0].items()}, tensors)
    plain = safetensors.numpy.load(data)
    assert plain["b"].tolist() == [1.5, -2.0] and plain["a"] == 3


def test_encode_gives_equal_bytes_for_equal_states():
    data = encode(TENSORS, STATE)
    backwards = dict(reversed(TENSORS.items()))
    layouts = {name: np.array(a, order="F") for name, a in backwards.items()}
    assert encode(layouts, dict(reversed(STATE.items()))) == data
    tensors, state = decode(data, where="x")
    assert encode(tensors, state) == data
    assert encode(TENSORS, STATE | {"step": 13}) != data


@pytest.mark.parametrize("dtype", sorted(CODES))
def test_encode_keeps_every_dtype(dtype):
    array = np.array([0, 1, 1, 0]).astype(dtype)
    if array.dtype.kind in "iuf":
        limits = np.finfo(dtype) if array.dtype.kind == "f" else np.iinfo(dtype)
        array[:2] = limits.min, limits.max
    data = encode({"x": array}, {})
    assert f'"dtype":"{CODES[dtype]}"'.encode() in data
    assert_same(decode(data, where="x")[0], {"x": array})


def misaligned(array):
    raw = bytearray(array.nbytes + 1)
    view = np.frombuffer(memoryview(raw)[1:], dtype=array.dtype).reshape(array.shape)
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS = {
    "c-ordered": lambda a: a,
    "fortran": np.asfortranarray,
    "transposed": lambda a: a.T,
    "strided": lambda a: a[::2, 1::3],
    "reversed": lambda a: a[::-1, ::-1],
    "broadcast": lambda a: np.broadcast_to(a[0], (5, a.shape[1])),
    "read-only": read_only,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "0-d": lambda a: a[1, 2:3].reshape(()),
    "scalar": lambda a: a[1, 2],
    "empty": lambda a: a[:0],
    "misaligned": misaligned,
    "permuted": lambda a: np.moveaxis(a.reshape(3, 2, 4, 3), 2, 0),
    "subclass": lambda a: a.view(np.recarray),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_encode_keeps_the_values_of_every_memory_layout(layout, dtype):
    base = (np.arange(72).reshape(6, 12) * 37 % 101).astype(dtype)
    array = LAYOUTS[layout](base)
    before = base.copy()
    loaded = decode(encode({"x": array}, {}), where="x")[0]
    assert_same(loaded, {"x": array})
    assert np.array_equal(loaded["x"], array)
    assert np.array_equal(base, before)


def test_encode_stores_odd_bools_as_one():
    odd = np.array([0, 2, 255], np.uint8).view(bool)
    loaded = decode(encode({"x": odd}, {}), where="x")[0]["x"]
    assert loaded.view(np.uint8).tolist() == [0, 1, 1]
    assert odd.view(np.uint8).tolist() == [0, 2, 255]


def test_encode_writes_what_the_safetensors_library_writes():
    tensors = {f'{code} é"': np.zeros(3, dtype) for dtype, code in CODES.items()}
    tensors |= TENSORS | {"none": np.zeros((0, 2)), "one": np.array(1.5)}
    data = encode(tensors, STATE)
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert data == safetensors.numpy.save(tensors, metadata=head["__metadata__"])


def test_a_file_without_tensors_is_a_file():
    assert decode(encode({}, {}), where="x") == ({}, {})


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nonfinite_tensors_are_refused_unless_allowed(bad, dtype):
    tensors = {"0.b": np.zeros(3), "1.W": np.array([[0, 1], [bad, 2]], dtype)}
    with pytest.raises(ModelFileError) as caught:
        encode(tensors, {}, where="m")
    assert str(caught.value) == (
        "cannot save: m: the tensor 1.W contains NaN or infinity; "
        "save the last finite state instead"
    )
    with patch("gpunet.storage.codec._is_finite", return_value=True):
        data = encode(tensors, {})
        assert_same(decode(data, where="x")[0], tensors)
    assert "the tensor 1.W contains NaN or infinity" in refusal(data)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, complex),
        np.zeros(2, np.longdouble),
        np.zeros(2, "S3"),
        np.zeros(2, "M8[s]"),
        np.array([None]),
        np.zeros(2, [("a", "f4")]),
        [1.0, 2.0],
        3.0,
        None,
    ],
)
def test_encode_refuses_what_the_file_cannot_hold(array):
    with pytest.raises(ConfigError, match=r"tensor 0\.W"):
        encode({"0.W": array}, {})


BAD_NAMES = [
    "",
    "__metadata__",
    "a\nb",
    "\x1f",
    "lone \ud800",
    "/etc/passwd",
    "../up",
    "a/../b",
    "a\\b",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_cannot_be_tensors_are_refused(name):
    with pytest.raises(ConfigError, match="cannot be the name"):
        encode({name: np.zeros(2)}, {})
    refusal(craft({name: field(end=8)}, b"\0" * 8))


def test_encode_refuses_names_and_states_that_are_no_json():
    with pytest.raises(ConfigError, match="not a text"):
        encode({3: np.zeros(2)}, {})
    for state in ({1: 2}, {"a": object()}, {"a": {2: 3}}, {"a": 1j}, {"a": b""}):
        with pytest.raises(ConfigError):
            encode({}, state)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError, match="nested"):
        encode({}, {"a": deep})
    while deep:  # a nest this deep must be undone by hand
        deep = deep.pop()


def test_encode_refuses_a_state_that_decode_would_refuse():
    assert decode(encode({}, {"a": "x" * (MAX_HEADER - 500)}), where="x")
    with pytest.raises(ModelFileError, match="into tensors"):
        encode({}, {"a": "x" * MAX_HEADER})


# ------------------------------------------------------------------ properties

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)
names = names.filter(lambda s: not ("\\" in s or ".." in s or s.startswith("/")))
arrays = hnp.arrays(
    st.sampled_from(sorted(CODES)).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    elements={"allow_nan": False, "allow_infinity": False},
)
scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
property_test = settings(derandomize=True, deadline=None, max_examples=60)


@property_test
@given(st.dictionaries(names, arrays, max_size=4), st.dictionaries(st.text(), values))
def test_saving_what_was_loaded_gives_the_same_bytes(tensors, state):
    data = encode(tensors, state)
    loaded, again = decode(data, where="x")
    assert_same(loaded, tensors)
    assert again == finite_json(state)
    assert encode(loaded, again) == data


@property_test
@given(st.binary(max_size=200))
def test_decode_of_any_bytes_raises_model_file_errors_only(data):
    for each in (data, pack(data), pack(b"{" + data + b"}", data)):
        refusal(each)


@property_test
@given(values, values, st.binary(max_size=8))
def test_decode_of_any_json_raises_model_file_errors_only(header, document, body):
    refusal(pack(header, body))
    text = json.dumps(finite_json(document))
    refusal(pack({"__metadata__": seal(text)}, body))
    refusal(craft({"x": header}, body, digests={"x": document}))
    refusal(craft({}, body, version=document, surplus=header))


@property_test
@given(st.data())
def test_decode_of_spliced_files_raises_model_file_errors_only(data):
    good = encode(TENSORS, STATE)
    begin = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(begin, min(len(good), begin + 40)))
    spliced = good[:begin] + data.draw(st.binary(max_size=40)) + good[end:]
    if spliced != good:
        refusal(spliced)


def test_model_file_error_is_what_callers_expect():
    assert issubclass(ModelFileError, ValueError)
    assert issubclass(ModelFileError, GpunetError)
    assert ModelFileError.exit_code == 4
