"""The GPU report where there is no GPU: what it says, and that nothing stops it."""

import json
import time
from importlib.util import find_spec

import pytest
from benchmarks import main
from benchmarks.choices import devices as crossover
from benchmarks.gpu import Request, checks, measurements, report, sections, speed
from benchmarks.options.gpu_report import SECTIONS
from helpers import ROOT
from tiny import command, error_line


def test_report_on_strict_says_what_it_could_not_do(tmp_path, capsys):
    out = tmp_path / "report"
    words = ["gpu_report", "--device", "strict:1", "--quick", "--out", str(out)]
    assert main([*words, "--only", "machine", "memory", "speed-tf32"]) == 0
    written = json.loads((out / "gpu-report.json").read_text())
    assert written["sections"]["machine"]["verdict"] == "ok"
    for name in ("memory", "speed-tf32"):
        result = written["sections"][name]
        assert result["verdict"] == "not done" and "GPU" in result["what"]
    text = (out / "gpu-report.md").read_text()
    assert "| memory | not done |" in text and "numpy" in text and "commit" in text
    assert "memory: not done" in capsys.readouterr().out


def test_every_section_has_its_work():
    for name in SECTIONS:
        work = [
            getattr(room, name.replace("-", "_"), None)
            for room in (checks, measurements)
        ]
        assert sum(map(callable, work)) == 1, name


def test_the_tests_of_a_gpu_exist():
    for name in checks.TESTED:
        assert (ROOT / "tests" / f"{name}.py").exists(), name


def test_section_that_fails_is_recorded_and_stops_no_other(tmp_path, monkeypatch):
    true, asked = report.section, []

    def section(name, device, quick, seconds):
        asked.append(name)
        # A device that does not open makes any section fail, in its own process.
        return true(name, "cuda:9" if name == "repeats" else device, quick, seconds)

    monkeypatch.setattr(report, "section", section)
    words = ["gpu_report", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    assert main([*words, "--only", "repeats", "machine"]) == 1
    result = json.loads((tmp_path / "gpu-report.json").read_text())["sections"]
    assert result["repeats"]["verdict"] == "FAILED"
    assert "DeviceError" in result["repeats"]["what"]
    assert result["machine"]["verdict"] == "ok" and asked == ["repeats", "machine"]


def test_section_that_takes_too_long_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(report.sys, "executable", str(tmp_path / "slow"))
    (tmp_path / "slow").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "slow").chmod(0o755)
    monkeypatch.setattr(report.time, "monotonic", iter(range(99)).__next__)
    result = report.section("machine", "cpu", True, 5.0)
    assert result["verdict"] == "FAILED" and "took more than its 5 s" in result["what"]
    assert report.section("machine", "cpu", True, 4.0)["verdict"] == "not done"


def test_device_that_is_not_there_is_refused_at_once(tmp_path):
    if find_spec("cupy") is None:
        line = error_line(command("gpu_report", "--out", tmp_path / "x"), 5)
        assert "CuPy is not installed" in line
    done = command("gpu_report", "--device", "toaster", "--out", tmp_path / "x")
    assert "toaster" in error_line(done, 2)
    (tmp_path / "file").write_text("")
    done = command("gpu_report", "--device", "cpu", "--out", tmp_path / "file" / "x")
    assert "--out" in error_line(done, 8)


@pytest.mark.parametrize("name", ["parity", "repeats", "population", "crossover"])
def test_section_is_done_on_a_cpu(name, monkeypatch, tmp_path):
    monkeypatch.setattr(crossover, "WIDTHS", (4, 8))
    monkeypatch.setattr(crossover, "BATCHES", (2,))
    monkeypatch.setattr(crossover, "POPULATIONS", (1, 2))
    monkeypatch.chdir(tmp_path)
    device = "strict:1" if name == "crossover" else "cpu"
    result = sections.section(name, Request(device, True, 40.0))
    assert result["verdict"] == "ok", result
    assert result["what"]


def test_tests_are_not_done_without_their_files(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    assert checks.tests(Request("cpu", True, 9.0))["verdict"] == "not done"


def test_grid_times_in_rounds_and_records_errors():
    names = ["gpunet", "torch graph"]
    names.append("jax" if find_spec("jax") is None else "loop")
    until = time.monotonic() + 50
    cells = speed.grid([("784-4-10", 8)], names, "cpu", False, until=until)
    answers = cells[0]["rivals"]
    assert "torch graph" not in answers  # it needs a GPU
    assert len(answers["gpunet"]["rounds"]) == 5 and answers["gpunet"]["apart"] < 1e-5
    least, most = min(answers["gpunet"]["rounds"]), max(answers["gpunet"]["rounds"])
    assert least <= answers["gpunet"]["us_per_step"] <= most
    if find_spec("jax") is None:
        assert "jax" in answers["jax"]["error"] and answers["jax"]["rounds"] == []
    _, columns, rows = speed._table(cells, ("gpunet", "torch graph"))
    assert f"({least:.1f}-{most:.1f})" in rows[0][2]
    assert rows[0][3] == "not on this device" and len(columns) == 4


def test_grid_without_time_says_so():
    cells = [("784-4-10", 8)]
    answers = speed.grid(cells, ["gpunet"], "cpu", False, until=time.monotonic())
    assert answers[0]["rivals"]["gpunet"]["error"] == "no time left"


def test_advice_names_the_width_from_which_a_device_wins():
    def cell(width, cpu, cuda, batch=10, population=1):
        us = {"cpu": cpu, "cuda": cuda}
        return {"width": width, "batch": batch, "population": population, "us": us}

    cells = [cell(16, 9, 20), cell(64, 30, 20), cell(256, 15, 20), cell(1024, 99, 20)]
    cells += [cell(16, 9, 20, 128), cell(16, 90, 20, 10, 100)]
    assert crossover.advice(["cpu", "cuda"], cells) == [
        "batch 10, 1 network: cuda wins from width 1024 on (5.0 times at 1024)",
        "batch 10, 100 networks: cuda wins from width 16 on (4.5 times at 16)",
        "batch 128, 1 network: cuda loses up to width 16",
    ]


def test_scripts_stand_beside_the_command():
    assert (ROOT / "scripts" / "gpu_report.py").exists()
