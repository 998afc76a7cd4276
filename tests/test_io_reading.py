"""Files of strangers: nothing hangs, nothing explodes, everything has a name."""

import os
import signal
import socket
import sys
import tracemalloc
from pathlib import Path

import pytest

from gpunet.errors import DataError, GpunetError
from gpunet.io.messages import data_error
from gpunet.io.reading import read_regular

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="FIFOs, devices and links need POSIX"
)


@pytest.fixture
def alarm():
    """Fail a test that hangs, instead of hanging with it."""

    def fail(signum, frame):
        raise AssertionError("still waiting after 5 s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def assert_contract(error):
    """The message is one UTF-8 line of the documented form, short enough."""
    text = str(error)
    text.encode("utf-8")
    assert len("gpunet: error: " + text) <= 500
    assert text.isprintable()
    what, where, rest = text.split(": ", 2)
    why, _, cure = rest.rpartition("; ")
    assert what and where and why and cure
    assert isinstance(error, ValueError) and isinstance(error, GpunetError)
    assert error.exit_code == 3


def refusal(call, *args):
    """Return the message of the DataError that the call must raise."""
    with pytest.raises(DataError) as caught:
        call(*args)
    assert_contract(caught.value)
    return str(caught.value)


def test_read_regular_returns_every_byte(tmp_path):
    content = bytes(range(256)) * 300 + b"\r\n\x1a\0"
    path = tmp_path / "a"
    path.write_bytes(content)
    for spelling in (path, str(path), os.fsencode(path)):
        assert read_regular(spelling, len(content)) == content


def test_read_regular_limit_is_inclusive(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    text = refusal(read_regular, path, 4)
    assert "has 5 bytes" in text and "limit of 4" in text and str(path) in text


def test_read_regular_takes_an_empty_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    assert read_regular(path, 0) == b""


def test_missing_file_and_folder_are_refused(tmp_path):
    assert "No such file" in refusal(read_regular, tmp_path / "none", 10)
    assert str(tmp_path) in refusal(read_regular, tmp_path, 10)
    assert "No such file" in refusal(read_regular, "", 10)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 300, "line\nbreak"])
def test_names_that_no_file_has_are_refused(tmp_path, name):
    refusal(read_regular, str(tmp_path / name), 10)


@posix
def test_folder_says_folder(tmp_path):
    assert "is a folder" in refusal(read_regular, tmp_path, 10)


@posix
def test_fifo_is_refused_at_once(tmp_path, alarm):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    assert "is a FIFO" in refusal(read_regular, path, 10)


@posix
def test_devices_are_refused(alarm):
    assert "is a device" in refusal(read_regular, "/dev/zero", 10**9)
    assert "is a device" in refusal(read_regular, "/dev/null", 10**9)


@posix
def test_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket holds 107 bytes only
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        refusal(read_regular, "s", 10)


@posix
def test_symlink_loop_is_refused_and_symlink_followed(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "symbolic link" in refusal(read_regular, tmp_path / "a", 10)
    (tmp_path / "c").write_bytes(b"c")
    (tmp_path / "d").symlink_to(tmp_path / "c")
    assert read_regular(tmp_path / "d", 10) == b"c"


@posix
def test_huge_sparse_file_is_refused_unread(tmp_path, alarm):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(2**38)
    tracemalloc.start()
    text = refusal(read_regular, path, 2**30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "274,877,906,944" in text
    assert peak < 2**20


@posix
@pytest.mark.parametrize(
    ("content", "keep_time"),
    [(b"123456", True), (b"1234", True), (b"", True), (b"54321", False)],
)
def test_file_that_changes_while_read_is_refused(
    tmp_path, monkeypatch, content, keep_time
):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 1))
    fstat, calls = os.fstat, []

    def fstat_then_change(descriptor):
        status = fstat(descriptor)
        calls.append(descriptor)
        if len(calls) == 1:
            path.write_bytes(content)
            if keep_time:
                os.utime(path, ns=(1, 1))
        return status

    monkeypatch.setattr(os, "fstat", fstat_then_change)
    assert "changed while it was read" in refusal(read_regular, path, 10)
    assert len(calls) == 2


@posix
def test_file_that_is_touched_after_the_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    fstat, calls = os.fstat, []

    def change_then_fstat(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            os.utime(path, ns=(1, 1))
        return fstat(descriptor)

    monkeypatch.setattr(os, "fstat", change_then_fstat)
    assert "changed while it was read" in refusal(read_regular, path, 10)


def test_file_without_a_true_size_is_refused():
    if not os.path.isfile("/proc/self/status"):
        pytest.skip("only Linux has regular files that claim to be empty")
    assert "changed" in refusal(read_regular, "/proc/self/status", 10**6)


@posix
def test_no_descriptor_leaks(tmp_path):
    fds = Path("/proc/self/fd")
    if not fds.is_dir():
        pytest.skip("/proc lists open descriptors on Linux only")
    (tmp_path / "a").write_bytes(b"12345")
    before = len(os.listdir(fds))
    for path in (tmp_path, tmp_path / "a", "/dev/zero"):
        refusal(read_regular, path, 1)
    assert len(os.listdir(fds)) == before


@pytest.mark.parametrize(
    "where", ["a" * 4000, "\udcff\udcfe.gz", "a\nb\x1b[31m", "é" * 300, b"\xff" * 99]
)
def test_message_contract_holds_for_odd_names(where):
    for why in ("short", "long " * 400, "\x07" * 700):
        error = data_error("IDX file", where, why, "copy the file again")
        assert_contract(error)
        assert str(error).endswith("; copy the file again")
        assert len(str(error)) == 480 or why == "short"


def test_long_path_keeps_its_end():
    text = str(data_error("file", "x" * 300 + "/digits.gz", "bad", "copy it"))
    assert "...xxx" in text and "/digits.gz: bad; copy it" in text
