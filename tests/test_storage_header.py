"""Headers of model files: a file that lies is refused, at once and in no memory."""

import gc
import time

import numpy as np
import pytest
import safetensors.numpy
from crafted import (
    STATE,
    TENSORS,
    craft,
    digest_of,
    field,
    pack,
    refusal,
    seal,
)

from gpunet.errors import ModelFileError
from gpunet.storage import decode, encode
from gpunet.storage.header import MAX_HEADER


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
