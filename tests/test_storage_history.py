import json
import math
import os
import sys

import numpy as np
import pytest

from gpunet.errors import ConfigError, ModelFileError, WriteError
from gpunet.storage import HistoryFile, RunFolder

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

# ------------------------------------------------------------------ the diary

RECORDS = [{"step": n, "loss": 1 / n, "note": "é"} for n in range(1, 6)]


def write_history(path, records):
    history = HistoryFile(path)
    for record in records:
        history.append(record)
    history.close()
    return history


def test_append_writes_one_line_at_once(tmp_path):
    history = HistoryFile(tmp_path / "h")
    history.append({"step": 1, "loss": math.nan, "best": np.float32("inf")})
    line = (tmp_path / "h").read_text()
    assert line == '{"step": 1, "loss": null, "best": null}\n'
    history.append({"text": "a\nb"})
    history.close()
    lines = (tmp_path / "h").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail) for line in lines] == [
        {"step": 1, "loss": None, "best": None},
        {"text": "a\nb"},
    ]


def test_append_refuses_records_it_could_not_read_back(tmp_path):
    history = HistoryFile(tmp_path / "h")
    for record in ([1], {"step": 1.5}, {"step": None}, {"step": True}, {"a": 1j}):
        with pytest.raises(ConfigError):
            history.append(record)
    assert os.listdir(tmp_path) == []


def test_read_history_gives_records_up_to_a_step(tmp_path):
    run = RunFolder(tmp_path)
    assert run.read_history() == []
    with run:
        run.append_history({"event": "start"})
        for record in RECORDS:
            run.append_history(record)
        run._history.sync()
        assert run.read_history() == [{"event": "start"}, *RECORDS]
        assert run.read_history(up_to_step=2) == [{"event": "start"}, *RECORDS[:2]]
        assert run.read_history(up_to_step=0) == [{"event": "start"}]


def test_resuming_drops_a_torn_tail_and_nothing_else(tmp_path):
    path = tmp_path / "h"
    write_history(path, RECORDS)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(start, len(whole) + 1):
        for resumed in (3, 4):
            path.write_bytes(whole[:cut])
            history = HistoryFile(path)
            history.truncate(resumed)
            assert history.read() == RECORDS[:resumed]
            write_history(path, RECORDS[resumed:])
            assert path.read_bytes() == whole, (cut, resumed)
    assert os.listdir(tmp_path) == ["h"]


def test_resuming_drops_a_tail_of_zeros_or_garbage(tmp_path):
    path = tmp_path / "h"
    for tail in (b"\0" * 99, b"\xff\xfe\n", b"{}}\n\n", b"[1]\n", b"[" * 9999):
        write_history(path, RECORDS[:3])
        whole = path.read_bytes()
        path.write_bytes(whole + tail)
        assert HistoryFile(path).read() == RECORDS[:3]
        HistoryFile(path).truncate(3)
        assert path.read_bytes() == whole
        path.unlink()


def test_append_never_glues_a_record_to_a_torn_one(tmp_path):
    path = tmp_path / "h"
    write_history(path, RECORDS[:3])
    path.write_bytes(path.read_bytes()[:-5])
    write_history(path, RECORDS[2:4])
    assert HistoryFile(path).read() == RECORDS[:4]


def test_damage_before_a_sound_record_is_told_with_its_line(tmp_path):
    path = tmp_path / "h"
    write_history(path, RECORDS)
    lines = path.read_bytes().splitlines(keepends=True)
    for bad in (b"garbage\n{}}\n", b'{"loss": NaN}\n', b'{"step": "1"}\n'):
        path.write_bytes(b"".join([lines[0], bad, *lines[2:]]))
        before = path.read_bytes()
        for act in (HistoryFile.read, HistoryFile.truncate):
            with pytest.raises(ModelFileError, match="line 2 is damaged"):
                act(HistoryFile(path))
        assert path.read_bytes() == before
        # Resuming from before the damage drops it with the rest.
        HistoryFile(path).truncate(1)
        assert path.read_bytes() == lines[0]


def test_append_after_truncate_goes_to_the_new_file(tmp_path):
    history = HistoryFile(tmp_path / "h")
    for record in RECORDS:
        history.append(record)
    history.truncate(2)
    history.append(RECORDS[2])
    history.close()
    assert history.read() == RECORDS[:3]


def test_truncate_writes_nothing_when_nothing_goes(tmp_path):
    history = write_history(tmp_path / "h", RECORDS)
    before = os.stat(tmp_path / "h")
    history.truncate(5)
    assert os.stat(tmp_path / "h").st_ino == before.st_ino
    HistoryFile(tmp_path / "absent").truncate(5)
    assert os.listdir(tmp_path) == ["h"]


@linux
def test_append_says_when_the_disk_is_full(tmp_path):
    with RunFolder(tmp_path) as run:
        run.history.symlink_to("/dev/full")
        with pytest.raises(WriteError, match="No space left on device") as caught:
            run.append_history({"step": 1})
    assert "history.jsonl" in str(caught.value)
    assert "(12 bytes needed, " in str(caught.value)


def test_append_takes_half_a_line_back(tmp_path, monkeypatch):
    genuine = os.write
    calls = []

    def half_then_full(fd, data):
        calls.append(fd)
        if len(calls) % 2:
            return genuine(fd, bytes(data[:5]))
        raise OSError(28, "No space left on device")

    history = write_history(tmp_path / "h", RECORDS[:2])
    whole = (tmp_path / "h").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half_then_full)
        with pytest.raises(WriteError):
            history.append(RECORDS[2])
    assert (tmp_path / "h").read_bytes() == whole
    history.append(RECORDS[2])
    history.close()
    assert history.read() == RECORDS[:3]


def test_sync_says_when_the_disk_fails(tmp_path, monkeypatch):
    def refuse(fd):
        raise OSError(5, "Input/output error")

    history = HistoryFile(tmp_path / "h")
    history.sync()  # nothing open, nothing to do
    history.append({"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(WriteError, match="Input/output error"):
            history.sync()
    history.close()


@posix
def test_a_huge_history_is_refused_unread(tmp_path):
    path = tmp_path / "history.jsonl"
    with path.open("wb") as file:
        file.truncate(2**32)  # sparse: it takes no room on the disk
    for action in (HistoryFile(path).read, HistoryFile(path).truncate):
        with pytest.raises(ModelFileError, match=r"4,294,967,296 bytes.*move it away"):
            action()


def test_a_history_that_is_no_file_is_told_as_such(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path / "pipe", "is a FIFO"), (tmp_path, "a folder")):
        with pytest.raises(ModelFileError, match=why):
            HistoryFile(path).read()
