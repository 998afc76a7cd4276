"""Checkpoints of a run: pruned only when newer sound ones are on the disk."""

import math
import os
import shutil

import numpy as np
import pytest
from run_folders import checkpoint, damage, posix, save_all, steps_in, tensors

from gpunet.errors import ConfigError, ModelFileError, WriteError
from gpunet.storage import RunFolder, verify

# ------------------------------------------------------------------ checkpoints


@posix
def test_a_checkpoint_is_on_the_disk_before_older_ones_go(tmp_path, monkeypatch):
    log, paths = [], {}

    def watch(name):
        genuine = getattr(os, name)

        def call(first, *rest, **options):
            where = paths.get(first, first) if isinstance(first, int) else first
            log.append((name, os.path.basename(where), str(where)))
            result = genuine(first, *rest, **options)
            if name == "open":
                paths[result] = os.fspath(first)
            return result

        return call

    save_all(tmp_path, 1, 2)
    with RunFolder(tmp_path) as run, monkeypatch.context() as patch:
        for name in ("open", "fsync", "replace", "unlink"):
            patch.setattr(os, name, watch(name))
        run.append_history({"step": 3})
        run.save_checkpoint(3, tensors(3), {})
    order = [(name, base) for name, base, _ in log if name != "open"]
    assert order[0] == ("fsync", "history.jsonl")
    assert order[1][0] == "fsync" and order[1][1].endswith(".gpunet-tmp")
    assert order[2] == ("replace", order[1][1])
    assert order[3:] == [
        ("fsync", "checkpoints"),
        ("unlink", "step-0000000001.safetensors"),
    ]


def test_save_checkpoint_writes_step_kind_and_state(tmp_path):
    with RunFolder(tmp_path / "run") as run:
        path = run.save_checkpoint(12, tensors(12), {"rate": 0.5, "step": 99})
        assert path == tmp_path / "run/checkpoints/step-0000000012.safetensors"
        found, loaded, state = run.newest_checkpoint()
    assert found == path
    assert np.array_equal(loaded["0.W"], tensors(12)["0.W"])
    assert state == {"kind": "checkpoint", "rate": 0.5, "step": 12}
    assert verify(path)["kind"] == "checkpoint" and verify(path)["step"] == 12


def test_save_checkpoint_takes_numpy_steps_and_its_own_kind(tmp_path):
    with RunFolder(tmp_path) as run:
        path = run.save_checkpoint(np.int64(5), {}, {"kind": "population"})
        assert (verify(path)["kind"], verify(path)["step"]) == ("population", 5)


def test_save_checkpoint_refuses_impossible_arguments(tmp_path):
    with RunFolder(tmp_path) as run:
        for step in (-1, 10**10):
            with pytest.raises(ConfigError, match="step must be"):
                run.save_checkpoint(step, {}, {})
        with pytest.raises(ConfigError, match="keep must be at least 2, got 1"):
            run.save_checkpoint(1, {}, {}, keep=1)
        run.save_checkpoint(10**10 - 1, {}, {})
        run.save_checkpoint(0, {}, {}, keep=2)
        assert steps_in(run) == [0, 10**10 - 1]


@pytest.mark.parametrize("keep", [2, 3])
def test_save_checkpoint_keeps_the_newest(tmp_path, keep):
    run = save_all(tmp_path, 1, 2, 3, 10, 11, keep=keep)
    assert steps_in(run) == [1, 2, 3, 10, 11][-keep:]


def test_save_checkpoint_never_counts_damaged_ones(tmp_path):
    run = save_all(tmp_path, 1, 2, 3, 4, keep=4)
    damage(checkpoint(run, 4))
    damage(checkpoint(run, 3))
    save_all(tmp_path, 5)
    assert steps_in(run) == [2, 3, 4, 5]
    save_all(tmp_path, 6)
    assert steps_in(run) == [5, 6]


def test_save_checkpoint_counts_no_file_under_a_wrong_name(tmp_path):
    run = save_all(tmp_path, 1, 2, keep=3)
    shutil.copy(checkpoint(run, 1), checkpoint(run, 3))
    save_all(tmp_path, 4)
    assert steps_in(run) == [2, 3, 4]


def test_save_checkpoint_leaves_later_ones_and_the_one_just_written(tmp_path):
    run = save_all(tmp_path, 1, 2, 8, 9, keep=4)
    save_all(tmp_path, 3)
    assert steps_in(run) == [2, 3, 8, 9]


