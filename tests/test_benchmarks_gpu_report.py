"""The GPU report where there is no GPU: what it says, and that nothing stops it."""

import json
from importlib.util import find_spec

import pytest
from benchmarks import crossover, gpu_grid, gpu_report, gpu_sections, main
from benchmarks.options.gpu_report import SECTIONS
from helpers import ROOT
from tiny import command, error_line


def test_report_on_strict_says_what_it_could_not_do(tmp_path, capsys):
    out = tmp_path / "report"
    words = ["gpu_report", "--device", "strict:1", "--quick", "--out", str(out)]
    assert main([*words, "--only", "machine", "memory", "speed-tf32"]) == 0
    report = json.loads((out / "gpu-report.json").read_text())
    assert report["sections"]["machine"]["verdict"] == "ok"
    for name in ("memory", "speed-tf32"):
        found = report["sections"][name]
        assert found["verdict"] == "not done" and "GPU" in found["what"]
    text = (out / "gpu-report.md").read_text()
    assert "| memory | not done |" in text and "numpy" in text and "commit" in text
    assert "memory: not done" in capsys.readouterr().out


def test_every_section_has_its_work_and_its_limit():
    assert list(gpu_report.LIMITS) == list(SECTIONS)
    for name in SECTIONS:
        assert callable(getattr(gpu_sections, name.replace("-", "_")))


def test_section_that_fails_is_recorded_and_stops_no_other(tmp_path, monkeypatch):
    true, asked = gpu_report.section, []

    def section(name, device, quick, seconds):
        asked.append(name)
        # A device that does not open makes any section fail, in its own process.
        return true(name, "cuda:9" if name == "repeats" else device, quick, seconds)

    monkeypatch.setattr(gpu_report, "section", section)
    words = ["gpu_report", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    assert main([*words, "--only", "repeats", "machine"]) == 1
    found = json.loads((tmp_path / "gpu-report.json").read_text())["sections"]
    assert found["repeats"]["verdict"] == "FAILED"
    assert "DeviceError" in found["repeats"]["what"]
    assert found["machine"]["verdict"] == "ok" and asked == ["repeats", "machine"]


def test_section_that_takes_too_long_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_report.sys, "executable", str(tmp_path / "slow"))
    (tmp_path / "slow").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "slow").chmod(0o755)
    monkeypatch.setattr(gpu_report.time, "monotonic", iter(range(99)).__next__)
    found = gpu_report.section("machine", "cpu", True, 5.0)
    assert found["verdict"] == "FAILED" and "took more than its 5 s" in found["what"]
    assert gpu_report.section("machine", "cpu", True, 4.0)["verdict"] == "not done"


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
    found = gpu_sections.section(name, device, True, 40.0)
    assert found["verdict"] == "ok", found
    assert found["what"]


def test_tests_are_not_done_without_their_files(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_sections, "ROOT", tmp_path)
    assert gpu_sections.section("tests", "cpu", True, 9.0)["verdict"] == "not done"


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("gpunet", "numpy"),
        ("gpunet loop", "numpy"),
        ("torch", "torch"),
        ("jax", "jax"),
    ],
)
def test_rival_computes_the_same_step(name, module):
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    job = {"sizes": [784, 12, 10], "batch": 16, "steps": 3}
    rival, apart = gpu_grid._prepare(name, "cpu", False, job)
    assert apart < 1e-6
    rival.prepare()
    rival.epoch()
    moved = [w for w, _ in rival.weights()]
    start = [w for w, _ in rival.job.start()]
    assert any((a != b).any() for a, b in zip(moved, start, strict=True))


def test_grid_times_in_rounds_and_records_errors(monkeypatch):
    monkeypatch.setitem(gpu_grid.TOLERANCE, "fp32", 1e-4)
    names = [
        "gpunet",
        "torch graph",
        "jax" if find_spec("jax") is None else "gpunet loop",
    ]
    cells = gpu_grid.grid([("784-4-10", 8)], names, "cpu", False, repeats=2, seconds=50)
    found = cells[0]["rivals"]
    assert "torch graph" not in found  # it needs a GPU
    assert len(found["gpunet"]["rounds"]) == 2 and found["gpunet"]["apart"] < 1e-5
    us = found["gpunet"]["us"]
    assert us["least"] <= us["median"] <= us["most"]
    none = gpu_grid.grid(
        [("784-4-10", 8)], names[:1], "cpu", False, repeats=1, seconds=0
    )
    assert none[0]["rivals"]["gpunet"]["error"] == "no time left"


def test_rival_that_trains_something_else_is_not_timed():
    class Wrong:
        name = "wrong"

        def tell(self, **job):
            pass

        def hear(self, seconds):
            return {"apart": 0.5, "setup_s": 1.0}

    job = {"sizes": [2, 2], "batch": 1, "steps": 1}
    found = gpu_grid._cell([Wrong()], job, 3, False, 1e18)["wrong"]
    assert "5.0e-01 from NumPy's" in found["error"] and found["rounds"] == []


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
