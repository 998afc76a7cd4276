"""JSON that any reader accepts: no NaN, no Infinity, no key twice."""

import json
import math
import os

import numpy as np
import pytest

from gpunet.errors import ConfigError
from gpunet.io.json_text import finite_json, parse_json, write_json
from gpunet.storage import decode, encode


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


def test_write_json_is_sorted_indented_and_free_of_nan(tmp_path):
    write_json(tmp_path / "c.json", {"b": [math.nan], "a": {"z": 1, "y": "é"}})
    assert (tmp_path / "c.json").read_text() == (
        '{\n  "a": {\n    "y": "\\u00e9",\n    "z": 1\n  },\n'
        '  "b": [\n    null\n  ]\n}\n'
    )
    with pytest.raises(ConfigError):
        write_json(tmp_path / "c.json", {"a": object()})
    assert os.listdir(tmp_path) == ["c.json"]


@pytest.mark.parametrize(
    "text", ["NaN", "[-Infinity]", "1e999", '{"a": 1, "a": 1}', "{"]
)
def test_parse_json_refuses_what_finite_json_never_writes(text):
    with pytest.raises(ValueError):
        parse_json(text)
    assert parse_json('{"a": [1.5, null]}') == {"a": [1.5, None]}
