"""Fitted weights equal scikit-learn's own to 1e-12, over a grid of settings."""

from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("sklearn")

import scipy.sparse
import sklearn.datasets
import sklearn.neural_network as original
from sklearn.datasets import load_digits, make_multilabel_classification

from gpunet.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
X, Y = X_DIGITS[:150] / 16, Y_DIGITS[:150]
RNG = np.random.default_rng(0)
TARGETS = {
    "ten": Y,
    "two": Y % 2,
    "words": np.array(["no", "yes"])[Y % 2],
    "many": make_multilabel_classification(150, random_state=0)[1],
}
NUMBERS = {
    "one": X @ RNG.standard_normal(64),
    "three": X @ RNG.standard_normal((64, 3)),
    "counts": RNG.poisson(np.exp(X[:, 20])),
}
OF_ADAM = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6}
SOLVERS = {
    "adam": {},
    "adam-own": OF_ADAM | {"learning_rate_init": 0.01},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd-plain": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1},
    "sgd-heavy": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.5,
    },
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.1,
        "tol": 0.05,
        "n_iter_no_change": 2,
    },
    "lbfgs": {"solver": "lbfgs"},
}
ATTRIBUTES = [
    *("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"),
    *("n_features_in_", "_no_improvement_count"),
]
CURVES = ["loss_", "best_loss_", "loss_curve_", "validation_scores_"]
CURVES += ["best_validation_score_"]


def assert_equal_fits(gpunet_fit, sklearn_fit, tol=1e-12):
    """Compare weights, curves and counts of two fitted estimators."""
    for a, b in zip(
        gpunet_fit.coefs_ + gpunet_fit.intercepts_,
        sklearn_fit.coefs_ + sklearn_fit.intercepts_,
        strict=True,
    ):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=tol)
    for name in ATTRIBUTES:
        assert getattr(gpunet_fit, name, None) == getattr(sklearn_fit, name, None), name
    for name in ("loss_", "best_loss_"):
        types = [type(getattr(est, name, None)) for est in (gpunet_fit, sklearn_fit)]
        assert types[0] is types[1], (name, types)
    for name in CURVES:
        a, b = getattr(gpunet_fit, name, None), getattr(sklearn_fit, name, None)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=tol, err_msg=name)
    if hasattr(sklearn_fit, "classes_"):
        assert np.array_equal(gpunet_fit.classes_, sklearn_fit.classes_)
    public = {n for n in vars(sklearn_fit) if n.endswith("_") and n[0] != "_"}
    assert public <= set(vars(gpunet_fit)), public - set(vars(gpunet_fit))


def both(kind, x, y, sample_weight=None, fit_tol=1e-12, **settings):
    """Fit gpunet's and scikit-learn's, compare them and what they predict."""
    parameters = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": 12,
        "random_state": 3,
    } | settings
    gpunet_fit = globals()[kind](**deepcopy(parameters)).fit(x, y, sample_weight)
    sklearn_fit = getattr(original, kind)(**deepcopy(parameters)).fit(
        x, y, sample_weight
    )
    assert_equal_fits(gpunet_fit, sklearn_fit, fit_tol)
    assert (
        np.asarray(gpunet_fit.predict(x)).dtype
        == np.asarray(sklearn_fit.predict(x)).dtype
    )
    if kind == "MLPClassifier":
        assert np.array_equal(gpunet_fit.predict(x), sklearn_fit.predict(x))
        for method in ("predict_proba", "predict_log_proba"):
            with np.errstate(divide="ignore"):  # the logarithm of a probability of 0
                a, b = getattr(gpunet_fit, method)(x), getattr(sklearn_fit, method)(x)
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=fit_tol)
    else:
        np.testing.assert_allclose(
            gpunet_fit.predict(x), sklearn_fit.predict(x), 1e-9, 99 * fit_tol
        )
    return gpunet_fit


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_classifier_weights_equal_scikit_learns(solver, activation):
    both("MLPClassifier", X, Y, activation=activation, **SOLVERS[solver])


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_regressor_weights_equal_scikit_learns(solver, loss):
    settings = SOLVERS[solver]
    if "learning_rate_init" in settings:
        settings = settings | {"learning_rate_init": 0.01}
    both("MLPRegressor", X, NUMBERS["counts"], loss=loss, **settings)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_label_trains_alike(target, solver):
    both("MLPClassifier", X, TARGETS[target], solver=solver)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("target", NUMBERS)
def test_every_kind_of_number_trains_alike(target, solver):
    both("MLPRegressor", X, NUMBERS[target], solver=solver)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
