"""The record: what its recipes train, and what is told of their processes."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from benchmarks import main, record
from benchmarks.record import recipes

import gpunet
from gpunet.data import read_mnist

FAKE = """
import json, sys, time
target, seed = map(int, sys.argv[1:])
ends = {"start": time.time(), "test": time.time()}
accuracy = (target + 2 * seed) / 100
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
    mean, axes = recipes.principal_axes(x, 8, pool.map)
    centered = x.astype(float) - x.mean(axis=0, dtype=float)
    vectors = np.linalg.eigh(centered.T @ centered)[1][:, -8:]
    assert np.allclose(mean, x.mean(axis=0), rtol=1e-4, atol=1e-4)
    length = np.linalg.norm(axes[:, 0])
    assert np.allclose(axes.T @ axes, length**2 * np.eye(8), atol=1e-5 * length)
    squares = np.sum((centered @ axes) ** 2) / length**2
    assert 0.99 < squares / np.sum((centered @ vectors) ** 2) <= 1 + 1e-5
    squares = np.sum((centered @ axes) ** 2, axis=1)
    assert np.mean(squares) == pytest.approx(100, rel=1e-4)


def test_components_are_a_product_however_many_threads(data, pool):
    x, axes = data.train.x[:2500], np.linspace(-1, 1, 784 * 3).reshape(784, 3)
    mean, axes = x.mean(axis=0, dtype="float32"), axes.astype("float32")
    product = recipes.components(x, mean, axes)
    assert product.shape == (2500, 3)
    assert np.allclose(product, (x - mean) @ axes, rtol=1e-4, atol=0.1)
    first = recipes.components(x, mean, axes, (3, 0))
    assert np.array_equal(first, recipes.components(x, mean, axes, (3, 0), pool.map))
    group, other = (recipes.components(x[:99], mean, axes, (3, k)) for k in (0, 1))
    assert not np.allclose(group, other, atol=50)


class Still:
    """Draws the middle of each range, but for the shift of whole pixels."""

    def __init__(self, shift):
        self.shift = shift

    def uniform(self, low, high, n=None):
        return (
            np.array(self.shift) if low == -1 else (low + high) / 2 * np.ones(n or ())
        )


def test_digits_meet_moved_axes_as_if_they_were_moved(data):
    x = data.train.x[:100].reshape(-1, 28, 28).astype("float32")
    axes = np.random.default_rng(0).standard_normal((784, 5)).astype("float32")
    assert np.allclose(recipes.moved(axes, Still((0, 0))), axes, atol=0.01)
    seen = recipes.moved(axes, Still((2, -1)))
    inner = x[:, 3:-3, 3:-3]  # stays in the frame
    placed = [np.zeros_like(x) for _ in range(2)]
    placed[0][:, 3:-3, 3:-3], placed[1][:, 5:-1, 2:-4] = inner, inner
    before, after = (p.reshape(100, -1) for p in placed)
    assert np.allclose(before @ seen, after @ axes, rtol=1e-3, atol=1)


def test_moved_axes_are_turned_about_the_middle():
    rows, columns = np.indices((28, 28)) - 13.5
    axes = np.stack([rows.ravel(), columns.ravel()], axis=1).astype("float32")
    quarter = Still((0, 0))
    quarter.uniform = lambda low, high, n=None: (
        np.ones(n) if low == 0.9 else np.zeros(n) if n else (low < -0.15) * np.pi / 2
    )
    turned = recipes.moved(axes, quarter)
    assert np.allclose(turned, axes[:, ::-1] * [-1, 1], atol=0.01)


@pytest.mark.parametrize("target", recipes.RECIPES)
def test_the_network_that_is_tested_computes_what_was_trained(
    target, data, monkeypatch
):
    fitted = []

    def fit(net, rows, **settings):
        fitted.append((net, rows[0], rows[0].copy()))
        return gpunet.training.fit(net, rows, **settings)

    monkeypatch.setattr(recipes.gpunet, "fit", fit)
    recipe = recipes.RECIPES[target]._replace(n_axes=24, hidden=64, epochs=2)
    net = recipes.train(replace(data, test=None), 3, recipe)  # no test digit is seen
    small, x, start = fitted[0]
    assert np.array_equal(x, start) != recipe.moved  # other ones for each epoch
    if recipe.moved:
        x = recipes.components(
            data.train.x, *recipes.principal_axes(data.train.x[::10], 24)
        )
    assert [layer.n_out for layer in net.layers if hasattr(layer, "n_out")] == [64, 10]
    logits = net.forward(data.train.scaled("float32"))[0]
    assert np.allclose(logits, small.forward(x)[0], atol=1e-3)
    assert gpunet.evaluate(net, data.test)["accuracy"] > 0.8


def test_recipes_end_their_parts_in_order(data, monkeypatch):
    monkeypatch.setattr(recipes, "read_mnist", lambda: data)
    run = recipes.main(98, 0)
    assert list(run["ends"]) == ["start", "data", "training", "test"]
    assert sorted(run["ends"].values()) == list(run["ends"].values())
    assert run["accuracy"] > 0.8 and run["epochs"] == 2
    assert run["recipe"].startswith("784-56-320-10")


@pytest.mark.parametrize("code", [0, 1])
def test_a_mean_that_is_not_above_the_target_fails(code, tmp_path, monkeypatch, capsys):
    path, script = tmp_path / "record.json", tmp_path / "fake.py"
    script.write_text(FAKE.replace("target + 2", "target - 1.9 + 2") if code else FAKE)
    monkeypatch.setattr(record, "_SCRIPT", script)
    command = ["bench", "--record", "--repeats", "2", "--markdown", "--json", str(path)]
    assert main(command) == code
    text, result = capsys.readouterr().out, json.loads(path.read_text())
    row = result["records"]["98"]
    mean = 97.1 if code else 99
    assert row["accuracy"]["mean"] == pytest.approx(mean)
    assert row["accuracy"]["min"] == pytest.approx(mean - 1)
    assert row["accuracy"]["sd"] == pytest.approx(1)
    assert list(row["parts"]) == ["start", "test", "end"]
    for run in row["runs"]:
        assert sum(run["parts"].values()) == pytest.approx(run["seconds"])
        assert run["parts"]["start"] > 0.005  # Python's own start
    assert f"| 98 | {mean:.2f} | 1.00 | {mean - 1:.2f} |" in text
    assert ("missed: 98 %, 99 %" in text) == bool(code)
