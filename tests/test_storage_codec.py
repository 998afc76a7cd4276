import gc
import hashlib
import json
import math
import time
from unittest.mock import patch

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpunet.errors import ConfigError, GpunetError, ModelFileError
from gpunet.io.json_text import finite_json
from gpunet.storage import decode, encode
from gpunet.storage.header import MAX_HEADER

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


def test_decode_detects_every_flipped_bit():
    data = encode(TENSORS, STATE)
    undetected = 0
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            try:
                decode(damaged, where="x")
            except ModelFileError:
                continue
            undetected += 1
    assert undetected == 0


def test_decode_detects_every_truncation_and_every_appended_byte():
    data = encode(TENSORS, STATE)
    for length in range(len(data)):
        with pytest.raises(ModelFileError):
            decode(data[:length], where="x")
    for extra in [bytes([n]) for n in range(256)] + [b" " * n for n in (2, 8, 64)]:
        with pytest.raises(ModelFileError):
            decode(data + extra, where="x")


def test_decode_detects_tensors_that_changed_places():
    tensors = {"a": np.arange(3.0), "b": np.arange(3.0)[::-1]}
    data = encode(tensors, {})
    assert "was changed" in refusal(data[:-48] + data[-24:] + data[-48:-24])


def test_craft_makes_files_that_decode_takes():
    # Every refusal below is then due to the one thing that is wrong.
    raw = np.array([1, 2], "<f4").tobytes()
    tensors, state = decode(craft({"x": field()}, raw, state={"a": 1}), where="x")
    assert tensors["x"].tolist() == [1, 2] and state == {"a": 1}
    assert decode(pack({"__metadata__": seal(EMPTY)}), where="x") == ({}, {"a": {}})


def test_decode_asks_for_an_update_when_the_file_is_newer():
    text = refusal(craft({}, version=2))
    assert "written by a later gpunet (file version 2, this one reads 1)" in text
    assert text.endswith("; update gpunet")
    refusal(craft({}, version=10**400, digests=[]))  # whatever else it holds


def test_decode_says_when_a_file_is_not_of_gpunet():
    arrays = {"x": np.zeros(3)}
    for metadata in (None, {"format": "pt"}, {"gpunet": "x", "more": "y"}):
        text = refusal(safetensors.numpy.save(arrays, metadata=metadata))
        assert "is not a gpunet file; give a file that gpunet has written" in text
    for data in (b"PK\3\4" * 90, b"\x80\4" + b"." * 90, b"{" * 99, b"", b"1234567"):
        refusal(data)


