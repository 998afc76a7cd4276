import os
import signal
import stat
import warnings

import pytest
from run_folders import linux, posix, save_all, tensors

from gpunet.errors import ConfigError, FolderInUse, WriteError
from gpunet.io.json_text import write_json
from gpunet.storage import RunFolder, lock, write_tensors

# ------------------------------------------------------------------ the folder


def test_a_folder_names_its_files(tmp_path):
    run = RunFolder(tmp_path)
    names = [run.config, run.history, run.model, run.best]
    assert [path.relative_to(tmp_path).as_posix() for path in names] == [
        "config.json",
        "history.jsonl",
        "model.safetensors",
        "best.safetensors",
    ]


def test_a_folder_keeps_its_place_when_the_program_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RunFolder("run") as run:
        monkeypatch.chdir("/")
        path = run.save_checkpoint(1, {}, {})
    assert path == tmp_path / "run/checkpoints/step-0000000001.safetensors"


def test_a_folder_is_written_by_its_holder_only(tmp_path):
    run = RunFolder(tmp_path)
    for act in (
        lambda: run.save_checkpoint(1, {}, {}),
        lambda: run.append_history({}),
        lambda: run.truncate_history(1),
    ):
        with pytest.raises(ConfigError, match="with RunFolder"):
            act()
    assert os.listdir(tmp_path) == []


def test_a_folder_can_be_entered_again(tmp_path):
    run = RunFolder(tmp_path)
    for step in (1, 2):
        with run:
            run.append_history({"step": step})
            run.save_checkpoint(step, {}, {})
            lock = os.stat(tmp_path / ".lock").st_ino
    assert os.stat(tmp_path / ".lock").st_ino == lock
    assert [record["step"] for record in run.read_history()] == [1, 2]


def test_a_folder_is_cleaned_of_leftovers_on_entering(tmp_path):
    left = f".m.{os.getpid()}-0123456789ab.gpunet-tmp"
    (tmp_path / "checkpoints").mkdir()
    for folder in (tmp_path, tmp_path / "checkpoints"):
        (folder / left).write_bytes(b"half")
    with RunFolder(tmp_path) as run:
        assert os.listdir(run.checkpoints) == []
        assert sorted(os.listdir(tmp_path)) == [".lock", "checkpoints"]


def test_a_folder_refuses_a_second_holder_in_the_same_process(tmp_path):
    own = f"in use by process {os.getpid()};"
    with RunFolder(tmp_path), pytest.raises(FolderInUse, match=own):
        RunFolder(tmp_path).__enter__()
    with RunFolder(tmp_path):
        pass


@posix
def test_a_refused_second_run_closes_its_files(tmp_path):
    with RunFolder(tmp_path):
        before = os.dup(0)
        os.close(before)
        with pytest.raises(FolderInUse):
            RunFolder(tmp_path).__enter__()
        after = os.dup(0)
        os.close(after)
    assert after == before


def test_a_folder_whose_start_fails_frees_its_lock(tmp_path):
    (tmp_path / "checkpoints").write_text("in the way")
    with pytest.raises(WriteError, match="is a file, not a folder"):
        RunFolder(tmp_path).__enter__()
    (tmp_path / "checkpoints").unlink()
    with RunFolder(tmp_path):
        pass


def test_a_folder_is_entered_though_somebody_asks_whether_it_is_in_use(
    tmp_path, monkeypatch
):
    def set_lock(fd, on):
        if on and next(asking):
            raise BlockingIOError
        true(fd, on)

    true, asking = lock._set_lock, iter([True, True, False])
    monkeypatch.setattr(lock, "_set_lock", set_lock)
    with RunFolder(tmp_path) as run:
        assert run.path == tmp_path


def test_a_folder_that_cannot_be_locked_is_a_write_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(WriteError, match=r"\.lock"):
        RunFolder(tmp_path).__enter__()


@posix
def test_a_folder_follows_a_symbolic_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to("far")
    with RunFolder(tmp_path / "near") as run:
        assert run.path == tmp_path / "far"
        with pytest.raises(FolderInUse):
            RunFolder(tmp_path / "far").__enter__()


@linux
def test_a_folder_may_have_a_name_that_is_no_text(tmp_path):
    with RunFolder(os.fsencode(tmp_path) + b"/\xff") as run:
        with pytest.raises(FolderInUse) as caught:
            RunFolder(run.path).__enter__()
        str(caught.value).encode("utf-8")
        run.append_history({"step": 1})
        run.save_checkpoint(1, tensors(1), {})
        assert run.newest_checkpoint()[2]["step"] == 1


def test_a_folder_that_is_a_file_is_a_write_error(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(WriteError, match="is a file, not a folder"):
        RunFolder(tmp_path / "taken").__enter__()
    with pytest.raises(WriteError, match="choose a shorter name"):
        RunFolder(tmp_path / ("n" * 300)).__enter__()


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_every_file_of_a_folder_honors_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        with RunFolder(tmp_path / "run") as run:
            run.append_history({"step": 1})
            run.save_checkpoint(1, tensors(1), {})
            write_json(run.config, {})
            write_tensors(run.model, tensors(1), {})
    finally:
        os.umask(before)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_nothing_here_changes_signals_or_warnings(tmp_path):
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    filters = list(warnings.filters)
    save_all(tmp_path, 1)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert warnings.filters == filters
