"""The parity command: verdicts, absent devices, exit codes."""

import json

import numpy as np
import pytest

from gpunet.cli import main
from gpunet.cli.commands import parity
from gpunet.errors import DeviceError

QUICK = ["parity", "--steps", "1", "3", "12", "--dtype", "float32"]


def table(capsys, *arguments, code=0):
    assert main([*QUICK, *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_cpu_is_bit_equal_to_itself_in_every_network(capsys):
    found = table(capsys, "--devices", "cpu", "--dtype", "float32", "float64")
    assert found["ok"] and found["absent"] == {}
    assert {row["verdict"] for row in found["rows"]} == {"bit-equal"}
    assert {row["network"] for row in found["rows"]} == {c.name for c in parity.CASES}
    wanted = {"logits", "loss", "gradient"}
    wanted |= {"weights, 1 step", "weights, 3 steps", "weights, 12 steps"}
    assert {row["quantity"] for row in found["rows"]} == wanted
    assert len(found["rows"]) == 2 * len(wanted) * len(parity.CASES)


def test_strict_device_is_within_tolerance(capsys):
    pytest.importorskip("array_api_strict")
    found = table(capsys, "--devices", "strict:1")
    assert found["ok"] and all(row["verdict"] != "OUT" for row in found["rows"])


def test_every_case_moves_every_tensor():
    # A network that has died, or one that never learns, would agree anywhere.
    for case in parity.CASES:
        batches = parity._batches(case, "synthetic", 0, 10)
        bk = parity.open_backend("cpu")
        own = {"seed": 0, "dtype": "float64"}
        found = parity._record(case, bk, batches, [1, 9, 10], **own)
        for name, p in found["weights, 10 steps"].items():
            assert not np.array_equal(p, found["weights, 9 steps"][name]), case.name


def test_tolerances_are_those_of_the_table():
    tolerance = parity._tolerance
    assert tolerance("logits", "float32") == 1e-5
    assert tolerance("loss", "float32") == 1e-6
    assert tolerance("gradient", "float64") == 1e-11
    assert tolerance("weights, 1 step", "float64") == 1e-11
    assert tolerance("weights, 10 steps", "float32") == 1e-4
    assert tolerance("weights, 10 steps", "float64") == 1e-9
    assert tolerance("weights, 11 steps", "float32") is None


@pytest.mark.parametrize(
    ("error", "tolerance", "verdict"),
    [
        (0.0, 1e-5, "bit-equal"),
        (1e-5, 1e-5, "within"),
        (1.1e-5, 1e-5, "OUT"),
        (float("nan"), 1e-5, "OUT"),
        (0.5, None, "drift, no promise"),
        (0.0, None, "bit-equal"),
    ],
)
def test_verdict_is(error, tolerance, verdict):
    assert parity._verdict(error, tolerance) == verdict


def test_error_is_relative_to_the_largest_of_the_tensor():
    assert parity.error(np.array([1.0, 4.5]), np.array([1.0, 4.0])) == 0.125
    assert parity.error(np.zeros(2), np.zeros(2)) == 0
    assert np.isnan(parity.error(np.array([np.nan]), np.array([1.0])))


def test_worst_network_is_the_one_that_is_not_finite():
    labels = {"device": "cuda", "dtype": "float32", "quantity": "loss"}
    for errors in ([np.nan, 1e-9], [1e-9, np.nan], [0.5, np.nan, np.inf]):
        rows = [labels | {"error": error} for error in errors]
        assert [np.isnan(row["error"]) for row in parity._worst(rows)] == [True]


def test_members_are_compared_each_by_itself():
    case = next(c for c in parity.CASES if "population" in c.name)
    batches = parity._batches(case, "synthetic", 0, 1)
    bk = parity.open_backend("cpu")
    found = parity._record(case, bk, batches, [1], seed=0, dtype="float32")
    assert {"0.W[0]", "0.W[1]", "0.W[2]"} <= set(found["gradient"])


def test_wrong_result_is_out_and_returns_1(capsys, monkeypatch):
    record = parity._record

    def shifted(case, bk, *args, **own):
        found = record(case, bk, *args, **own)
        if own["dtype"] == "float32" and shifted.calls % 2:
            found["gradient"]["2.b"] = found["gradient"].get("2.b", 0) * 1.001
        shifted.calls += 1
        return found

    shifted.calls = 0
    monkeypatch.setattr(parity, "_record", shifted)
    monkeypatch.setattr(parity, "CASES", parity.CASES[:1])
    found = table(capsys, "--devices", "cpu", code=1)
    out = [row for row in found["rows"] if row["verdict"] == "OUT"]
    assert [(row["quantity"], row["tensor"]) for row in out] == [("gradient", "2.b")]


def absent(monkeypatch):
    """Take CUDA away, whatever the machine has."""
    opened = parity.open_backend

    def open_backend(name):
        if name == "cuda":
            raise DeviceError("device: cuda:0: no NVIDIA driver found; install one")
        return opened(name)

    monkeypatch.setattr(parity, "open_backend", open_backend)
    monkeypatch.setattr(parity, "CASES", parity.CASES[:1])


def test_absent_device_is_listed_with_its_reason(capsys, monkeypatch):
    absent(monkeypatch)
    assert main([*QUICK, "--devices", "cpu", "cuda"]) == 0
    text = capsys.readouterr().out
    assert "absent: cuda:0: no NVIDIA driver" in text
    assert "all within tolerance" in text


def test_reason_that_names_no_device_is_kept(capsys):
    parity._print([], {"strict:1": "array-api-strict is not installed"}, True)
    text = capsys.readouterr().out
    assert "absent: strict:1: array-api-strict is not installed" in text


def test_absent_device_that_is_required_returns_5(capsys, monkeypatch):
    absent(monkeypatch)
    assert main([*QUICK, "--devices", "cpu", "--require", "cuda"]) == 5
    assert "gpunet: error: device: cuda:0" in capsys.readouterr().err


def test_unknown_device_returns_2(capsys):
    assert main([*QUICK, "--devices", "tpu"]) == 2


def test_table_shows_the_worst_network_or_each(capsys, monkeypatch):
    monkeypatch.setattr(parity, "CASES", parity.CASES[:2])
    lengths = []
    for more in ([], ["--each"]):
        assert main([*QUICK, "--devices", "cpu", *more]) == 0
        lengths.append(len(capsys.readouterr().out.splitlines()))
    assert lengths[1] - lengths[0] == 6


def test_mnist_serves_as_data(capsys, monkeypatch):
    monkeypatch.setattr(parity, "CASES", parity.CASES[:1])
    assert table(capsys, "--devices", "cpu", "--data", "mnist")["data"] == "mnist"
