"""The rivals of the benchmarks: all do the same work, in processes that answer."""

import time

import numpy as np
import pytest
from benchmarks import frameworks, predictors, processes, rivals, worker
from benchmarks.options.bench import COSTS

from gpunet.errors import ConfigError

MODULES = {"torch": "torch", "jax": "jax", "sklearn": "sklearn"}
ANYWHERE = [name for name in frameworks.RIVALS if name not in frameworks.GPU_ONLY]


def tiny_job(batch, cost):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((20, 6)).astype(np.float32)
    t = rng.integers(0, 3, 20)
    return rivals.Job(x, t, [6, 5, 4, 3], batch, order="none", cost=cost)


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("cost", COSTS)
def test_rivals_do_the_same_work(name, batch, cost):
    """The yardsticks are honest only if all reach the same weights."""
    if name in MODULES:
        pytest.importorskip(MODULES[name])
    job = tiny_job(batch, cost)
    if (name, cost) == ("sklearn", "quadratic"):
        with pytest.raises(ConfigError, match="has no quadratic cost"):
            frameworks.RIVALS[name](job)
        return
    rival = frameworks.RIVALS[name](job)
    assert worker.timed(rival) > 0
    pairs, moved = by_hand(job), 2e-5 if job.quadratic else 1e-4
    layers = zip(rival.weights(), pairs, job.initial_weights(), strict=True)
    for layer in layers:
        for a, b, first in zip(*layer, strict=True):
            assert np.max(np.abs(a - b)) < 1e-6
            assert np.max(np.abs(b - first)) > moved


NEEDS = {"gpunet": ["numba"], "onnxruntime": ["onnx", "onnxruntime"]}
NEEDS |= {"sklearn": ["sklearn"]}


@pytest.mark.parametrize("name", predictors.PREDICTORS)
@pytest.mark.parametrize("batch", [1, 7])
def test_predictors_give_the_same_probabilities(name, batch):
    for module in NEEDS.get(name, ()):
        pytest.importorskip(module)
    job = tiny_job(batch, "softmax")
    rival = predictors.PREDICTORS[name](job)
    x = job.x
    for w, b in job.initial_weights():
        z = x @ w + b
        x = np.maximum(z, 0)
    e = np.exp(z.astype(float))
    expected = e / e.sum(axis=1, keepdims=True)
    result = np.concatenate([rival.predict(rows) for rows in rival.pieces])
    assert np.max(np.abs(result - expected)) < 1e-6
    calls, rival.predict = [], lambda rows: calls.append(len(rows))
    assert worker.timed(rival) > 0
    assert sum(calls) == 20 and calls[0] == batch


def test_compilation_when_a_rival_is_made_counts_as_its_start(monkeypatch, tmp_path):
    class Slow(rivals.Numpy):
        def __init__(self, job):
            super().__init__(job)
            time.sleep(0.2)

    monkeypatch.setitem(frameworks.RIVALS, "numpy", Slow)
    job = {"sizes": [3, 2], "batch": 2, "steps": 2, **write(tmp_path)}
    _, answer = worker.set_up("numpy", job)
    assert answer["first_epoch_s"] >= 0.2


def write(folder):
    """Write four rows of three zeros as a job's files; return their paths."""
    files = {key: str(folder / f"{key}.npy") for key in "xt"}
    np.save(files["x"], np.zeros((4, 3), np.float32))
    np.save(files["t"], np.zeros(4, int))
    return files


def by_hand(job):
    """Return the weights after an epoch, in float64 and without any trick."""
    pairs = [(w.astype(float), b.astype(float)) for w, b in job.initial_weights()]
    for k in range(0, len(job.x), job.batch):
        x, t = job.x[k : k + job.batch].astype(float), job.t[k : k + job.batch]
        inputs = []
        for w, b in pairs:
            inputs.append(x)
            z = x @ w + b
            x = 1 / (1 + np.exp(-z)) if job.quadratic else np.maximum(z, 0)
        e = np.exp(z)
        if job.quadratic:
            d = (x - np.eye(3)[t]) * x * (1 - x) / len(t)
        else:
            d = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[t]) / len(t)
        new = []
        for (w, b), a in zip(pairs[::-1], inputs[::-1], strict=True):
            step = rivals.RATE * (a.T @ d), rivals.RATE * d.sum(axis=0)
            new.insert(0, (w - step[0], b - step[1]))
            d = (d @ w.T) * (a * (1 - a) if job.quadratic else a > 0)
        pairs = new
    return pairs


def test_orders_are_new_each_epoch():
    job = rivals.Job(np.zeros((50, 1)), np.zeros(50), [1, 2], 1)
    one, two = job.permutation(), job.permutation()
    assert not np.array_equal(one, two)
    assert sorted(one) == sorted(two) == list(range(50))


def test_process_that_ends_is_an_error_not_a_hang():
    with processes.RivalProcess("no-such-rival", 1) as rival:
        rival.ask(do="setup", steps=1, batch=1, x="", t="")
        rival._process.kill()
        rival._process.join()
        assert "process ended" in rival.ask(do="run")["error"]


def test_process_that_is_too_slow_is_ended():
    with processes.RivalProcess("numpy", 1) as rival:
        assert rival.ask(0.0, do="run") == {"error": "no answer in time"}
        assert "process ended" in rival.ask(do="run")["error"]


def test_rival_that_trains_something_else_is_not_timed(monkeypatch, tmp_path):
    class Wrong(rivals.Numpy):
        def weights(self):
            return [(1.5 * w, b) for w, b in super().weights()]

    monkeypatch.setitem(frameworks.RIVALS, "numpy", Wrong)
    sizes, files = [3, 2], write(tmp_path)
    job = {"sizes": sizes, "batch": 2, "steps": 2, **files, "tolerance": 1e-4}
    with pytest.raises(ValueError, match=r"5\.0e-01 from NumPy's"):
        worker.set_up("numpy", job)


@pytest.mark.parametrize("name", ["gpunet", "loop", "torch", "jax"])
def test_rivals_are_compared_with_numpy_before_they_are_timed(name, tmp_path):
    if name in MODULES:
        pytest.importorskip(MODULES[name])
    files, _ = processes.write_rows("random", [20, 12, 10], 16, str(tmp_path))
    job = {"sizes": [20, 12, 10], "batch": 16, "steps": 3, "tolerance": 1e-6}
    rival, answer = worker.set_up(name, job | files)
    assert answer["apart"] < 1e-6
    pairs = zip(rival.weights(), rival.job.initial_weights(), strict=True)
    assert any((a != b).any() for (a, _), (b, _) in pairs)