RAW = np.array([1, 2], "<f4").tobytes()
EMPTY = '{"state":{"a":{}},"format":"gpunet","version":1,"digests":{}}'
LIES = {
    "missing digest": craft({"x": field()}, RAW, digests={}),
    "digest of an absent tensor": craft({}, digests={"x": "0" * 64}),
    "wrong digest": craft({"x": field()}, RAW, digests={"x": "0" * 64}),
    "digest is no text": craft({"x": field()}, RAW, digests={"x": 5}),
    "digests are no dict": craft({}, digests=[]),
    "state is no dict": craft({}, state=[1]),
    "other format": craft({}, format="other"),
    "version is true": craft({}, version=True),
    "version is a float": craft({}, version=1.0),
    "version zero": craft({}, version=0),
    "surplus key": craft({}, surplus=1),
    "bfloat16": craft({"x": field("BF16", (4,))}, RAW),
    "float8": craft({"x": field("F8_E4M3", (8,))}, RAW),
    "complex": craft({"x": field("C64", (1,))}, RAW),
    "unknown dtype": craft({"x": field("f32")}, RAW),
    "100 dimensions": craft({"x": field("F32", [1] * 99 + [2])}, RAW),
    "40 dimensions": craft({"x": field("F32", [1] * 39 + [2])}, RAW),
    "negative dimensions": craft({"x": field("F32", (-1, -2))}, RAW),
    "float dimension": craft({"x": field("F32", (2.0,))}, RAW),
    "bool dimension": craft({"x": field("F64", (True,))}, RAW),
    "shape too small": craft({"x": field("F32", (1,))}, RAW),
    "shape too large": craft({"x": field("F32", (3,))}, RAW),
    "huge end": craft({"x": field("U8", (2**63 - 1,), 0, 2**63 - 1)}, RAW),
    "huge and empty": craft({"x": field("U8", (0, 2**63 - 1), 0, 0)}),
    "overflow to zero": craft({"x": field("U8", (2**32, 2**32), 0, 0)}),
    "starts late": craft({"x": field("F32", (1,), 4, 8)}, RAW),
    "ends early": craft({"x": field("F32", (1,), 0, 4)}, RAW),
    "overlap": craft({"x": field(), "y": field("F32", (1,), 4, 8)}, RAW),
    "same place twice": craft({"x": field(), "y": field()}, RAW),
    "hole": craft(
        {"x": field("U8", (2,), 0, 2), "y": field("U8", (4,), 4, 8)}, b"12345678"
    ),
    "backwards": craft({"x": field("F32", (-2,), 8, 0)}, RAW),
    "empty in the middle": craft({"x": field(), "y": field("F32", (0,), 4, 4)}, RAW),
    "bool of two": craft({"x": field("BOOL", (1,), 0, 1)}, b"\2"),
    "nan": craft({"x": field()}, np.array([1, np.nan], "<f4").tobytes()),
    "infinite state": pack({"__metadata__": seal(EMPTY.replace("{}", "1e999", 1))}),
    "bare NaN": pack({"__metadata__": seal(EMPTY.replace("{}", "NaN", 1))}),
    "state is a list": pack({"__metadata__": seal("[1]")}),
    "deep state": pack({"__metadata__": seal("[" * 200_000)}),
    "surrogates in the seal": pack({"__metadata__": {"gpunet": "\ud800" * 80}}),
    "metadata is a list": pack({"__metadata__": ["gpunet"]}),
    "metadata is a number": pack({"__metadata__": {"gpunet": 5}}),
    "field is a list": craft({"x": []}, digests={"x": ""}),
    "field with more keys": craft({"x": field() | {"more": 1}}, RAW),
    "offsets are three": craft(
        {"x": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0, 0]}},
        digests={"x": digest_of("x", "U8", [0], b"")},
    ),
    "dtype is a list": craft({"x": field([])}, RAW),
    "header is a list": pack([1]),
    "header is deep": pack(b'{"a":' * 200_000),
    "header is long": pack(b"{" + b" " * MAX_HEADER + b"}"),
    "header of 2^63": (2**63).to_bytes(8, "little") + b"{}",
    "header of 2^64 - 1": b"\xff" * 8 + b"{}",
    "header is not utf-8": pack(b'{"\xff":1}'),
    "header has a long number": pack(b'{"a":' + b"9" * 5000 + b"}"),
    "header has a byte order mark": pack(b"\xef\xbb\xbf{}"),
    "many lists": pack(b'{"a":[' + b"[]," * (MAX_HEADER // 3 - 9) + b"[]]}"),
    "deep and wide": pack(b'{"a":{' + b'"b":1,' * 9 + b'"b":1}}'),
}


@pytest.mark.parametrize("lie", LIES)
def test_decode_refuses_files_that_lie(lie):
    gc.freeze()  # what other tests left is not this file's to collect
    start = time.process_time()
    refusal(LIES[lie])
    spent = time.process_time() - start
    gc.unfreeze()
    assert spent < 1


def test_decode_names_the_limit_of_a_header():
    assert f"more than the {MAX_HEADER:,} allowed" in refusal(LIES["header is long"])


def test_decode_refuses_a_key_that_appears_twice():
    good = craft({"x": field()}, RAW)
    header = good[8:-8]
    assert b'"x": {' in header
    twice = header.replace(b'"x": {', b'"x": {}, "x": {')
    assert "twice" in refusal(pack(twice, RAW))


# ------------------------------------------------------------------ finite_json


def test_finite_json_makes_null_of_what_is_not_finite():
    value = {"a": [math.nan, -math.inf, 1.5], "b": (np.float32("inf"), np.float16(2))}
    assert finite_json(value) == {"a": [None, None, 1.5], "b": [None, 2.0]}
    text = json.dumps(finite_json(value), allow_nan=False)
    json.loads(text, parse_constant=pytest.fail)


def test_finite_json_takes_numpy_numbers_and_keeps_types():
    value = [np.int64(3), np.bool_(True), np.arange(3), True, None, "x", 2**127]
    result = finite_json(value)
    assert result == [3, True, [0, 1, 2], True, None, "x", 2**127]
    assert [type(item) for item in result] == [
        int,
        bool,
        list,
        bool,
        type(None),
        str,
        int,
    ]


def test_finite_json_keeps_a_generator_state_exactly():
    rng = np.random.default_rng(5)
    rng.integers(9, size=3, dtype=np.uint32)  # leaves half a word in the buffer
    state = decode(encode({}, rng.bit_generator.state), where="x")[1]
    twin = np.random.default_rng()
    twin.bit_generator.state = state
    assert np.array_equal(twin.permutation(50), rng.permutation(50))
    philox = np.random.Philox(3).state
    assert finite_json(philox)["state"]["key"] == philox["state"]["key"].tolist()


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
