"""The compile command: afterwards nothing has to be compiled."""

import json

import numpy as np
import pytest

from gpunet.cli import main
from gpunet.cli.commands import compile as command
from gpunet.fast.cpu import compiler, word_vectors
from gpunet.fast.cpu.jit.forward import predict
from gpunet.fast.cpu.jit.lanes import train_lanes
from gpunet.fast.cpu.jit.span import train_members, train_network


def test_compile_leaves_no_kernel_to_compile(capsys):
    pytest.importorskip("numba")
    assert main(["compile"]) == 0
    assert "training, float64: " in capsys.readouterr().out
    for dtype in ("float32", "float64"):
        assert compiler.seconds_until_ready(predict, dtype) == 0
        for kernel in (train_network, train_members, train_lanes):
            assert compiler.seconds_until_ready(kernel, dtype, np.uint16) == 0
    assert word_vectors.seconds_until_ready("float32") == 0


def test_compile_as_json_keeps_its_progress_from_standard_output(monkeypatch, capsys):
    pytest.importorskip("numba")
    monkeypatch.setattr(command.warm, "tasks", lambda: [("one", lambda: None)])
    monkeypatch.setattr(command, "_train_words", lambda: None)
    assert main(["compile", "--json"]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out)["compiled"]) == ["one", "word vectors, float32"]
    assert err.startswith("one: 0.0 s")


def test_compile_without_numba_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    assert main(["compile"]) == 2
    assert 'python -m pip install "gpunet[fast]"' in capsys.readouterr().err
