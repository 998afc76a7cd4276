"""The doctor command: what it says of any machine, and its hints."""

import json
import sys

import numpy as np
from helpers import run_python

from gpunet.cli import main
from gpunet.cli.commands import doctor
from gpunet.runs import machine


def test_json_has_versions_devices_and_threads(capsys):
    assert main(["doctor", "--threads", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["packages"]["numpy"] == np.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert 1 <= found["cores_usable"] <= found["cores"]
    assert found["blas"].keys() == {*machine.blas(), "threads_from"}
    devices = {row["device"]: row for row in found["devices"]}
    assert list(devices) == ["cpu", "cuda", "torch:cpu", "torch:cuda", "strict:1"]
    assert devices["cpu"]["state"] == "ok"
    assert all(
        row["state"] in ("ok", "absent", "installed") for row in found["devices"]
    )
    assert 0 < found["memory_free"] <= found["memory_total"]


def test_table_names_every_device(capsys):
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in doctor.DEVICES)
    assert "\x1b" not in text, "piped output must be plain"


def test_absent_device_has_a_reason_and_a_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # its import now fails
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = {row["device"]: row for row in doctor.examine()["devices"]}
    assert found["cuda"]["state"] == "absent"
    assert "pip install" in found["cuda"]["what"]


def test_gpu_without_cupy_gives_a_hint(monkeypatch):
    gpus = [{"index": "0", "name": "NVIDIA H200", "memory.total": "139 GiB"}]
    monkeypatch.setattr(doctor, "_gpus", lambda: gpus)
    monkeypatch.setattr(
        doctor,
        "_device",
        lambda name, full: {"device": name, "state": "absent", "what": "no CuPy; x"},
    )
    hints = doctor.examine()["hints"]
    assert any("NVIDIA H200 is here but cannot be used: no CuPy" in h for h in hints)


def test_more_threads_than_cores_gives_a_hint(monkeypatch):
    blas = {"name": "x", "version": "1", "threads": 999, "threads_from": "y"}
    monkeypatch.setattr(doctor, "blas", lambda: blas)
    assert any("999 threads" in hint for hint in doctor.examine()["hints"])


def test_tf32_gives_a_hint(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    assert any("CUPY_TF32" in hint for hint in doctor.examine()["hints"])
    monkeypatch.setenv("CUPY_TF32", "0")
    assert not any("CUPY_TF32" in hint for hint in doctor.examine()["hints"])


def test_full_opens_what_is_installed():
    row = doctor._device("strict:1", full=True)
    assert row["state"] in ("ok", "absent")
    assert row["what"]


def test_doctor_does_not_import_torch():
    code = (
        "import sys; from gpunet.cli import main; main(['doctor', '--json']); "
        "assert 'torch' not in sys.modules"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_missing_numba_is_one_hint(monkeypatch):
    true = doctor.version
    absent = lambda name: None if name == "numba" else true(name)  # noqa: E731
    monkeypatch.setattr(doctor, "version", absent)
    hints = [hint for hint in doctor.examine()["hints"] if "numba" in hint]
    assert hints == [
        "numba is missing: small networks train many times slower without it; "
        'python -m pip install "gpunet[fast]"'
    ]
