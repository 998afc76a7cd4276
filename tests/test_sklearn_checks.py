"""scikit-learn's judgement: its own checks of estimators, and of its own MLPs."""

import os
import subprocess
import sys

import pytest
from helpers import ROOT

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)

from gpunet.sklearn import MLPClassifier, MLPRegressor

F32 = {"dtype": "float32", "max_iter": 100}
LBFGS = {"solver": "lbfgs", "alpha": 1.0, "max_iter": 30}
ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    MLPClassifier(**F32 | LBFGS),
    MLPRegressor(**F32 | LBFGS),
]
# These want predictions equal to 1e-7, which sums of float32 in another order
# cannot be; with L-BFGS, which computes in float64 as scikit-learn's, they are.
BEYOND_FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
quiet = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*batch_size.*:UserWarning"),
]
pytestmark = quiet


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_scikit_learn_finds_no_fault_in_float32(kind):
    names, skipped = set(), set()
    for estimator, check in estimator_checks_generator(kind(**F32)):
        name = check.func.__name__
        names.add(name)
        if name in BEYOND_FLOAT32:
            continue
        try:
            check(estimator)
        except pytest.skip.Exception:
            skipped.add(name)
        except Exception as error:
            if type(error).__name__ != "SkipTest":
                raise
            skipped.add(name)
    assert names > BEYOND_FLOAT32
    assert len(names - skipped) > 40


def run_pytest(*args, path="", **env):
    """Run pytest in a process of its own; return its last line."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), path])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths} | env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout.strip().splitlines()[-1]


def test_scikit_learns_tests_of_its_mlps_pass_on_ours():
    line = run_pytest(
        *("-c", os.devnull, "-p", "sklearn_own"),
        *("--pyargs", "sklearn.neural_network.tests.test_mlp"),
    )
    passed = int(line.split(" passed")[0].split()[-1])
    assert passed >= 58 and "1 deselected" in line and "skipped" not in line


def test_array_api_checks_find_no_fault():
    pytest.importorskip("torch")
    pytest.importorskip("array_api_strict")
    # SciPy reads the variable when it is imported
    test = "tests/test_sklearn_checks.py::test_scikit_learn_finds_no_fault"
    line = run_pytest("-k", "array_api", test, SCIPY_ARRAY_API="1")
    assert int(line.split(" passed")[0].split()[-1]) >= 20
