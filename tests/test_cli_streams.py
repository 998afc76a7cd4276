"""Standard output and error that are closed or full cost no result."""

import json
import os
import subprocess
import sys

import pytest
from tiny import (
    environment,
    train,
    train_script,
    write_set,
)

from gpunet.storage import verify

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.usefixtures("signals_heard"),
]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_reader_that_has_gone_costs_no_result(data, tmp_path, option):
    read, write = os.pipe()
    os.close(read)  # as `| true` does
    words = train_script(data, tmp_path / "run", *option, epochs=2)
    process = subprocess.run(
        words, env=environment(), stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    _lost_output(process, tmp_path / "run")


@linux
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_full_disk_behind_stdout_costs_no_result(data, tmp_path, option):
    words = train_script(data, tmp_path / "run", *option, epochs=2)
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    _lost_output(process, tmp_path / "run")


def _lost_output(process, out):
    assert process.returncode == 8, (process.returncode, process.stderr)
    lines = process.stderr.splitlines()
    assert lines[-1].startswith("gpunet: error: output: ")
    assert len([line for line in lines if "error" in line.lower()]) == 1
    assert "Traceback" not in process.stderr
    verify(out / "model.safetensors")
    assert json.loads((out / "result.json").read_text())["epochs"] == 2


@linux
def test_full_disk_behind_stderr_costs_no_result(data, tmp_path):
    words = train_script(data, tmp_path / "run", "--quiet", epochs=2)
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=subprocess.DEVNULL, stderr=full
        )
    assert process.returncode == 0
    # and an error is still told by the exit code alone
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=subprocess.DEVNULL, stderr=full
        )
    assert process.returncode == 2


def test_head_takes_one_line_and_the_run_is_whole(data, tmp_path):
    process = train(data, tmp_path / "run")
    first = process.stdout.splitlines()[0]
    words = train_script(data, tmp_path / "piped", epochs=2)
    line = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert line.stdout.startswith("test accuracy: ") and first[:13] == line.stdout[:13]
    assert "Traceback" not in line.stderr and "Exception ignored" not in line.stderr
    verify(tmp_path / "piped" / "model.safetensors")
