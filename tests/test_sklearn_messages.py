"""What the estimators print, warn of and refuse, in scikit-learn's own words."""

import inspect

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn.neural_network as original
from sklearn.exceptions import ConvergenceWarning
from test_sklearn_exact import SOLVERS, X, Y, assert_equal_fits

from gpunet.sklearn import MLPClassifier, MLPRegressor
from gpunet.sklearn.steppers.numpy_stepper import NumpyMLPStepper

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_what_is_printed_is_scikit_learns(capsys):
    for settings in (
        {"verbose": True, "max_iter": 30, "tol": 0.1, "n_iter_no_change": 2},
        {"verbose": True, "max_iter": 9, "early_stopping": True},
        {"verbose": True, "max_iter": 40} | SOLVERS["adaptive"],
    ):
        printed = []
        for kind in (MLPClassifier, original.MLPClassifier):
            kind(random_state=1, **settings).fit(X, Y)
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1] and "Iteration 2, loss" in printed[0]


BAD = [
    ({"alpha": -1}, X, Y, None),
    ({"solver": "newton"}, X, Y, None),
    ({"hidden_layer_sizes": (3, 0)}, X, Y, None),
    ({"hidden_layer_sizes": -2}, X, Y, None),
    ({"beta_1": 1.0}, X, Y, None),
    ({"batch_size": 0}, X, Y, None),
    ({}, X[:0], Y[:0], None),
    ({}, X[:5], Y[:4], None),
    ({}, np.where(X == 1, np.nan, X), Y, None),
    ({}, np.where(X == 1, np.inf, X), Y, None),
    ({}, X[0], Y[:1], None),
    ({}, X, Y, np.ones(3)),
    ({}, X, Y, np.where(Y == 1, np.nan, 1.0)),
    ({}, X, Y, np.zeros(len(Y))),
    ({"early_stopping": True}, X[:4], [0, 0, 0, 1], None),
    ({"early_stopping": True, "validation_fraction": 0.01}, X[:11], Y[:11] > 4, None),
    ({}, X, np.where(Y == 3, np.nan, Y), None),
    ({}, X, X[:, 0], None),
    ({}, [["a", "b"]], [1], None),
]


@pytest.mark.parametrize("k", range(len(BAD)))
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_bad_input_is_refused_in_scikit_learns_words(kind, k):
    settings, x, y, weight = BAD[k]
    answers = []
    for module in (globals(), vars(original)):
        est = module[kind](random_state=0, max_iter=2, **settings)
        with np.errstate(all="ignore"):
            try:
                est.fit(x, y, sample_weight=weight)
                answers.append(("fine", ""))
            except Exception as error:
                answers.append((type(error), str(error)))
    assert answers[0] == answers[1]


def test_later_calls_are_refused_in_scikit_learns_words():
    for module in (globals(), vars(original)):
        est = module["MLPClassifier"](random_state=0).partial_fit(
            X, Y, classes=range(10)
        )
        with pytest.raises(ValueError, match="`y` has classes not in"):
            est.partial_fit(X, Y + 1)
        with pytest.raises(ValueError, match="is not the same as on last call"):
            est.partial_fit(X, Y, classes=[1, 2])
        with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is"):
            est.predict(X[:, :3])
        with pytest.raises(ValueError, match="partial_fit does not support early_stop"):
            est.set_params(early_stopping=True).partial_fit(X, Y)
        assert not hasattr(est.set_params(solver="lbfgs"), "partial_fit")


def test_warnings_are_scikit_learns():
    for module in (globals(), vars(original)):
        est = module["MLPClassifier"](batch_size=999, max_iter=3, random_state=0)
        with pytest.warns(UserWarning, match="larger than sample size. It is going"):
            est.fit(X, Y)
        est.set_params(batch_size=50)
        with pytest.warns(ConvergenceWarning, match=r"iterations \(3\) reached"):
            est.fit(X, Y)
        with pytest.warns(ConvergenceWarning, match="failed to converge after 3"):
            est.set_params(solver="lbfgs").fit(X, Y)


def test_weights_that_are_not_finite_are_refused():
    x = np.finfo(float).max * np.random.default_rng(0).random((10, 2))
    for module in (globals(), vars(original)):
        with (
            np.errstate(all="ignore"),
            pytest.raises(ValueError, match="Solver produced non-finite parameter"),
        ):
            module["MLPRegressor"](random_state=0).fit(x, np.arange(10.0))


def test_an_interrupt_keeps_what_was_learnt(monkeypatch):
    calls = []
    run_epoch = NumpyMLPStepper.run_epoch

    def stop_in_the_third(self, *args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run_epoch(self, *args)

    monkeypatch.setattr(NumpyMLPStepper, "run_epoch", stop_in_the_third)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        est = MLPClassifier(random_state=0).fit(X, Y)
    assert est.n_iter_ == 2
    assert_equal_fits(est, MLPClassifier(random_state=0, max_iter=2).fit(X, Y))


def test_parameters_are_scikit_learns_and_own_ones_come_last():
    for gpunet_fit, sklearn_fit in (
        (MLPClassifier, original.MLPClassifier),
        (MLPRegressor, original.MLPRegressor),
    ):
        gpunet_parameters = inspect.signature(gpunet_fit).parameters
        sklearn_parameters = inspect.signature(sklearn_fit).parameters
        assert list(gpunet_parameters)[: len(sklearn_parameters)] == list(
            sklearn_parameters
        )
        for name, parameter in sklearn_parameters.items():
            assert gpunet_parameters[name].default == parameter.default
            assert gpunet_parameters[name].kind == parameter.kind
        for name in list(gpunet_parameters)[len(sklearn_parameters) :]:
            assert gpunet_parameters[name].kind == inspect.Parameter.KEYWORD_ONLY
