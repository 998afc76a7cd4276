"""Choosing who takes the steps, and what a run says and keeps of it."""

import json
from dataclasses import replace

import pytest
from tiny import carry, settings, table, trainer, write_set

import gpunet
from gpunet.errors import ConfigError
from gpunet.storage import RunFolder
from gpunet.training import Settings, engines


class Never:
    """A package of compiled engines that knows no network, and says so."""

    why_unsupported = staticmethod(
        lambda net, optimizer, hooks: "this network is unknown"
    )


class Slow(Never):
    """One that knows the network, and is slower than the loop."""

    why_unsupported = staticmethod(lambda net, optimizer, hooks: "")
    slower = staticmethod(
        lambda net, optimizer, n_steps, *_: f"{n_steps} steps are few"
    )
    engine = staticmethod(lambda net: ("test", engines.LOOP.make_steppers))


def chosen(monkeypatch, fast, name):
    monkeypatch.setattr(engines, "load", lambda module: fast)
    job = trainer(gpunet.mlp([4, 3]), table(), engine="loop")
    return engines.choose(job.state, Settings(engine=name), 7)


def test_auto_takes_the_loop_and_says_why(monkeypatch):
    assert chosen(monkeypatch, Never, "auto").note == "this network is unknown"
    assert chosen(monkeypatch, Slow, "auto").note == "7 steps are few"
    assert chosen(monkeypatch, Slow, "auto").name == "loop"


def test_compiled_is_taken_or_refused_with_the_reason(monkeypatch):
    assert chosen(monkeypatch, Slow, "compiled").name == "test"
    with pytest.raises(ConfigError, match="compiled: this network is unknown; use"):
        chosen(monkeypatch, Never, "compiled")


def test_loop_asks_nobody(monkeypatch):
    assert chosen(monkeypatch, None, "loop") is engines.LOOP


def test_unknown_engine_is_refused():
    net = gpunet.mlp([4, 3])
    with pytest.raises(ConfigError, match="'warp': choose from auto, loop, compiled"):
        gpunet.fit(net, table(), engine="warp")


def test_resumed_run_keeps_to_the_loop_of_its_checkpoint(tmp_path, monkeypatch):
    data, out = write_set(tmp_path / "data"), tmp_path / "run"
    config = settings(data, engine="loop")
    carry(config, out, max_steps=7)
    _, _, state = RunFolder(out).newest_checkpoint()
    assert state["fingerprint"]["engine"] == "loop"
    asked, true = [], engines.choose

    def choose(state, how, n_steps):
        asked.append(how.engine)
        return true(state, replace(how, engine="loop"), n_steps)

    monkeypatch.setattr("gpunet.training.loop.choose", choose)
    auto = config | {"engine": "auto"}
    *_, notes = carry(auto, out, resume="auto", given={"engine"})
    assert asked == ["loop"] and "engine: loop" in notes
    assert json.loads((out / "config.json").read_text())["engine"] == "auto"


def test_resumed_run_keeps_to_compiled_code_where_it_is_to_be_had(
    tmp_path, monkeypatch
):
    compiler = pytest.importorskip("gpunet.fast.cpu.compiler")
    pytest.importorskip("numba")
    data = write_set(tmp_path / "data")
    config = settings(data, engine="compiled")
    auto = config | {"engine": "auto"}
    for name, spec in (("here", object()), ("gone", None)):
        carry(config, tmp_path / name, max_steps=7)
        monkeypatch.setattr(compiler, "_ready", set())  # "auto" would take the loop
        monkeypatch.setattr(compiler, "_cache_folders", list)
        with monkeypatch.context() as patch:
            patch.setattr(compiler.importlib.util, "find_spec", lambda name, s=spec: s)
            *_, notes = carry(auto, tmp_path / name, resume="auto", given={"engine"})
        kept = any(note.startswith("engine: compiled") for note in notes)
        told = any("engine was 'compiled'" in note for note in notes)
        assert (kept, told) == ((True, False) if spec else (False, True)), notes
