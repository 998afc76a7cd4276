import errno
import os
import stat

import pytest
from system_calls import linux, message_of, posix, record_calls, run_child

from gpunet.errors import WriteError
from gpunet.io.writing import (
    sync_folder,
    write_atomically,
)

OLD, NEW = b"the old bytes", b"the new and longer bytes"


# ------------------------------------------------------------------ writing


def test_write_atomically_replaces_the_bytes(tmp_path):
    path = tmp_path / "a.bin"
    for data in (b"", OLD, NEW, b"x" * 300_000):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["a.bin"]


def test_write_atomically_takes_text_and_bytes_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("relative", NEW)
    write_atomically(os.fsencode(tmp_path / "as-bytes"), NEW)
    assert (tmp_path / "relative").read_bytes() == NEW
    assert (tmp_path / "as-bytes").read_bytes() == NEW


@posix
def test_write_atomically_syncs_file_before_rename_and_folder_after(
    tmp_path, monkeypatch
):
    path = tmp_path / "a.bin"
    with monkeypatch.context() as patch:
        log = record_calls(patch)
        write_atomically(path, NEW)
    folder, temp = str(tmp_path), log[0][1]
    assert os.path.dirname(temp) == folder
    assert os.path.basename(temp).startswith(f".a.bin.{os.getpid()}-")
    assert temp.endswith(".gpunet-tmp")
    assert log == [
        ("open", temp),
        ("write", temp),
        ("fsync", temp),
        ("close", temp),
        ("replace", temp),
        ("open", folder),
        ("fsync", folder),
        ("close", folder),
    ]


@posix
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EINTR])
@pytest.mark.parametrize("step", range(8))
def test_write_atomically_leaves_the_old_file_when_any_call_fails(
    tmp_path, monkeypatch, step, error
):
    path = tmp_path / "a.bin"
    path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        log = record_calls(patch, fail_at=step, error=error)
        with pytest.raises(WriteError) as caught:
            write_atomically(path, NEW)
    text = message_of(caught)
    assert f"cannot write: {path}: {os.strerror(error)}" in text
    assert f"({len(NEW)} bytes needed, " in text
    assert " bytes free); " in text
    if error == errno.ENOSPC:
        assert text.endswith("free some space or choose another folder")
    # The last three calls sync the folder: by then the new file is in place.
    assert path.read_bytes() == (OLD if step <= 4 else NEW)
    assert os.listdir(tmp_path) == ["a.bin"]
    synced = [where for name, where in log if name == "fsync"]
    assert len(synced) == len(set(synced)), "a failed fsync was tried again"
    opened = sum(name == "open" for name, _ in log) - (log[step][0] == "open")
    assert sum(name == "close" for name, _ in log) == opened, "a file stays open"


def test_write_atomically_goes_on_after_short_writes(tmp_path, monkeypatch):
    genuine = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: genuine(fd, bytes(data[:3])))
    write_atomically(tmp_path / "a.bin", NEW)
    assert (tmp_path / "a.bin").read_bytes() == NEW


def test_write_atomically_ends_when_the_system_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "write", lambda fd, data: 0)
    with pytest.raises(WriteError, match="wrote nothing"):
        write_atomically(tmp_path / "a.bin", NEW)
    assert os.listdir(tmp_path) == []


