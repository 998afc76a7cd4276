"""patch, unpatch and `python -m gpunet.accel`."""

import pickle
import re
import subprocess
import sys
import types

import pytest
from helpers import ROOT, run_python

pytest.importorskip("sklearn")

import sklearn.neural_network
from sklearn.datasets import load_iris
from sklearn.neural_network import _multilayer_perceptron as home

import gpunet.sklearn
from gpunet.accel import main

SCRIPT = """
import sys
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
X, y = load_iris(return_X_y=True)
net = MLPClassifier(8, solver="lbfgs", random_state=0).fit(X, y)
print(type(net).__module__, sys.argv, __name__, net.score(X, y) > 0.9)
import beside
"""


@pytest.fixture(autouse=True)
def unpatched():
    yield
    gpunet.sklearn.unpatch()
    assert sklearn.neural_network.MLPClassifier is home.MLPClassifier


def test_patch_swaps_the_names_and_unpatch_swaps_them_back():
    gpunet.sklearn.patch()
    gpunet.sklearn.patch()
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    assert MLPClassifier is gpunet.sklearn.MLPClassifier
    assert MLPRegressor is gpunet.sklearn.MLPRegressor
    gpunet.sklearn.unpatch()
    assert sklearn.neural_network.MLPClassifier is home.MLPClassifier
    gpunet.sklearn.unpatch()


def test_patch_reaches_modules_that_imported_before(monkeypatch):
    module = types.ModuleType("a_users_module")
    module.Net, module.other = home.MLPClassifier, "kept"
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    gpunet.sklearn.patch()
    assert module.Net is gpunet.sklearn.MLPClassifier
    gpunet.sklearn.unpatch()
    assert module.Net is home.MLPClassifier and module.other == "kept"


def test_unpatch_leaves_alone_what_was_set_since(monkeypatch):
    module = types.ModuleType("a_users_module")
    module.Net = home.MLPClassifier
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    gpunet.sklearn.patch()
    module.Net = None
    gpunet.sklearn.unpatch()
    assert module.Net is None


def test_objects_made_before_a_patch_still_pickle():
    X, y = load_iris(return_X_y=True)
    old = home.MLPClassifier(
        4, solver="lbfgs", random_state=0, max_iter=500, tol=0.1
    ).fit(X, y)
    gpunet.sklearn.patch()
    again = pickle.loads(pickle.dumps(old))
    assert (
        type(again) is home.MLPClassifier and (again.predict(X) == old.predict(X)).all()
    )


def test_accel_runs_a_script_on_gpunet(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("print('found')")
    done = subprocess.run(
        [sys.executable, "-m", "gpunet.accel", str(script), "--own", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    expected = f"gpunet.sklearn.estimators ['{script}', '--own', '3'] __main__ True"
    assert (done.stdout.splitlines(), done.returncode) == ([expected, "found"], 0)


@pytest.mark.parametrize(
    "argv, why",
    [
        ([], "must be a script"),
        (["--fast", "x.py"], "must be a script"),
        (["no.py"], "no such"),
    ],
)
def test_accel_says_what_it_wants(argv, why, capsys):
    assert main(argv) == 2
    line = capsys.readouterr().err
    assert why in line and "python -m gpunet.accel script.py" in line
    assert line.count("\n") == 1


def test_accel_says_what_is_missing(capsys, monkeypatch, tmp_path):
    (tmp_path / "x.py").write_text("")
    monkeypatch.setattr("gpunet.accel.patch", None)
    monkeypatch.setattr(
        "gpunet.accel._import_error", "No module named 'sklearn'", raising=False
    )
    assert main([str(tmp_path / "x.py")]) == 2
    assert 'pip install "gpunet[sklearn]"' in capsys.readouterr().err


def test_accel_helps(capsys):
    assert main(["--help"]) == 0
    assert "usage: python -m gpunet.accel" in capsys.readouterr().out


README = (ROOT / "gpunet/sklearn/README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", README, re.S)


@pytest.mark.parametrize("code, printed", BLOCKS)
def test_readme_block_prints_what_it_says(code, printed):
    done = run_python(code, timeout=300)  # the first may compile
    assert (done.stdout, done.returncode) == (printed, 0)


def test_readme_has_blocks():
    assert len(BLOCKS) == 2