def test_save_checkpoint_leaves_other_files_alone(tmp_path):
    run = save_all(tmp_path, 1)
    others = ["notes.txt", "step-1.safetensors", "step-0000000000.safetensors.bak"]
    for name in others:
        (run.checkpoints / name).write_text("mine")
    save_all(tmp_path, 2, 3, 4)
    assert set(others) < set(os.listdir(run.checkpoints))
    assert len(os.listdir(run.checkpoints)) == 5


def test_save_checkpoint_survives_a_file_that_cannot_go(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "open elsewhere")

    save_all(tmp_path, 1, 2)
    with RunFolder(tmp_path) as run, monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        run.save_checkpoint(3, tensors(3), {})
    assert steps_in(run) == [1, 2, 3]
    save_all(tmp_path, 4)
    assert steps_in(run) == [3, 4]


def test_save_checkpoint_prunes_nothing_when_the_save_fails(tmp_path, monkeypatch):
    def refuse(fd):
        raise OSError(5, "Input/output error")

    run = save_all(tmp_path, 1, 2)
    before = [verify(checkpoint(run, step))["digest"] for step in (1, 2)]
    with RunFolder(tmp_path) as run:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(WriteError, match="bytes needed"):
                run.save_checkpoint(3, tensors(3), {})
        with pytest.raises(ModelFileError, match="NaN"):
            run.save_checkpoint(3, {"x": np.array([math.nan])}, {})
    assert steps_in(run) == [1, 2]
    assert [verify(checkpoint(run, step))["digest"] for step in (1, 2)] == before


# ------------------------------------------------------------------ resuming


def test_drop_after_removes_later_ones_and_the_oldest_ones_too_many(tmp_path):
    run = save_all(tmp_path, 1, 2, 3, 4, 8, 9, keep=9)
    run.best.write_bytes(b"the best")
    with run:
        run.drop_after(4, keep=3)
        assert steps_in(run) == [2, 3, 4]
        run.drop_after(4)
    assert steps_in(run) == [3, 4] and run.best.exists()


def test_drop_after_counts_sound_ones_only(tmp_path):
    run = save_all(tmp_path, 1, 2, 3, 4, keep=9)
    damage(checkpoint(run, 3))
    with run:
        run.drop_after(4)
    assert steps_in(run) == [2, 3, 4]


def test_newest_checkpoint_is_none_where_there_is_none(tmp_path):
    assert RunFolder(tmp_path / "absent").newest_checkpoint() is None
    with RunFolder(tmp_path) as run:
        assert run.newest_checkpoint() is None


def test_newest_checkpoint_goes_by_number_and_needs_no_lock(tmp_path):
    save_all(tmp_path, 9, 10, 11, keep=3)
    path, _, state = RunFolder(tmp_path).newest_checkpoint()
    assert state["step"] == 11 and path.name == "step-0000000011.safetensors"


def test_newest_checkpoint_falls_back_with_one_warning(tmp_path):
    run = save_all(tmp_path, 1, 2, 3, keep=3)
    damage(checkpoint(run, 3))
    said = []
    path, loaded, state = run.newest_checkpoint(warn=said.append)
    assert (path, state["step"]) == (checkpoint(run, 2), 2)
    assert np.array_equal(loaded["0.W"], tensors(2)["0.W"])
    assert len(said) == 1
    for step in (2, 3):
        assert f"step-{step:010d}.safetensors" in said[0]
    assert "is damaged; falling back to" in said[0]
    damage(checkpoint(run, 2))
    with pytest.warns(UserWarning, match="as are the 1 before it") as caught:
        assert run.newest_checkpoint()[2]["step"] == 1
    assert len(caught) == 1


@pytest.mark.parametrize("length", [0, 7, 8, 9, 100, 300, -8, -1])
def test_newest_checkpoint_falls_back_from_every_truncation(tmp_path, length):
    run = save_all(tmp_path, 1, 2)
    data = checkpoint(run, 2).read_bytes()
    checkpoint(run, 2).write_bytes(data[:length])
    said = []
    assert run.newest_checkpoint(said.append)[2]["step"] == 1
    assert len(said) == 1


def test_newest_checkpoint_refuses_when_none_is_sound(tmp_path):
    run = save_all(tmp_path, 1, 2)
    damage(checkpoint(run, 1))
    checkpoint(run, 2).unlink()
    checkpoint(run, 2).mkdir()
    with pytest.raises(ModelFileError, match="none of its 2 checkpoints is sound"):
        run.newest_checkpoint()


def test_newest_checkpoint_refuses_a_file_under_a_wrong_name(tmp_path):
    run = save_all(tmp_path, 1, 2)
    os.rename(checkpoint(run, 1), checkpoint(run, 3))
    said = []
    assert run.newest_checkpoint(said.append)[2]["step"] == 2
    assert "step-0000000003" in said[0]
