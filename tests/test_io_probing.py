"""Folders: shown to be writable, and cleaned of what killed writers left."""

import os
import subprocess
import sys
import tempfile

import pytest
from system_calls import linux, message_of, posix, record_calls, run_child

from gpunet.errors import WriteError
from gpunet.io.writing import (
    probe_writable,
    remove_leftovers,
)

OLD, NEW = b"the old bytes", b"the new and longer bytes"


# ------------------------------------------------------------------ probing


def test_probe_writable_makes_missing_parents_and_leaves_nothing(tmp_path):
    folder = tmp_path / "a" / "b" / "c"
    probe_writable(folder)
    probe_writable(folder)
    assert os.listdir(folder) == []


@posix
def test_probe_writable_syncs_the_parents_of_new_folders(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        log = record_calls(patch)
        probe_writable(tmp_path / "a" / "b")
    synced = [where for name, where in log if name == "fsync"]
    assert synced[:2] == [str(tmp_path), str(tmp_path / "a")]


@pytest.mark.parametrize("below", ["", "below", "below/deeper"])
def test_probe_writable_refuses_a_file(tmp_path, below):
    (tmp_path / "taken").write_bytes(OLD)
    with pytest.raises(WriteError) as caught:
        probe_writable(tmp_path / "taken" / below)
    text = message_of(caught)
    assert "taken is a file, not a folder; choose another folder" in text


@pytest.mark.parametrize("name", ["n" * 300, "zero\0byte"])
def test_probe_writable_refuses_impossible_names(tmp_path, name):
    with pytest.raises(WriteError) as caught:
        probe_writable(tmp_path / name)
    message_of(caught)
    assert list(tmp_path.iterdir()) == []


@linux
def test_probe_writable_takes_names_that_are_no_text(tmp_path):
    folder = os.fsencode(tmp_path) + b"/run-\xff\n"
    probe_writable(folder)
    assert os.path.isdir(folder)
    with open(folder + b"/f", "wb"):
        pass
    with pytest.raises(WriteError) as caught:
        probe_writable(folder + b"/f")
    assert "run-\\udcff\\n" in message_of(caught)


@linux
def test_probe_writable_refuses_a_read_only_folder():
    code = """
import os, sys
from gpunet.errors import WriteError
from gpunet.io.writing import probe_writable
if os.getuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
for folder in (sys.argv[1], sys.argv[1] + "/new"):
    try:
        probe_writable(folder)
    except WriteError as error:
        print(error)
"""
    with tempfile.TemporaryDirectory() as folder:  # others can reach this one
        os.chmod(folder, 0o555)
        done = run_child(code, folder)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        for line in lines:
            assert "Permission denied; choose a folder you may write to" in line
        assert os.listdir(folder) == []
        os.chmod(folder, 0o755)


# ------------------------------------------------------------------ leftovers


def a_dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_remove_leftovers_takes_our_pattern_of_dead_writers_only(tmp_path):
    dead, tail = a_dead_pid(), "0123456789ab.gpunet-tmp"
    ours = [f".a.bin.{dead}-{tail}", f".a\nb.{os.getpid()}-{tail}"]
    others = [
        f".a.bin.{os.getppid()}-{tail}",  # its writer lives
        "a.bin",
        f"a.bin.{dead}-{tail}",
        f".a.bin.{dead}-{tail}.bak",
        f".a.bin.{dead}-xyz.gpunet-tmp",
        ".lock",
        "a.tmp",
    ]
    if sys.platform == "win32":
        ours, others = ours[:1], others[1:]
    for name in ours + others:
        (tmp_path / name).write_bytes(OLD)
    assert remove_leftovers(tmp_path) == sorted(ours)
    assert sorted(os.listdir(tmp_path)) == sorted(others)


@posix
def test_remove_leftovers_removes_what_a_killed_writer_left(tmp_path):
    code = """
import os, signal, sys
from gpunet.io.writing import write_atomically
os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(sys.argv[1], b"half")
"""
    assert run_child(code, tmp_path / "a.bin").returncode == -9
    (left,) = os.listdir(tmp_path)
    assert remove_leftovers(tmp_path) == [left]
    assert os.listdir(tmp_path) == []
