"""`python -m gpunet.accel`: a script with gpunet's MLPs, and its own arguments."""

import subprocess
import sys

import pytest
from helpers import ROOT
from tiny import environment

pytest.importorskip("sklearn")

from gpunet.accel import main

SCRIPT = """
import sys
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
X, y = load_iris(return_X_y=True)
net = MLPClassifier(8, solver="lbfgs", random_state=0).fit(X, y)
print(type(net).__module__, sys.argv[1:], __name__, net.score(X, y) > 0.9)
print(net.device, net.engine, net.dtype)
import beside
"""
LINE = "gpunet.accel: MLPClassifier fitted 1x"


@pytest.fixture
def script(tmp_path):
    (tmp_path / "beside.py").write_text("print('found')")
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path / "script.py"


def accel(*words, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "gpunet.accel", *map(str, words)],
        env=environment() | {"PYTHONPATH": str(ROOT)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_script_has_gpunets_classes_and_its_own_arguments(script):
    own = ["--device", "x_y", "-m", "--", "--debug", "--own_word=3"]
    done = accel(script, *own)
    expected = [f"gpunet.sklearn.estimators {own} __main__ True", "None auto None"]
    assert done.stdout.splitlines() == [*expected, "found"]
    assert (done.stderr, done.returncode) == (f"{LINE}\n", 0)


def test_options_before_the_script_become_defaults(script):
    words = ["--device", "cpu", "--engine", "loop", "--dtype", "float32"]
    done = accel(*words, script)
    assert done.stdout.splitlines()[1:] == ["cpu loop float32", "found"]
    assert done.stderr == f"{LINE}, device cpu, engine loop, dtype float32\n"


def test_module_of_the_present_folder_can_be_run(script):
    done = accel("--engine", "loop", "-m", "script", "--own", cwd=script.parent)
    assert done.stdout.splitlines()[0].endswith("['--own'] __main__ True")
    assert done.stderr == f"{LINE}, engine loop\n"


def test_script_that_fits_nothing_is_told_so_and_keeps_its_exit_code(tmp_path):
    (tmp_path / "x.py").write_text("raise SystemExit(7)")
    done = accel(tmp_path / "x.py")
    line = "gpunet.accel: no MLPClassifier or MLPRegressor was fitted in this process\n"
    assert (done.returncode, done.stdout, done.stderr) == (7, "", line)


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "no script; python -m gpunet.accel script.py"),
        (["--fast", "x.py"], "--fast"),
        (["no.py"], "no.py: no such script"),
        (["-m", "no_such_module"], "no_such_module: no such module"),
        (["--device", "gpu", __file__], "no such device; choose from auto, cpu, cuda"),
        (["--engine", "warp", "x.py"], "'warp'; choose from auto, loop, compiled"),
    ],
)
def test_errors_before_the_script_are_one_line(argv, why, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["accel"])
    monkeypatch.setattr("sys.path", list(sys.path))
    assert main(argv) == 2
    line = capsys.readouterr().err
    assert why in line and line.count("\n") == 1
    assert line.startswith("gpunet: error: ")


def test_missing_package_is_told_with_its_remedy(capsys, monkeypatch, tmp_path):
    (tmp_path / "x.py").write_text("")
    monkeypatch.setattr("sys.argv", ["accel"])
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setattr("gpunet.accel.patch", None)
    missing = "No module named 'sklearn'"
    monkeypatch.setattr("gpunet.accel._import_error", missing, raising=False)
    assert main([str(tmp_path / "x.py")]) == 2
    assert 'pip install "gpunet[sklearn]"' in capsys.readouterr().err


def test_help_names_the_options(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "usage: python -m gpunet.accel" in text and "--engine" in text
