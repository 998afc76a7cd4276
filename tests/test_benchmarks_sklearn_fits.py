"""The bench_sklearn command: what it reports; never how fast anything is."""

import json

import pytest

pytest.importorskip("sklearn")

from benchmarks import main, sklearn_fits

from gpunet.sklearn.steppers.numpy_stepper import NumpyMLPStepper

TINY = ["bench_sklearn", "--rows", "60", "--repeats", "2", "--epochs", "2"]
TINY += ["--threads", "1", "--batches", "auto", "20", "--dtypes", "float64"]


def test_each_cell_has_all_rounds_and_equal_weights(tmp_path, capsys):
    path = tmp_path / "raw.json"
    assert main([*TINY, "--json", str(path)]) == 0
    raw = json.loads(path.read_text())
    for key in ("date", "commit", "cpu", "cores", "blas", "versions"):
        assert key in raw
    assert [(c["data"], c["batch"]) for c in raw["cells"]] == [
        (name, batch) for name in ("digits", "mnist", "table") for batch in ("auto", 20)
    ]
    for cell in raw["cells"]:
        assert (cell["rows"], cell["epochs"]) == (60, 2)
        assert {len(times) for times in cell["rounds"].values()} == {2}
        assert cell["weights_apart"] < 1e-12 and cell["times_gpunet"] > 0
    shown = capsys.readouterr().out
    assert "weights apart" in shown and "scikit-learn" in shown


def test_a_sweep_is_timed_with_its_best_scores(capsys, monkeypatch):
    monkeypatch.setattr(sklearn_fits, "GRID", {"alpha": [1e-4, 1.0]})
    monkeypatch.setattr(sklearn_fits, "usable_cores", lambda: 1)
    assert main([*TINY, "--sweep", "--hidden", "4", "--json", "-"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [(c["hidden"], c["batch"]) for c in cells] == [(4, "auto"), (4, 20)]
    for cell in cells:
        assert cell["best"]["gpunet"] == pytest.approx(cell["best"]["sklearn"])
    assert main([*TINY, "--sweep", "--hidden", "4", "--markdown"]) == 0
    assert "| hidden | batch | dtype |" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["--data", "digits"], ["--sweep", "--hidden", "4"]])
def test_the_compiled_engine_is_timed_without_its_compilation(
    more, capsys, monkeypatch
):
    pytest.importorskip("numba")
    monkeypatch.setattr(sklearn_fits, "GRID", {"alpha": [1e-4, 1.0]})
    monkeypatch.setattr(sklearn_fits, "usable_cores", lambda: 1)
    monkeypatch.setattr(NumpyMLPStepper, "run_epoch", None)
    assert main([*TINY, *more, "--engine", "compiled", "--json", "-"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["engine"] == "compiled"
    assert "s for the first compiled fit, float64" in told.err


def test_the_epochs_of_a_fit_fill_its_time():
    x, y = sklearn_fits.rows_of("digits", 40)
    args = type("Args", (), {"epochs": None, "repeats": 1, "engine": "loop"})
    with pytest.warns():
        cell = sklearn_fits.fit_cell(x, y, {"batch": "auto"}, args)
    assert cell["epochs"] > 1


@pytest.mark.parametrize(
    "more, code, why",
    [
        (["--batches", "0"], 2, "is not a whole number of at least 1, nor auto"),
        (["--batches", "many"], 2, "is not a whole number of at least 1, nor auto"),
        (["--rows", "3"], 2, "at least 20"),
        (["--engine", "cuda"], 2, "invalid choice"),
        (["--data", "faces"], 2, "invalid choice"),
        (["--json", "/nowhere/x.json"], 8, "give --json another place"),
    ],
)
def test_bad_options_are_one_line(more, code, why, capsys):
    assert main([*TINY, "--data", "digits", *more]) == code
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("gpunet: error: ") and why in told
