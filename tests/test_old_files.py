"""Files of version 0.1.0: what was saved before still loads, resumes and answers."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny import command

from gpunet.storage import load_network, read_tensors, verify

FILES = Path(__file__).with_name("old_files")
NETWORKS = json.loads((FILES / "networks" / "expected.json").read_text("utf-8"))
CLOSE = {"rtol": 2e-5, "atol": 2e-6}


@pytest.fixture
def copy_of(tmp_path):
    """Return a function that copies a folder of old files and returns the copy."""
    return lambda name: Path(shutil.copytree(FILES / name, tmp_path / name))


def answer(folder, script, *args):
    """Run a command in a folder; return what it printed."""
    done = command(script, *args, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def assert_same_tensors(path, expected):
    tensors, _ = read_tensors(path)
    old, _ = read_tensors(expected)
    assert tensors.keys() == old.keys()
    for name in old:
        assert tensors[name].dtype == old[name].dtype
        np.testing.assert_allclose(tensors[name], old[name], **CLOSE, err_msg=name)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_predicts_what_it_did(name):
    net = load_network(FILES / "networks" / f"{name}.safetensors")
    x, y = NETWORKS[name]["x"], NETWORKS[name]["y"]
    x = np.array(x) if name == "embedding" else np.array(x, net.dtype)
    np.testing.assert_allclose(net.predict(x), y, **CLOSE)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_saved_again_is_the_same_file(name, tmp_path):
    path = FILES / "networks" / f"{name}.safetensors"
    load_network(path).save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", sorted(FILES.rglob("*.safetensors")), ids=str)
def test_every_file_verifies(path):
    kinds = {"checkpoints": "checkpoint", "words": "vectors"}
    assert verify(path)["kind"] == kinds.get(path.parent.name, "model")


@pytest.mark.parametrize("name", ["stopping", "population"])
def test_killed_run_resumes_to_the_same_model(name, copy_of):
    folder = copy_of(name)
    answer(folder, "train", "--resume", "run", "--quiet")
    assert_same_tensors(
        folder / "run" / "model.safetensors", folder / "resumed.safetensors"
    )
    records, old = (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in (folder / "run" / "history.jsonl", folder / "resumed.jsonl")
    )
    assert len(records) == len(old)
    for record, expected in zip(records, old, strict=True):
        assert record.keys() == expected.keys()
        for key in expected.keys() - {"seconds", "stopped"}:
            np.testing.assert_allclose(
                np.array(record[key], float), np.array(expected[key], float), rtol=1e-4
            )


@pytest.mark.parametrize("name", ["stopping", "population"])
def test_model_of_a_table_predicts_from_its_rows(name):
    folder = FILES / name
    more = ["--probabilities"] if name == "stopping" else []
    text = answer(folder, "predict", "resumed.safetensors", "table.csv", *more)
    header, *rows = csv.reader(text.splitlines())
    head, *old = csv.reader((folder / "predicted.csv").read_text("utf-8").splitlines())
    assert header == head and len(rows) == len(old)
    assert [row[0] for row in rows] == [row[0] for row in old]
    values, expected = (np.array([r[1:] for r in part], float) for part in (rows, old))
    np.testing.assert_allclose(values, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "model"), [("words", "vectors"), ("language_model", "model")]
)
def test_killed_run_on_text_resumes_to_the_same_model(name, model, copy_of):
    folder = copy_of(name)
    answer(folder, "embed_text", "train", "--resume", "run", "--quiet")
    path = folder / "run" / f"{model}.safetensors"
    assert_same_tensors(path, folder / "resumed.safetensors")


@pytest.mark.parametrize("source", ["resumed.safetensors", "resumed.txt"])
def test_word_vectors_have_the_same_neighbours(source):
    folder = FILES / "words"
    args = ("neighbours", "cat", "-n", 3, "--from", source, "--json")
    neighbours = json.loads(answer(folder, "embed_text", *args))["cat"]
    old = json.loads((folder / "neighbours.json").read_text("utf-8"))["cat"]
    assert [word for word, _ in neighbours] == [word for word, _ in old]
    np.testing.assert_allclose([s for _, s in neighbours], [s for _, s in old], **CLOSE)


def test_language_model_writes_the_same_text():
    folder = FILES / "language_model"
    args = ("generate", "a", "dog", "-n", 8, "--temperature", 0.01, "--json")
    text = answer(folder, "embed_text", *args, "--from", "resumed.safetensors")
    assert text == (folder / "generated.json").read_text("utf-8")
