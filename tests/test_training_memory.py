"""Running out of memory: the line, the exit code, and what is left behind."""

import gc
import re

import fake_cupy
import numpy as np
import pytest
from emulation import compiler
from tiny import (
    assert_same_run,
    carry,
    host,
    left_behind,
    same,
    settings,
    table,
    write_set,
)

import gpunet
from gpunet import cli
from gpunet.errors import OutOfMemory
from gpunet.storage import RunFolder
from gpunet.training.memory import memory_for

LINE = re.compile(
    r"out of memory (while|during) [a-z ]+: cuda:0 was asked for [\d,]+ bytes, "
    r"[\d,]+ bytes are free; use a smaller `batch_size` \(\d+\), "
    r"network, population or data set"
)
needs_kernels = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
engines = pytest.mark.parametrize(
    "engine", ["loop", pytest.param("compiled", marks=needs_kernels)]
)
CPU = gpunet.open_backend("cpu")


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError("Unable to allocate 7.45 GiB for an array"), "asked for 7.45 GiB"),
        (
            MemoryError(
                "Out of memory allocating 4,000 bytes (allocated so far: 60,000 bytes, "
                "limit set to: 61,000 bytes)."
            ),
            "asked for 4,000 bytes, 1,000 bytes are free; use a smaller `batch_size` "
            r"\(12\),",
        ),
        (MemoryError(), r"asked for more; use a smaller `batch_size` \(50\),"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), "asked for more"),
        (RuntimeError("cudaErrorMemoryAllocation: out of memory"), "asked for more"),
        (RuntimeError("CUDA out of memory. Tried"), "asked for more"),
    ],
)
def test_every_library_is_understood(error, what):
    with pytest.raises(OutOfMemory, match=what) as caught, memory_for("step", CPU, 100):
        raise error
    assert caught.value.exit_code == 6
    start = "out of memory during a training step: cpu was "
    assert str(caught.value).startswith(start)
    assert caught.value.__context__ is None and caught.value.__cause__ is None


def test_other_errors_and_our_own_lines_pass_unchanged():
    for error in (ValueError("no"), OutOfMemory("memory: data: said"), KeyError(3)):
        with pytest.raises(type(error)) as caught, memory_for("step", CPU):
            raise error
        assert caught.value is error


def fit(fake, engine, at=None):
    """Train with the at-th allocation failing; return the network and the line."""
    net = gpunet.mlp([4, 6, 3], device="cuda", seed=2, dropout=0.1)
    start, line = host(net), ""
    fake.fails_at = at and fake.allocations + at
    before = fake.allocations
    data = {"validation": 0.25, "epochs": 1, "batch_size": 10, "engine": engine}
    try:
        gpunet.fit(net, table(), optimizer=gpunet.Adam(0.01), **data)
    except OutOfMemory as error:
        line = str(error)
    return net, start, line, fake.allocations - before


@engines
def test_every_allocation_may_fail(monkeypatch, engine):
    fake = fake_cupy.install(monkeypatch)
    *_, n = fit(fake, engine)
    seen = set()
    for at in range(1, n + 1):
        net, start, line, _ = fit(fake, engine, at)
        assert LINE.fullmatch(line), (at, line)
        stage = line.partition(":")[0].split()[-1]
        seen.add(stage)
        if stage in ("data", "step"):
            assert same(host(net), start), at  # the span's start was put back
    assert seen >= {"data", "step", "evaluation"}


def alive():
    gc.collect()
    # isinstance asks an object's class, and some of torch's warn when they are asked
    return sum(issubclass(type(o), fake_cupy.Array) for o in gc.get_objects())


@engines
def test_memory_is_released(monkeypatch, engine):
    fake = fake_cupy.install(monkeypatch)
    *_, n = fit(fake, engine)
    before = alive()
    for at in (3, n // 2, n - 2):
        assert fit(fake, engine, at)[2]
        assert alive() <= before


@engines
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_last_checkpoint_is_kept_and_resumes(tmp_path, monkeypatch, engine, part):
    fake = fake_cupy.install(monkeypatch)
    data = write_set(tmp_path / "data")
    config = settings(data, device="cuda", engine=engine)
    every = {"checkpoint_every_steps": 2}
    before = fake.allocations
    carry(config, tmp_path / "whole", **every)
    n = fake.allocations - before
    fake.fails_at = fake.allocations + int(part * n)
    with pytest.raises(OutOfMemory):
        carry(config, tmp_path / "cut", **every)
    fake.fails_at = None
    _, _, state = RunFolder(tmp_path / "cut").newest_checkpoint()
    assert 0 < state["step"] < 15
    carry(config, tmp_path / "cut", resume="auto", **every)
    assert_same_run(tmp_path / "cut", left_behind(tmp_path / "whole"))


@engines
def test_command_leaves_with_6_and_one_line(tmp_path, monkeypatch, capsys, engine):
    fake = fake_cupy.install(monkeypatch)
    data = write_set(tmp_path / "data")
    words = ["train", "--data-dir", data, "--sizes", "16-8-3", "--validation", 12]
    words += ["--epochs", 1, "--device", "cuda", "--engine", engine, "--batch-size", 8]
    base = [*map(str, words), "--threads", "1"]
    codes, stages = [], set()
    before = fake.allocations
    assert cli.main([*base, "--out", str(tmp_path / "run")]) == 0
    n = fake.allocations - before
    for k, at in enumerate(np.linspace(1, n, 23).astype(int)):
        capsys.readouterr()
        fake.fails_at = fake.allocations + int(at)
        codes.append(cli.main([*base, "--out", str(tmp_path / f"run{k}")]))
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("gpunet: error: "), said
        shortage = re.search("out of memory ([a-z ]+): ", said)
        stages.add(shortage[1] if shortage else "open")
        fake.fails_at = None
    assert set(codes) == {6}
    assert stages >= {"open", "during a training step", "during an evaluation"}
