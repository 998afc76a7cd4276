"""Published weights: Nielsen's JSON, plain lists, npz; and what is no such file."""

import io
import json
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from helpers import error, normal

from gpunet import mlp, save_network
from gpunet.errors import ModelFileError
from gpunet.storage.published import is_published, load_published

SIZES = (4, 3, 2)


def layers(seed=0, sizes=SIZES):
    """Return weights (out, in) and biases (out, 1), as Nielsen keeps them."""
    pairs = list(pairwise(sizes))
    weights = [normal(seed + k, n, m) for k, (m, n) in enumerate(pairs)]
    return weights, [normal(seed + 9 + k, n, 1) for k, (_, n) in enumerate(pairs)]


def nielsen(path, cost="CrossEntropyCost", **changes):
    """Write what `network2.py` saves."""
    weights, biases = layers()
    data = {
        "sizes": list(SIZES),
        "weights": [w.tolist() for w in weights],
        "biases": [b.tolist() for b in biases],
        "cost": cost,
    } | changes
    path.write_text(json.dumps(data))
    return path


def by_the_book(x):
    """Return Nielsen's feedforward, one column at a time."""
    weights, biases = layers()
    rows = []
    for one in x:
        a = one[:, None]
        for w, b in zip(weights, biases, strict=True):
            a = 1.0 / (1.0 + np.exp(-(w @ a + b)))
        rows.append(a[:, 0])
    return np.array(rows)


@pytest.mark.parametrize("cost", ["CrossEntropyCost", "QuadraticCost"])
def test_nielsens_json_answers_as_his_program(tmp_path, bk, cost):
    net = load_published(nielsen(tmp_path / "n.json", cost), bk)
    x = normal(5, 6, 4)
    assert error(net.predict(x), by_the_book(x)) < 1e-12
    sigmoid = cost == "CrossEntropyCost"
    assert net.loss.name == (
        "sigmoid_cross_entropy" if sigmoid else "half_squared_error"
    )
    assert net.dtype == "float64" and net.n_parameters == 15 + 8
    assert net.params["0.W"].shape == (4, 3)  # transposed: ours are (in, out)


def test_plain_lists_in_every_form_are_the_same_network(tmp_path):
    weights, biases = layers()
    flat = [b[:, 0] for b in biases]
    W, b = [w.tolist() for w in weights], [b.tolist() for b in flat]
    (tmp_path / "pair.json").write_text(json.dumps([W, b]))
    (tmp_path / "named.json").write_text(json.dumps({"weights": W, "biases": b}))
    w0, w1 = weights
    np.savez(tmp_path / "a.npz", w0=w0, b0=flat[0], w1=w1, b1=biases[1])
    columns = {"weights_1": w0, "bias.1": flat[0], "W2": w1, "biases2": flat[1]}
    np.savez_compressed(tmp_path / "b.npz", **columns)
    fortran = {"w0": np.asfortranarray(w0), "b0": flat[0], "w1": w1, "b1": flat[1]}
    np.savez(tmp_path / "c.npz", **fortran)
    big = {k: v.astype(">f8") for k, v in fortran.items()}
    np.savez(tmp_path / "d.npz", **big)
    x = normal(6, 3, 4)
    for name in ("pair.json", "named.json", "a.npz", "b.npz", "c.npz", "d.npz"):
        assert is_published(tmp_path / name)
        net = load_published(tmp_path / name)
        assert error(net.predict(x), by_the_book(x)) < 1e-12, name
    net = load_published(tmp_path / "a.npz", activation="relu", dtype="float32")
    assert net.layers[1].function == "relu" and net.dtype == "float32"


def refused(path):
    with pytest.raises(ModelFileError) as caught:
        load_published(path)
    line = str(caught.value)
    assert line.startswith("weights: ") and "; " in line and len(line) <= 480
    assert "\n" not in line
    return line


