import hashlib
import mmap
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import gpunet
from gpunet.errors import ConfigError, ModelFileError, OutOfMemory, WriteError
from gpunet.storage import (
    decode,
    encode,
    read_state,
    read_tensors,
    verify,
    write_tensors,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

TENSORS = {"0.W": np.arange(12.0).reshape(3, 4), "0.b": np.array([1, 2], np.int32)}
STATE = {"kind": "model", "step": 7}


def refusal(path, kind=ModelFileError):
    start = time.process_time()
    with pytest.raises(kind) as caught:
        read_tensors(path)
    with pytest.raises(kind) as again:
        verify(path)
    assert time.process_time() - start < 1
    text = str(caught.value)
    assert str(again.value) == text
    assert text.startswith("model file: ") and "; " in text
    assert len(text) <= 480 and "\n" not in text
    text.encode("utf-8")
    return text


def test_read_tensors_returns_what_was_written(tmp_path):
    path = tmp_path / "m.safetensors"
    for state in (STATE, {"kind": "other"}):
        write_tensors(path, TENSORS, state)
        for name in (path, str(path), os.fsencode(path)):
            tensors, loaded = read_tensors(name)
            assert loaded == state == read_state(name)
            assert tensors.keys() == TENSORS.keys()
            for key, array in TENSORS.items():
                assert tensors[key].dtype == array.dtype
                assert np.array_equal(tensors[key], array)
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_read_state_needs_a_sound_header_alone(tmp_path):
    path = tmp_path / "m.safetensors"
    write_tensors(path, TENSORS, STATE)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-1] + b"x")  # of a tensor
    assert read_state(path) == STATE
    path.write_bytes(data[:-1])
    with pytest.raises(ModelFileError, match="asks for"):
        read_state(path)


def test_write_tensors_writes_the_same_bytes_every_time(tmp_path):
    for name in "ab":
        write_tensors(tmp_path / name, TENSORS, STATE)
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes() == encode(TENSORS, STATE)
    write_tensors(tmp_path / "c", *read_tensors(tmp_path / "a"))
    assert data == (tmp_path / "c").read_bytes()


def test_verify_tells_kind_step_digest_and_number(tmp_path):
    path = tmp_path / "m.safetensors"
    write_tensors(path, TENSORS, STATE)
    assert verify(path) == {
        "path": str(path),
        "kind": "model",
        "step": 7,
        "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
        "tensors": 2,
    }
    write_tensors(path, {}, {})
    assert verify(os.fsencode(path))["path"] == str(path)
    assert verify(path)["kind"] is verify(path)["step"] is None


def test_write_tensors_keeps_the_old_file_when_it_refuses(tmp_path):
    path = tmp_path / "m.safetensors"
    write_tensors(path, TENSORS, STATE)
    before = path.read_bytes()
    bad = {"0.W": np.array([np.nan])}
    with pytest.raises(ModelFileError, match=r"cannot save: .*0\.W contains NaN"):
        write_tensors(path, bad, STATE)
    with pytest.raises(ConfigError):
        write_tensors(path, TENSORS, {"a": object()})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.safetensors"]
    with patch("gpunet.storage.codec._is_finite", return_value=True):
        write_tensors(path, bad, STATE)
    assert "NaN" in refusal(path)


def test_write_tensors_names_path_and_remedy_when_it_cannot_write(tmp_path):
    path = tmp_path / "absent" / "m.safetensors"
    with pytest.raises(WriteError, match="make its folder first") as caught:
        write_tensors(path, TENSORS, STATE)
    assert str(path) in str(caught.value)


@posix
def test_write_tensors_honors_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_tensors(tmp_path / "m", TENSORS, STATE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "m").st_mode) == 0o640


def test_read_tensors_refuses_every_truncation_and_more(tmp_path):
    path = tmp_path / "m.safetensors"
    data = encode(TENSORS, STATE)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError):
            read_tensors(path)
    path.write_bytes(data + b"\0")
    assert "where its header asks for" in refusal(path)
    path.write_bytes(data)
    assert read_tensors(path)[1] == STATE


def test_read_tensors_refuses_missing_files_and_folders(tmp_path):
    text = refusal(tmp_path / "absent")
    assert f"{tmp_path / 'absent'}: No such file or directory; check the path" in text
    (tmp_path / "file").write_bytes(b"")
    refusal(tmp_path / "file" / "below")
    refusal(tmp_path / ("n" * 300))
    refusal(f"{tmp_path}/zero\0byte")
    refusal(f"{tmp_path}/lone \ud800")
    if sys.platform != "win32":
        assert "is a folder" in refusal(tmp_path)
        (tmp_path / "loop").symlink_to("loop")
        refusal(tmp_path / "loop")


