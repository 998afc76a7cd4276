"""`gpunet verify` from outside: what is sound, what is not, and exit 4."""

import json
import re
import shutil
import sys
from unittest.mock import patch

import numpy as np
import pytest
from tiny import carry, command, error_line, settings, write_set

from gpunet.cli import main
from gpunet.storage import read_tensors, write_tensors


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    carry(settings(write_set(folder / "data")), folder / "run")
    return folder / "run"


@pytest.fixture
def run_folder(done, tmp_path):
    return shutil.copytree(done, tmp_path / "run")


def test_sound_folder_is_listed_with_steps_and_digests(run_folder):
    process = command("verify", run_folder)
    assert process.returncode == 0 and process.stderr == ""
    lines = process.stdout.splitlines()
    kinds = re.findall(r": (\w+), step (\d+), sha256 [0-9a-f]{64}", process.stdout)
    wanted = [("checkpoint", "10"), ("checkpoint", "15"), ("model", "15")]
    assert len(lines) == 4 and sorted(kinds)[:3] == wanted


def test_json_has_every_file_sound_or_not(run_folder):
    done = json.loads(command("verify", run_folder, "--json").stdout)
    assert done["ok"] and len(done["files"]) == 4
    model = next(f for f in done["files"] if f["path"].endswith("model.safetensors"))
    assert (model["kind"], model["step"], len(model["digest"])) == ("model", 15, 64)
    (run_folder / "model.safetensors").write_bytes(b"x")
    process = command("verify", run_folder, "--json")
    rows = json.loads(process.stdout)["files"]
    assert process.returncode == 4 and "gpunet: error:" in process.stderr
    assert [row["ok"] for row in rows].count(False) == 1


def test_digest_is_that_of_the_file(run_folder):
    import hashlib

    path = run_folder / "model.safetensors"
    process = command("verify", path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in process.stdout


def test_one_damaged_file_leaves_with_4_and_the_others_are_still_shown(run_folder):
    path = run_folder / "checkpoints" / "step-0000000010.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 16
    path.write_bytes(data)
    process = command("verify", run_folder)
    assert "step-0000000010" in error_line(process, 4)
    assert len(process.stdout.splitlines()) == 3


def test_every_damaged_file_has_its_line(run_folder, tmp_path):
    paths = sorted((run_folder / "checkpoints").iterdir())
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1])
    process = command("verify", *paths, run_folder / "model.safetensors")
    lines = process.stderr.splitlines()
    assert process.returncode == 4 and len(lines) == 2
    assert all(line.startswith("gpunet: error: ") for line in lines)
    assert len(process.stdout.splitlines()) == 1


def test_weights_that_are_not_finite_are_not_sound(run_folder):
    path = run_folder / "model.safetensors"
    tensors, state = read_tensors(path)
    tensors["0.b"][0] = np.nan
    with patch("gpunet.storage.codec._is_finite", return_value=True):
        write_tensors(path, tensors, state)
    assert "0.b" in error_line(command("verify", path), 4)


@pytest.mark.parametrize("kind", ["missing", "empty folder", "text", "empty file"])
def test_what_is_no_model_leaves_with_4(tmp_path, kind):
    path = tmp_path / "x.safetensors"
    if kind == "empty folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text("hello " * (kind == "text"))
    assert "x.safetensors" in error_line(command("verify", path), 4)


def test_no_path_is_a_usage_error():
    assert "PATH" in error_line(command("verify"), 2)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_names_that_are_no_text_are_shown_as_they_can_be(run_folder, tmp_path):
    odd = tmp_path / "odd-\udcff\n.safetensors"
    shutil.copy(run_folder / "model.safetensors", odd)
    for encoding in ("utf-8", "ascii"):
        process = command("verify", odd, PYTHONIOENCODING=encoding)
        assert process.returncode == 0, process.stderr
        assert len(process.stdout.splitlines()) == 1
    odd.write_bytes(b"x")
    error_line(command("verify", odd), 4)


def test_control_codes_never_reach_the_terminal(
    run_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # else `main` would set it
    path = tmp_path / "m.safetensors"
    tensors, state = read_tensors(run_folder / "model.safetensors")
    write_tensors(path, tensors, state | {"kind": "\x1b[2J\n", "step": "\x07"})
    assert main(["verify", str(path)]) == 0
    assert r"\x1b[2J\n, step \x07" in capsys.readouterr().out
    assert main(["train", "--schedule", "cosine:\x1b[2J\x07"]) == 2
    assert r"cosine:\x1b[2J\x07" in capsys.readouterr().err
    line = ["gpunet: error: usage: 'a\\x1b': no such command"]
    assert main(["a\x1b"]) == 2
    assert capsys.readouterr().err.split(";")[:1] == line