@pytest.mark.parametrize(
    "data", ["iris", "wine", "breast_cancer", "diabetes", "labels"]
)
def test_lbfgs_of_many_iterations_equals_scikit_learns(data, activation, weighted):
    kind = "MLPRegressor" if data == "diabetes" else "MLPClassifier"
    if data == "labels":
        x, y = make_multilabel_classification(300, random_state=0)
    else:
        x, y = getattr(sklearn.datasets, f"load_{data}")(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    weight = np.random.default_rng(1).random(len(x)) if weighted else None
    parameters = {"solver": "lbfgs", "activation": activation, "max_iter": 60}
    both(kind, x, y / 50 if data == "diabetes" else y, weight, **parameters)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 7},
        {"batch_size": 1, "max_iter": 2},
        {"batch_size": 7, "shuffle": False},
        {"alpha": 0},
        {"alpha": 3.0},
        {"hidden_layer_sizes": 5},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (9, 8, 7, 6)},
        {"max_iter": 60, "tol": 0.05, "n_iter_no_change": 3},
        {"early_stopping": True, "max_iter": 30, "tol": 0.01, "n_iter_no_change": 3},
        {"early_stopping": True, "validation_fraction": 0.3, "solver": "sgd"},
        {"random_state": 5},
        {"beta_1": 0.0, "beta_2": 0.0},
        {"beta_1": 0.0},
    ],
    ids=str,
)
def test_every_other_setting_trains_alike(kind, settings):
    both(kind, X, Y, **settings)


def test_random_state_object_draws_alike():
    both("MLPClassifier", X, Y, random_state=np.random.RandomState(5))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("target", ["ten", "two", "many"])
def test_sample_weights_train_alike(target, early, solver):
    weight = RNG.random(len(X)) + (np.arange(len(X)) % 3 == 0)
    settings = {"solver": solver, "early_stopping": early, "batch_size": 20}
    both("MLPClassifier", X, TARGETS[target], weight, **settings)
    both("MLPRegressor", X, NUMBERS["three"], weight, **settings)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("layout", ["csr_array", "csc_array", "csr_matrix"])
def test_sparse_rows_train_alike(layout, solver):
    sparse = getattr(scipy.sparse, layout)(np.where(X > 0.5, X, 0))
    both("MLPClassifier", sparse, Y, solver=solver)
    both("MLPRegressor", sparse, NUMBERS["one"], solver=solver, early_stopping=True)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_float32_trains_alike_to_its_own_precision(kind, solver):
    both(kind, X.astype("f4"), Y, fit_tol=1e-4, solver=solver, max_iter=5)


def go_on_by_parts(solver, **extra):
    """Fit gpunet's and scikit-learn's part by part, and compare them."""
    parameters = {"hidden_layer_sizes": 9, "solver": solver, "random_state": 0}
    gpunet_fit, sklearn_fit = (
        MLPClassifier(**parameters, **extra),
        original.MLPClassifier(**parameters),
    )
    for k in range(6):
        part = slice(20 * k, 20 * k + 30)
        for est in (gpunet_fit, sklearn_fit):
            est.partial_fit(X[part], Y[part], classes=np.arange(10))
    assert_equal_fits(gpunet_fit, sklearn_fit)
    for est in (gpunet_fit, sklearn_fit):  # and after a fit, with the solver's memory
        est.set_params(max_iter=3).fit(X, Y).partial_fit(X[:40], Y[:40])
    assert_equal_fits(gpunet_fit, sklearn_fit)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_alike(solver):
    go_on_by_parts(solver)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early", [False, True])
def test_warm_start_goes_on_alike(early, solver):
    parameters = {
        "solver": solver,
        "warm_start": True,
        "random_state": 0,
        "max_iter": 4,
    }
    gpunet_fit = MLPRegressor(**parameters, early_stopping=early)
    sklearn_fit = original.MLPRegressor(**parameters, early_stopping=early)
    for _ in range(3):
        gpunet_fit.fit(X, NUMBERS["one"])
        sklearn_fit.fit(X, NUMBERS["one"])
        assert_equal_fits(gpunet_fit, sklearn_fit)


def test_a_long_default_fit_stays_equal():
    gpunet_fit = MLPClassifier(random_state=0).fit(X_DIGITS[:600], Y_DIGITS[:600])
    sklearn_fit = original.MLPClassifier(random_state=0)
    assert_equal_fits(gpunet_fit, sklearn_fit.fit(X_DIGITS[:600], Y_DIGITS[:600]))
    assert gpunet_fit.n_iter_ > 50
