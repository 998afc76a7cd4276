"""Exports of models that were trained on a table take its raw rows."""

import csv
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from exported import RUN, answers, answers_of_js, load_py, one_by_one

import gpunet
from gpunet.data import read_for, read_splits
from gpunet.errors import DataError
from gpunet.storage import save_network

NAMES = ['a "size" */ ??/\\', "cölor\n</script>", "constructor", "kind"]
WORDS = ["red", "", "größe ??/", '"; */ //', "__proto__"]
TEXTS = [1]


def lines(n=60):
    rng = np.random.default_rng(0)
    for k in range(n):
        size = "" if k % 13 == 5 else round(1e9 + rng.normal(), 3)
        weight = "" if k % 11 == 3 else round(rng.normal(), 3)
        yield [size, WORDS[k % 5], weight, ["no", "yes", "ünsure"][k % 3]]


def write_csv(path, rows, names=NAMES):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return path


@pytest.fixture(scope="module", params=["refuse", "zeros"])
def model(request, tmp_path_factory):
    """Return a run folder, its network and its preprocessing."""
    folder = tmp_path_factory.mktemp(request.param)
    table = write_csv(folder / "t.csv", lines())
    settings = {"impute": "median", "unknown": request.param}
    splits = read_splits(table, "kind", missing=["NA"], **settings)
    net = gpunet.mlp([len(splits.table.inputs), 6, 3], "gelu", seed=1)
    more = {"table": splits.table.to_json()}
    save_network(net, folder / "model.safetensors", **more)
    return folder, net, splits.table


ROWS = [
    [1e9 + 0.25, "red", 0.5],
    [1e9 - 1, "größe ??/", -1.0],
    [1e9, '"; */ //', 3.25],
    [None, "red", None],
    [1e9, None, 0.0],
    [1e9, "", 0.0],
    [1e9, "NA", 0.0],
    [1e9, "__proto__", 1.0],
    [1e9, "green", 1.0],
    [1e9, "toString", 1.0],
]


def expected(net, table, rows, folder):
    """Return what predict answers to each row; NaN where it refuses."""
    found = []
    for row in rows:
        cells = ["" if cell is None else cell for cell in row]
        path = write_csv(folder / "new.csv", [cells], NAMES[: len(row)])
        try:
            x = table.features(read_for(table, path), None, net.dtype)
            found.append(net.predict(x)[0])
        except DataError:
            found.append(np.full(net.n_out, np.nan, net.dtype))
    return np.array(found)


@pytest.mark.parametrize("kind", RUN)
def test_raw_rows_are_answered_as_predict_does(model, kind, tmp_path):
    if kind == "onnx":
        pytest.importorskip("onnx")
    folder, net, table = model
    path = tmp_path / f"net.{kind}"
    gpunet.export(folder, path)
    y = expected(net, table, ROWS, tmp_path)
    assert np.isnan(y).any() == (table.unknown == "refuse")
    found = answers(kind, path, ROWS, TEXTS, y)
    np.testing.assert_allclose(found, y, rtol=0, atol=2e-6)


def test_classes_are_those_of_the_table(model, tmp_path):
    folder, net, table = model
    gpunet.export(folder / "model.safetensors", tmp_path / "net.js")
    gpunet.export(folder, tmp_path / "net.py")
    rows = ROWS[:5]
    y = expected(net, table, rows, tmp_path)
    classes = [table.target.classes[k] for k in y.argmax(axis=1)]
    assert answers_of_js(tmp_path / "net.js", rows)[1] == classes
    python = load_py(tmp_path / "net.py")
    assert python.classify(rows).tolist() == classes
    named = [dict(zip(NAMES, row, strict=False)) for row in rows]
    assert answers_of_js(tmp_path / "net.js", named)[1] == classes
    assert python.classify(named).tolist() == classes
    pandas = pytest.importorskip("pandas")
    assert python.classify(pandas.DataFrame(named)).tolist() == classes
    frame = pandas.DataFrame(named).convert_dtypes()  # missing cells are NA
    assert python.classify(frame).tolist() == classes


def test_categories_that_look_like_numbers_may_be_given_as_numbers(tmp_path):
    cells = [[["7", "2.5"][k % 2], k, ["no", "yes"][k % 2]] for k in range(40)]
    path = write_csv(tmp_path / "t.csv", cells, ["code", "size", "kind"])
    table = read_splits(path, "kind", categories=["code"]).table
    net = gpunet.mlp([len(table.inputs), 2])
    save_network(net, tmp_path / "model.safetensors", table=table.to_json())
    gpunet.export(tmp_path, tmp_path / "net.js")
    gpunet.export(tmp_path, tmp_path / "net.py")
    rows = [["7", 3], [7, 3], ["2.5", 3], [2.5, 3]]
    for y in (
        answers_of_js(tmp_path / "net.js", rows)[0],
        load_py(tmp_path / "net.py").predict([*rows[:1], [7.0, 3], *rows[2:]]).tolist(),
    ):
        assert y[0] == y[1] != y[2] == y[3]


REFUSED = {
    "must have 3 cells": [1.0, "red"],
    "is not a number": ["big", "red", 0.0],
    "is out of range": [1e308, "red", 1.0],
}