def test_write_atomically_leaves_nothing_when_interrupted(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    for name in ("write", "fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                write_atomically(tmp_path / "a.bin", NEW)
        assert os.listdir(tmp_path) == []


def test_write_atomically_never_takes_over_a_file_of_another(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "urandom", bytes)
    taken = tmp_path / f".a.bin.{os.getpid()}-{'00' * 6}.gpunet-tmp"
    taken.write_bytes(OLD)
    with pytest.raises(WriteError, match="File exists"):
        write_atomically(tmp_path / "a.bin", NEW)
    assert taken.read_bytes() == OLD
    assert os.listdir(tmp_path) == [taken.name]


@posix
def test_sync_folder_forgives_only_what_has_no_fsync(tmp_path, monkeypatch):
    def refuse(number):
        def fsync(fd):
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    sync_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_write_atomically_honors_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a.bin", NEW)
    finally:
        os.umask(before)
    mode = stat.S_IMODE(os.stat(tmp_path / "a.bin").st_mode)
    assert mode == 0o666 & ~umask


@posix
def test_write_atomically_follows_a_symbolic_link(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, second = tmp_path / "far/t.bin", tmp_path / "l", tmp_path / "m"
    target.write_bytes(OLD)
    link.symlink_to(target)
    second.symlink_to("l")
    write_atomically(second, NEW)
    assert second.is_symlink() and link.is_symlink()
    assert target.read_bytes() == NEW
    target.unlink()
    write_atomically(link, OLD)  # a link to nothing yet
    assert target.read_bytes() == OLD
    assert os.listdir(tmp_path / "far") == ["t.bin"]


@posix
def test_write_atomically_replaces_regular_files_only(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "device").symlink_to("/dev/null")
    for name, why in (
        ("pipe", "not a regular file"),
        ("folder", "is a folder"),
        ("loop", "leads to itself"),
        ("device", "not a regular file"),
    ):
        with pytest.raises(WriteError, match=why):
            write_atomically(tmp_path / name, NEW)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["n" * 300, "zero\0byte", "absent/a.bin"])
def test_write_atomically_refuses_impossible_names_in_one_line(tmp_path, name):
    with pytest.raises(WriteError) as caught:
        write_atomically(tmp_path / name, NEW)
    assert message_of(caught).startswith("cannot write: ")
    assert os.listdir(tmp_path) == []


@posix
def test_write_atomically_takes_the_longest_legal_name(tmp_path):
    for name in ("n" * 255, "\N{GRINNING FACE}" * 63):
        write_atomically(tmp_path / name, NEW)
        assert (tmp_path / name).read_bytes() == NEW


@linux
def test_write_atomically_explains_a_limit_on_file_size(tmp_path):
    code = """
import resource, sys
from gpunet.errors import WriteError
from gpunet.io.writing import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
write_atomically(sys.argv[1], b"old")
try:
    write_atomically(sys.argv[1], b"x" * 100_000)
except WriteError as error:
    print(error)
"""
    path = tmp_path / "a.bin"
    done = run_child(code, path)
    assert done.returncode == 0, done.stderr
    assert "File too large (100,000 bytes needed, " in done.stdout
    assert "ulimit -f" in done.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


@posix
def test_two_writers_of_one_file_never_tear_a_read(tmp_path):
    code = """
import os, sys
from gpunet.io.writing import write_atomically
path, children = sys.argv[1], []
for letter, size in ((b"a", 50_000), (b"b", 90_000)):
    pid = os.fork()
    if not pid:
        for _ in range(60):
            write_atomically(path, letter * size)
        os._exit(0)
    children.append(pid)
reads = torn = 0
while children:
    children = [pid for pid in children if os.waitpid(pid, os.WNOHANG)[0] == 0]
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        continue
    reads += 1
    torn += data not in (b"a" * 50_000, b"b" * 90_000)
print(reads, torn)
"""
    done = run_child(code, tmp_path / "a.bin")
    assert done.returncode == 0, done.stderr
    reads, torn = map(int, done.stdout.split())
    assert reads > 20
    assert torn == 0
    assert os.listdir(tmp_path) == ["a.bin"]


def test_missing_folder_is_named_and_not_the_room_in_it(tmp_path):
    with pytest.raises(WriteError) as caught:
        write_atomically(tmp_path / "none" / "a.bin", NEW)
    text = message_of(caught)
    assert text.endswith(
        f"{os.strerror(errno.ENOENT)}; make its folder first, or choose another"
    )
