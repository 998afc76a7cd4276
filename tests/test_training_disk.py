"""A table on disk trains as one in memory does, and never lies in it whole."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT, after
from tiny import carry, host, same

from gpunet.errors import ConfigError
from gpunet.io import arrays
from gpunet.runs.presets import preset


@pytest.fixture
def table(tmp_path):
    rng = np.random.Generator(np.random.PCG64(0))
    x = rng.normal(3, 2, (300, 4))
    t = (x[:, 0] > x[:, 1]).astype(float) + (x[:, 2] > 4)
    np.save(tmp_path / "x.npy", np.column_stack([x, t]))
    return str(tmp_path / "x.npy")


def settings(table, **changes):
    own = {"data": table, "target": "-1", "epochs": 2, "device": "cpu", "hidden": [6]}
    return preset("table") | own | changes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"population": 3},
        {"population": 3, "shuffle": "shared", "batch_size": 7},
        {"class_weight": "balanced", "shuffle": False, "dropout": 0.3},
        {"task": "regress", "early_stopping": 1, "dtype": "float64"},
        {"population": 60, "epochs": 1},  # two blocks
    ],
    ids=range(6),
)
def test_disk_trains_bit_for_bit_as_memory_does(table, tmp_path, monkeypatch, changes):
    # The same blocks for both: how sums are parted changes their last bits.
    monkeypatch.setattr("gpunet.data.rows.BLOCK", 500)
    config = settings(table, **changes)
    a, _, result_a, notes = carry(config | {"engine": "loop"}, tmp_path / "a")
    assert "engine: loop" in notes
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    b, _, result_b, notes = carry(config, tmp_path / "b")
    assert "engine: loop (the data stay on disk)" in notes
    assert same(host(a), host(b)) and result_a == result_b


def test_disk_trains_on_every_device(bk, table, tmp_path, monkeypatch):
    a, _, result_a, _ = carry(settings(table, dtype="float64"), tmp_path / "a")
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    config = settings(table, dtype="float64", device=bk.name)
    b, _, result_b, _ = carry(config, tmp_path / "b")
    for name, p in host(a).items():
        assert np.max(np.abs(p - host(b)[name])) < 1e-9
    assert result_a["confusion"] == result_b["confusion"]


def test_disk_resumes_bit_for_bit(table, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    config = settings(table, early_stopping=5)
    whole, _, result, _ = carry(config, tmp_path / "a")
    carry(config, tmp_path / "b", max_steps=5)
    again, _, resumed, _ = carry(config, tmp_path / "b", resume="auto")
    assert same(host(whole), host(again)) and result == resumed


def test_compiled_engine_is_refused_for_disk(table, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    with pytest.raises(ConfigError, match="engine: compiled: the data stay on disk"):
        carry(settings(table, engine="compiled"), tmp_path / "a")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_npy_larger_than_the_memory_allowed_trains(tmp_path):
    n, width = 5_000, 16_000  # 640 MB as float64, sparse on the disk
    path = tmp_path / "x.npy"
    x = np.lib.format.open_memmap(path, "w+", np.float64, (n, width))
    x[:, 0] = np.arange(n) % 2
    x[::50, 1] = 1
    del x
    assert os.path.getsize(path) > 6 * 10**8
    limit = 4 * 10**8  # of what it may allocate; the map is not counted
    poor = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({limit},) * 2)"
    words = ["--data", path, "--target", "0", "--hidden", "4", "--epochs", 1]
    words += ["--out", tmp_path / "run", "--device", "cpu", "--json", "--threads", 1]
    words += ["--test-size", 50, "--validation", 50]
    done = subprocess.run(
        after(poor, [sys.executable, ROOT / "scripts" / "train.py", *words]),
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["n_test"] == 50


def test_precision_of_a_compiled_engine_is_refused_for_disk(
    table, tmp_path, monkeypatch
):
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    with pytest.raises(ConfigError, match="precision: tf32: the data stay on disk"):
        carry(settings(table, precision="tf32"), tmp_path / "a")