def test_rows_that_do_not_fit_are_refused_with_the_reason(model, tmp_path):
    folder, _, table = model
    gpunet.export(folder, tmp_path / "net.js")
    gpunet.export(folder, tmp_path / "net.py")
    outputs, _ = answers_of_js(tmp_path / "net.js", [*REFUSED.values(), {"kind": 1}])
    for why, message in zip(REFUSED, outputs, strict=False):
        assert why in message
    assert f"lacks the column {NAMES[0]}" in outputs[-1]
    python = one_by_one(tmp_path / "net.py", list(REFUSED.values()))
    for why, message in zip(REFUSED, python, strict=True):
        assert why in message
    for rows, why in [
        ([{"kind": 1}], f"row 0: lacks the column {NAMES[0]}"),
        (SimpleNamespace(columns=["kind"]), f"frame lacks the column {NAMES[0]}"),
        ([1.0, "red", 0.0], "each row must have 3 cells or be a dict"),
    ]:
        with pytest.raises(ValueError, match=re.escape(why)):
            load_py(tmp_path / "net.py").predict(rows)
    if table.unknown == "refuse":
        (message,) = answers_of_js(tmp_path / "net.js", [[1e9, "green", 0.0]])[0]
        assert message == f"predict: column {NAMES[1]}: green was not seen in training"
        (message,) = one_by_one(tmp_path / "net.py", [[1e9, "green", 0.0]])
        assert f"column {NAMES[1]}: 'green' was not seen in training" in message


@pytest.mark.parametrize("kind", RUN)
def test_missing_numbers_that_nothing_fills_are_refused(kind, tmp_path):
    if kind == "onnx":
        pytest.importorskip("onnx")
    rows = [[k, 3 * k + 1, 0.5 * k] for k in range(40)]
    path = write_csv(tmp_path / "t.csv", rows, ["a", "b", "c"])
    splits = read_splits(path, "c", task="regress")
    net = gpunet.mlp([2, 4, 1], "relu", loss="half_squared_error")
    more = {"table": splits.table.to_json()}
    save_network(net, tmp_path / "model.safetensors", **more)
    gpunet.export(tmp_path, tmp_path / f"net.{kind}")
    x = np.array([[3.0, 4.0], [5.5, 1.0]])
    table = splits.table
    z = ((x - table.scaling.mean) * table.scaling.factor).astype("float32")
    y = np.concatenate([table.target.decode(net.predict(z)), [[np.nan]] * 2])
    rows = [*x.tolist(), [None, 4.0], [float("inf") if kind != "js" else 1e300, 4.0]]
    found = answers(kind, tmp_path / f"net.{kind}", rows, [], y)
    if kind == "json":  # whose reader here knows no limits
        found[3] = np.nan
    np.testing.assert_allclose(found, y, rtol=1e-6)
    assert found.dtype == y.dtype


def test_json_describes_the_columns(model, tmp_path):
    folder, _, table = model
    gpunet.export(folder, tmp_path / "net.json")
    document = json.loads((tmp_path / "net.json").read_text())
    assert document["row"] == NAMES[:3]
    assert document["outputs"]["classes"] == ["no", "yes", "ünsure"]
    assert [c["column"] for c in document["columns"]] == [0, 1, 2]
    assert document["columns"][1]["one_hot"] == len(table.categories[NAMES[1]])
    assert document["inputs"]["names"] == table.inputs


LOADING = {
    "a page": """const vm = require("vm"); const fs = require("fs");
        const page = vm.createContext({ atob });
        vm.runInContext(fs.readFileSync(PATH, "utf8"), page);
        console.log(vm.runInContext("gpunet.predict([1, 2]).length", page));""",
    "a module": """import(require("url").pathToFileURL(PATH)).then(
        ({ predict, classify }) => console.log(predict([1, 2]).length));""",
}


@pytest.mark.parametrize("where", LOADING)
def test_script_loads_in_pages_and_as_a_module(where, tmp_path):
    node = shutil.which("node") or pytest.skip("there is no node")
    gpunet.export(gpunet.mlp([2, 3]), tmp_path / "net.js")
    code = LOADING[where].replace("PATH", json.dumps(str(tmp_path / "net.js")))
    done = subprocess.run([node, "-e", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("3\n", "")


@pytest.mark.parametrize("kind", RUN)
def test_table_of_texts_alone_is_exported(kind, tmp_path):
    if kind == "onnx":
        pytest.importorskip("onnx")
    cells = [["ab"[k % 2], "uvw"[k % 3], ["no", "yes"][k % 2]] for k in range(60)]
    path = write_csv(tmp_path / "t.csv", cells, ["one", "two", "kind"])
    table = read_splits(path, "kind").table
    net = gpunet.mlp([5, 2], dtype="float64")
    save_network(net, tmp_path / "model.safetensors", table=table.to_json())
    gpunet.export(tmp_path, tmp_path / f"net.{kind}")
    y = net.predict(np.array([[1.0, 0, 0, 0, 1], [0, 1, 1, 0, 0]]))
    found = answers(kind, tmp_path / f"net.{kind}", [["a", "w"], ["b", "u"]], [0, 1], y)
    np.testing.assert_allclose(found, y, rtol=0, atol=1e-12)
