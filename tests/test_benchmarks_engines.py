"""The comparison of engines: what it says of `auto`; never how fast anything is."""

import json
import os

import pytest
from benchmarks import main
from benchmarks.choices import engines

from gpunet.backend.threads import VARIABLES

pytest.importorskip("numba")


def test_each_cell_has_both_engines_and_what_auto_takes(monkeypatch, capsys):
    monkeypatch.setattr(engines, "POPULATIONS", (1, 3))
    monkeypatch.setattr(engines, "_SECONDS", 1e-4)
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    command = ["bench", "--engines", "--nets", "4-3-2", "--batches", "2"]
    assert main([*command, "--repeats", "2", "--json", "-"]) == 0
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"  # as in a user's process
    result = json.loads(capsys.readouterr().out)
    cells = result["cells"]
    assert [(c["members"], c["optimizer"]) for c in cells] == [
        *((1, "SGD"), (1, "Adam")),
        *((3, "SGD"), (3, "Adam")),
    ]
    for cell in cells:
        assert cell["data"] == "dense" and min(cell["us"].values()) > 0
        assert cell["auto"] in cell["us"]
    slow = sum(cell["loss"] > 0.05 for cell in cells)
    assert result["advice"] == [f"auto loses more than 5% in {slow} of 4 cells"]


@pytest.mark.parametrize(
    ("speedup", "auto", "loss"),
    [(2.0, "loop", 1.0), (2.0, "compiled", 0.0), (0.5, "compiled", 1.0)],
)
def test_what_auto_loses_is_measured_against_the_faster(
    monkeypatch, speedup, auto, loss
):
    def seconds(cell, steps, engine):
        return steps * (speedup if engine == "loop" else 1.0)

    chosen = type("Trainer", (), {"engine": type("Engine", (), {"name": auto})})
    monkeypatch.setattr(engines, "_seconds", seconds)
    monkeypatch.setattr(engines, "_trainer", lambda *_, **__: chosen)
    cell = {"batch": 4}
    engines.time_cell(cell, 3)
    assert (cell["speedup"], cell["auto"], cell["loss"]) == (speedup, auto, loss)