BAD_JSON = {
    "empty": "",
    "text": "hello",
    "number": "3",
    "list of three": "[[], [], []]",
    "no biases": '{"weights": []}',
    "no layers": '{"weights": [], "biases": []}',
    "text inside": '{"weights": [[["1"]]], "biases": [[0]]}',
    "truth values": '{"weights": [[[true]]], "biases": [[0]]}',
    "ragged": '{"weights": [[[1, 2], [3]]], "biases": [[0, 0]]}',
    "NaN": '{"weights": [[[NaN]]], "biases": [[0]]}',
    "Infinity": '{"weights": [[[Infinity]]], "biases": [[0]]}',
    "too large": '{"weights": [[[1e999]]], "biases": [[0]]}',
    "long integer": '{"weights": [[[1' + "0" * 400 + ']]], "biases": [[0]]}',
    "longer integer": '{"weights": [[[1' + "0" * 5000 + ']]], "biases": [[0]]}',
    "one bias too many": '{"weights": [[[1]]], "biases": [[0], [1]]}',
    "widths": '{"weights": [[[1]], [[1, 2]]], "biases": [[0], [0]]}',
    "flat weights": '{"weights": [[1]], "biases": [[0]]}',
    "no rows": '{"weights": [[]], "biases": [[]]}',
    "deep": "[" * 100_000,
    "deep and closed": '{"weights": ' + "[" * 900 + "]" * 900 + ', "biases": [[0]]}',
    "other cost": '{"weights": [[[1]]], "biases": [[0]], "cost": "Hinge"}',
    "cost is a list": '{"weights": [[[1]]], "biases": [[0]], "cost": [1]}',
    "other sizes": '{"weights": [[[1]]], "biases": [[0]], "sizes": [1, 2]}',
    "sizes are no list": '{"weights": [[[1]]], "biases": [[0]], "sizes": 2}',
    "null": '{"weights": null, "biases": [[0]]}',
    "object": '{"weights": {"a": 1}, "biases": [[0]]}',
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_is_no_weights_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    refused(tmp_path / "x.json")


def test_transposed_weights_are_refused_with_a_hint(tmp_path):
    W, b = normal(0, 4, 3), np.zeros(3)  # (in, out)
    (tmp_path / "t.json").write_text(json.dumps([[W.tolist()], [b.tolist()]]))
    assert "transposed" in refused(tmp_path / "t.json")


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(array, **kind):
    memory = io.BytesIO()
    np.save(memory, array, **kind)
    return memory.getvalue()


def test_npz_that_is_no_weights_is_refused(tmp_path):
    good, bias = npy(np.ones((1, 1))), npy(np.ones(1))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"
    huge = header % b"99999999999999"
    huge = b"\x93NUMPY\x01\x00" + len(huge).to_bytes(2, "little") + huge
    objects = np.array([[{}]], dtype=object)
    cases = {
        "a": {"w0": good},
        "b": {"w0": good, "b1": bias},
        "c": {"w0": good, "b0": bias, "extra": bias},
        "d": {"w0": good, "W0": good, "b0": bias},
        "e": {"w0": b"no array", "b0": bias},
        "f": {"w0": good[:-1], "b0": bias},
        "g": {"w0": good + b"x", "b0": bias},
        "h": {"w0": huge, "b0": bias},
        "i": {"w0": npy(objects, allow_pickle=True), "b0": bias},
        "j": {"w0": npy(np.ones((1, 1), "c16")), "b0": bias},
        "k": {"w0": npy(np.ones((1, 1), [("a", "f8")])), "b0": bias},
        "l": {"w0": npy(np.array([["1"]])), "b0": bias},
        "m": {"w0": npy(np.full((1, 1), np.nan)), "b0": bias},
        "n": {"w0": npy(np.ones((1, 1, 1, 1))), "b0": bias},
        "o": {},
        "p": {"w0": good, "b0": npy(np.ones((2, 2)))},
    }
    for name, members in cases.items():
        refused(npz(tmp_path / f"{name}.npz", **members))


def test_damaged_archives_are_refused(tmp_path):
    path = tmp_path / "w.npz"
    np.savez_compressed(path, w0=normal(0, 3, 4), b0=np.zeros(3))
    data, bad = path.read_bytes(), tmp_path / "bad.npz"
    for n in range(0, len(data), 7):
        bad.write_bytes(data[:n])
        refused(bad)
    for n in range(0, len(data), 5):  # a flip is refused, or changes no number
        flipped = bytearray(data)
        flipped[n] ^= 0x10
        bad.write_bytes(flipped)
        try:
            net = load_published(bad)
        except ModelFileError as caught:
            assert len(str(caught)) <= 480
        else:
            assert error(net.params["0.W"], normal(0, 3, 4).T) == 0


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = npz(tmp_path / "bomb.npz", w0=bytes(300 << 20))
    assert bomb.stat().st_size < 1 << 20
    assert "inflates to 314,572,800" in refused(bomb)


def test_paths_that_are_no_files_are_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "none.json")
    refused(tmp_path)
    refused(b"nul\x00.json")
    model = tmp_path / "m.json"
    save_network(mlp([2, 2]), model)
    assert "neither JSON nor npz" in refused(model) or "JSON" in refused(model)
    large = tmp_path / "large.json"
    with open(large, "wb") as file:
        file.truncate(300 << 20)
    assert "more than" in refused(large)
    assert not is_published("model.safetensors") and is_published(b"A.JSON")


def test_numbers_beyond_float32_are_refused_only_there(tmp_path):
    path = tmp_path / "w.json"
    path.write_text('{"weights": [[[1e39]]], "biases": [[0]]}')
    assert load_published(path).params["0.W"][0, 0] == 1e39
    with pytest.raises(ModelFileError, match="float32"):
        load_published(path, dtype="float32")
