"""The record: what its recipes train, and what is told of their processes."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from benchmarks import main, record
from benchmarks.record import mnist_98

import gpunet
from gpunet.data import read_mnist

FAKE = """
import json, sys, time
seed = int(sys.argv[1])
ends = {"start": time.time(), "test": time.time()}
accuracy = (0.97, 0.99)[seed]
print(json.dumps({"accuracy": accuracy, "epochs": 2, "recipe": "none", "ends": ends}))
"""


@pytest.fixture(scope="module")
def data():
    splits = read_mnist()
    train, test = splits.train.take(slice(6000)), splits.test.take(slice(1000))
    return replace(splits, train=train, test=test)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_principal_axes_are_the_main_eigenvectors(data, pool):
    x = data.train.x
    mean, axes = mnist_98.principal_axes(x, 8, pool)
    centered = x.astype(float) - x.mean(axis=0, dtype=float)
    vectors = np.linalg.eigh(centered.T @ centered)[1][:, -8:]
    assert np.allclose(mean, x.mean(axis=0), rtol=1e-4, atol=1e-4)
    assert np.allclose(axes.T @ axes, np.eye(8), atol=1e-5)
    kept = np.sum((centered @ axes) ** 2) / np.sum((centered @ vectors) ** 2)
    assert 0.99 < kept <= 1 + 1e-5


def test_projection_is_the_product(data, pool):
    x, axes = data.train.x[:2500], np.linspace(-1, 1, 784 * 3).reshape(784, 3)
    product = mnist_98.project(x, axes.astype("float32"), pool)
    assert product.shape == (2500, 3)
    assert np.allclose(product, x @ axes, rtol=1e-4, atol=0.1)


def test_the_network_that_is_tested_computes_what_was_trained(data, monkeypatch):
    trained = []

    def fit(net, rows, **settings):
        trained.append((net, rows[0]))
        return gpunet.training.fit(net, rows, **settings)

    monkeypatch.setattr(mnist_98.gpunet, "fit", fit)
    net = mnist_98.train(replace(data, test=None), 3)  # no test digit is seen
    small, components = trained[0]
    assert [layer.n_out for layer in net.layers if hasattr(layer, "n_out")] == [256, 10]
    logits = net.forward(data.train.scaled("float32"))[0]
    assert np.allclose(logits, small.forward(components)[0], atol=1e-3)
    assert gpunet.evaluate(net, data.test)["accuracy"] > 0.85


def test_recipes_end_their_parts_in_order(data, monkeypatch):
    monkeypatch.setattr(mnist_98, "read_mnist", lambda: data)
    run = mnist_98.main(0)
    assert list(run["ends"]) == ["start", "data", "training", "test"]
    assert sorted(run["ends"].values()) == list(run["ends"].values())
    assert run["accuracy"] > 0.85 and run["epochs"] == mnist_98.EPOCHS


@pytest.mark.parametrize(("target", "code"), [(97.9, 0), (98.1, 1)])
def test_a_mean_that_is_not_above_the_target_fails(
    target, code, tmp_path, monkeypatch, capsys
):
    (tmp_path / "fake.py").write_text(FAKE)
    monkeypatch.setattr(record, "RECIPES", {target: str(tmp_path / "fake.py")})
    path = tmp_path / "record.json"
    command = ["bench", "--record", "--repeats", "2", "--markdown", "--json", str(path)]
    assert main(command) == code
    text, result = capsys.readouterr().out, json.loads(path.read_text())
    row = result["records"][f"{target:g}"]
    assert row["accuracy"]["mean"] == pytest.approx(98)
    assert (row["accuracy"]["min"], row["accuracy"]["sd"]) == (97, pytest.approx(1))
    assert list(row["parts"]) == ["start", "test", "end"]
    for run in row["runs"]:
        assert sum(run["parts"].values()) == pytest.approx(run["seconds"])
        assert run["parts"]["start"] > 0.005  # Python's own start
    assert f"| {target} | 98.00 | 1.00 | 97.00 |" in text
    assert (f"missed: {target:g} %" in text) == bool(code)