@linux
def test_read_tensors_refuses_pipes_devices_and_odd_names(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    kinds = {"pipe": "FIFO", "/dev/zero": "device", "/dev/null": "device"}
    for path, kind in kinds.items():
        text = refusal(tmp_path / path)
        assert f"is a {kind}; give the path of a regular file" in text
    assert "\\udcff" in refusal(os.fsencode(tmp_path) + b"/\xff")
    write_tensors(os.fsencode(tmp_path) + b"/\xff", TENSORS, STATE)
    assert verify(os.fsencode(tmp_path) + b"/\xff")["step"] == 7


@posix
def test_read_tensors_closes_its_file(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"x" * 100)
    before = os.dup(0)
    os.close(before)
    for place in (path, tmp_path, tmp_path / "absent"):
        with pytest.raises(ModelFileError):
            read_tensors(place)
    after = os.dup(0)
    os.close(after)
    assert after == before


def test_read_tensors_detects_a_file_that_changes_its_size(tmp_path, monkeypatch):
    path = tmp_path / "m"
    write_tensors(path, TENSORS, STATE)
    genuine = os.fstat
    whole = path.read_bytes()

    def stretch(change):
        def fstat(fd):
            result = genuine(fd)
            change()
            return result

        return fstat

    for after in (whole + b"more", whole[:-1]):
        path.write_bytes(whole)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fstat", stretch(lambda a=after: path.write_bytes(a)))
            with pytest.raises(ModelFileError, match="changed its size"):
                read_tensors(path)


def test_too_little_memory_is_told_as_such(tmp_path, monkeypatch):
    path = tmp_path / "m"
    write_tensors(path, TENSORS, STATE)

    def fail(*_, **__):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("gpunet.storage.tensors.decode", fail)
        text = refusal(path, OutOfMemory)
    assert "does not fit into the memory" in text
    monkeypatch.setattr("gpunet.storage.tensors._read", fail)
    assert refusal(path, OutOfMemory) == text


def test_a_reader_keeps_the_old_bytes_while_the_file_is_replaced(tmp_path):
    path = tmp_path / "m"
    write_tensors(path, TENSORS, STATE)
    before = path.read_bytes()
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if sys.platform == "win32":
        mapped.close()
        pytest.skip("Windows refuses to replace a mapped file")
    for step in range(20):
        write_tensors(path, {"0.W": np.full(500, step)}, {"step": step})
        assert mapped[:] == before
    mapped.close()
    assert verify(path)["step"] == 19
    assert decode(before, where="x")[1] == STATE


MEASURED = """
import os, resource, sys, time
from gpunet.errors import ModelFileError
from gpunet.storage import read_tensors
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
for name in sorted(os.listdir(sys.argv[1])):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    try:
        read_tensors(os.path.join(sys.argv[1], name))
    except ModelFileError:
        seconds = time.process_time() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(name, (after - before) // 1024, seconds, sep=":")
"""


@linux
def test_hostile_files_cost_no_memory(tmp_path):
    hostile = {
        "header of 100 MB": (10**8).to_bytes(8, "little") + b'{"a":[',
        "header of 2^63": (2**63).to_bytes(8, "little"),
        "zeros": b"",
        "nothing but lists": (2**21).to_bytes(8, "little")
        + b'{"a":['
        + b"[]," * (2**21 // 3 - 4)
        + b"[]]}",
        "plain safetensors": b"",
    }
    for name, data in hostile.items():
        with open(tmp_path / name, "wb") as file:
            file.write(data)
            file.truncate(2**31 if name == "zeros" else max(len(data), 10**8 + 8))
    header = b'{"x":{"dtype":"U8","shape":[1073741824],"data_offsets":[0,1073741824]}}'
    with open(tmp_path / "plain safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 2**30)
    environment = dict(os.environ, PYTHONPATH=str(Path(gpunet.__file__).parents[1]))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)],
        env=environment | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    results = [line.split(":") for line in done.stdout.splitlines()]
    assert [name for name, *_ in results] == sorted(hostile)
    for name, megabytes, seconds in results:
        assert int(megabytes) < 64, name
        assert float(seconds) < 1, name
