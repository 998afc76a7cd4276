"""engine="compiled": scikit-learn's weights again, and the choice of who trains."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("numba")

import scipy.sparse
import sklearn.neural_network as original
from test_sklearn_exact import (
    NUMBERS,
    OF_ADAM,
    SOLVERS,
    TARGETS,
    X_DIGITS,
    Y_DIGITS,
    X,
    Y,
    assert_equal_fits,
    go_on_by_parts,
)
from test_sklearn_sweep import GRID, OF_SGD, SMALL

from gpunet.fast.cpu import threads
from gpunet.sklearn import MLPClassifier, MLPRegressor, MLPSweep, population
from gpunet.sklearn.steppers import numba_stepper
from gpunet.sklearn.steppers.numba_stepper import NumbaMLPStepper, layout_rows
from gpunet.sklearn.steppers.numpy_stepper import NumpyMLPStepper

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
STOCHASTIC = {
    name: parameters for name, parameters in SOLVERS.items() if name != "lbfgs"
}
PICTURES = np.where(X_DIGITS[:150] > 9, X, 0)  # most of it 0: the rows are lists


@pytest.fixture(autouse=True)
def no_loop(monkeypatch):
    """Let no step be taken by the loop unseen."""

    def fall(self, *args):
        raise AssertionError("the loop took the steps")

    monkeypatch.setattr(NumpyMLPStepper, "run_epoch", fall)


def both(kind, x, y, tol=1e-12, **settings):
    """Fit gpunet's, compiled, and scikit-learn's; compare them."""
    parameters = {
        "hidden_layer_sizes": (12, 7),
        "max_iter": 12,
        "random_state": 3,
    } | settings
    gpunet_fit = globals()[kind](**deepcopy(parameters), engine="compiled").fit(x, y)
    sklearn_fit = getattr(original, kind)(**deepcopy(parameters)).fit(x, y)
    assert_equal_fits(gpunet_fit, sklearn_fit, tol)
    return gpunet_fit


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_classifier_weights_equal_scikit_learns(solver, activation):
    both("MLPClassifier", X, Y, activation=activation, **SOLVERS[solver])
    both("MLPClassifier", PICTURES, Y, activation=activation, **SOLVERS[solver])


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("target", [*TARGETS, *NUMBERS])
def test_every_kind_of_target_trains_alike(target, solver):
    if target in TARGETS:
        both("MLPClassifier", X, TARGETS[target], **SOLVERS[solver])
    else:
        parameters = SOLVERS[solver] | {"learning_rate_init": 0.01}
        both("MLPRegressor", X, NUMBERS[target], **parameters)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 7},
        {"batch_size": 1, "max_iter": 2},
        {"batch_size": 3, "max_iter": 3, "alpha": 1.0},
        {"batch_size": 149},
        {"batch_size": 7, "shuffle": False},
        {"alpha": 0},
        {"alpha": 3.0, "solver": "sgd", "batch_size": 40},
        {"hidden_layer_sizes": 5},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (9, 8, 7, 6)},
        {"hidden_layer_sizes": (130, 40), "max_iter": 4},
        {"max_iter": 60, "tol": 0.05, "n_iter_no_change": 3},
        {"early_stopping": True, "max_iter": 30, "tol": 0.01, "n_iter_no_change": 3},
        {"early_stopping": True, "validation_fraction": 0.3, "solver": "sgd"},
        {"beta_1": 0.0, "beta_2": 0.0},
    ],
    ids=str,
)
def test_every_other_setting_trains_alike(kind, settings):
    both(kind, X, Y, **settings)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("layout", ["csr_array", "csc_array", "csr_matrix"])
def test_sparse_rows_train_alike_and_stay_sparse(layout, solver, monkeypatch):
    sparse = getattr(scipy.sparse, layout)(PICTURES)
    monkeypatch.setattr(
        numba_stepper.workspace, "lay_rows", None
    )  # what dense rows go through
    both("MLPClassifier", sparse, Y, solver=solver)
    both("MLPRegressor", sparse, NUMBERS["one"], solver=solver, early_stopping=True)


def test_places_of_sparse_rows_may_come_in_any_order_and_twice():
    row, column = [0, 0, 0, 2, 2], [5, 1, 5, 3, 0]
    x = scipy.sparse.csr_array(np.ones((3, 6)))[:0]
    x = scipy.sparse.csr_array(
        (np.arange(1.0, 6.0), column, np.asarray([0, 3, 3, 5])), shape=(3, 6)
    )
    rows = layout_rows(x, np.zeros((3, 1)), False)
    dense = np.zeros((3, 6))
    np.add.at(dense, (row, column), np.arange(1.0, 6.0))
    assert list(rows.starts) == [0, 2, 2, 4] and list(rows.columns) == [1, 5, 0, 3]
    assert list(rows.values) == [2.0, 4.0, 5.0, 4.0]
    assert list(x.indices) == column  # what was given is as it was


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_float32_trains_alike_to_its_own_precision(kind, solver):
    gpunet_fit = both(kind, X.astype("f4"), Y, tol=1e-4, solver=solver, max_iter=5)
    assert gpunet_fit.coefs_[0].dtype == "f4"


def test_sure_answers_cost_what_scikit_learn_says():
    # probabilities of 0 and 1: the cost counts them as eps from there
    for y in (Y, Y % 2):
        parameters = {"solver": "sgd", "learning_rate_init": 0.01, "batch_size": 10}
        parameters |= {"hidden_layer_sizes": (), "max_iter": 3}
        gpunet_fit = both("MLPClassifier", 300 * X[:60], y[:60], **parameters)
        assert gpunet_fit.loss_curve_[0] > 3


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_alike(solver):
    go_on_by_parts(solver, engine="compiled")


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("first", ["loop", "compiled"])
def test_one_engine_goes_on_where_the_other_ended(first, solver, monkeypatch):
    monkeypatch.undo()
    parameters = {"hidden_layer_sizes": 9, "solver": solver, "random_state": 0}
    gpunet_fit = MLPClassifier(**parameters, engine=first, max_iter=7).fit(X, Y)
    gpunet_fit.set_params(engine="compiled" if first == "loop" else "loop")
    sklearn_fit = original.MLPClassifier(**parameters, max_iter=7).fit(X, Y)
    for _ in range(3):
        assert_equal_fits(gpunet_fit.partial_fit(X, Y), sklearn_fit.partial_fit(X, Y))
    if solver == "adam":
        assert gpunet_fit._optimizer.t == sklearn_fit._optimizer.t
        rate = sklearn_fit._optimizer.learning_rate
        assert gpunet_fit._optimizer.learning_rate == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_start_goes_on_alike(solver):
    parameters = {
        "solver": solver,
        "warm_start": True,
        "random_state": 0,
        "max_iter": 4,
    }
    gpunet_fit = MLPRegressor(**parameters, engine="compiled")
    sklearn_fit = original.MLPRegressor(**parameters)
    for _ in range(3):
        assert_equal_fits(
            gpunet_fit.fit(X, NUMBERS["one"]), sklearn_fit.fit(X, NUMBERS["one"])
        )


def test_a_long_default_fit_stays_equal():
    x, y = X_DIGITS[:600], Y_DIGITS[:600]
    gpunet_fit = MLPClassifier(random_state=0, engine="compiled").fit(x, y)
    # In some hundred steps of Adam what sums in another order leave in the last
    # digit grows: its steps are as long for a gradient of 1e-9 as for one of 1.
    assert_equal_fits(
        gpunet_fit, original.MLPClassifier(random_state=0).fit(x, y), 1e-10
    )
    assert gpunet_fit.n_iter_ > 50


def test_a_team_of_threads_leaves_the_bits_of_one(monkeypatch):
    parameters = {
        "random_state": 0,
        "max_iter": 3,
        "engine": "compiled",
        "batch_size": 30,
    }
    for x in (X, PICTURES):
        alone = MLPClassifier(**parameters).fit(x, Y)
        with monkeypatch.context() as patch:
            patch.setattr(threads, "usable_threads", lambda: 3)
            patch.setattr(threads, "_MIN_WORK", 0)
            patch.setattr(threads, "_MIN_BATCH", 1)
            team = MLPClassifier(**parameters).fit(x, Y)
        for a, b in zip(alone.coefs_, team.coefs_, strict=True):
            assert np.array_equal(a, b)
        assert alone.loss_curve_ == team.loss_curve_


def test_teams_of_fits_side_by_side_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(threads, "usable_threads", lambda: 3)
    monkeypatch.setattr(threads, "_MIN_WORK", 0)
    monkeypatch.setattr(threads, "_MIN_BATCH", 1)
    parameters = {
        "random_state": 0,
        "max_iter": 9,
        "engine": "compiled",
        "batch_size": 10,
    }
    nets = [MLPClassifier(**parameters) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        curves = list(pool.map(lambda net: net.fit(X, Y).loss_curve_, nets))
    assert curves[0] == curves[1] == curves[2] == curves[3]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(
    ("settings", "grid"),
    [
        (SMALL, GRID),
        (SMALL | {"batch_size": 16, "shuffle": False}, GRID),
        (SMALL | OF_SGD, GRID | {"momentum": [0.0, 0.9]}),
        (SMALL | OF_SGD | {"learning_rate": "adaptive"}, GRID),
        (SMALL | OF_SGD | {"learning_rate": "invscaling"}, GRID),
        (SMALL | OF_SGD | {"early_stopping": True}, GRID),
        (SMALL | OF_ADAM, GRID),
    ],
)
def test_members_get_the_very_bits_of_fits_of_their_own(
    settings, grid, dtype, monkeypatch
):
    monkeypatch.setattr(population, "_JOBS", 1)
    monkeypatch.setattr(population, "cpu_count", lambda: 1)  # all six in one crowd
    settings, x = settings | {"engine": "compiled"}, X.astype(dtype)
    members = [
        MLPClassifier(**settings).set_params(learning_rate_init=rate, alpha=alpha)
        for rate in grid["learning_rate_init"]
        for alpha in grid["alpha"]
    ]
    for i, est in enumerate(members):
        est.set_params(momentum=grid.get("momentum", [0.9])[i % 2 - 1])
    (job,) = population.fit_jobs(members, x, Y)
    assert job() == 6
    for est in members:
        alone = MLPClassifier(**est.get_params()).fit(x, Y)
        for name in ("coefs_", "intercepts_"):
            for a, b in zip(getattr(est, name), getattr(alone, name), strict=True):
                assert a.dtype == dtype and np.array_equal(a, b)
        for name in ("n_iter_", "t_", "loss_curve_", "validation_scores_"):
            assert getattr(est, name) == getattr(alone, name)
    if "tol" in settings and "early_stopping" not in settings:  # one after another
        assert len({est.n_iter_ for est in members}) > 1


def test_a_sweep_hands_its_engine_on(monkeypatch):
    calls = []
    run_epoch = NumbaMLPStepper.run_epoch

    def note_and_run(self, *args):
        calls.append(1)
        return run_epoch(self, *args)

    monkeypatch.setattr(NumbaMLPStepper, "run_epoch", note_and_run)
    grid = {"learning_rate_init": [0.001, 0.01], "hidden_layer_sizes": [(4,), (5,)]}
    net = MLPClassifier(**SMALL, engine="compiled")
    sweep = MLPSweep(net, grid, 2).fit(X, Y)
    assert calls and sweep.best_estimator_.engine == "compiled"
    sweep = MLPSweep(net, grid, 2)
    with pytest.raises(AssertionError, match="the loop took the steps"):
        sweep.set_params(estimator=MLPClassifier(**SMALL, engine="loop")).fit(X, Y)
    with pytest.raises(ValueError, match="engine='compiled': solver 'lbfgs'"):
        MLPSweep(net, {"solver": ["adam", "lbfgs"]}, 2).fit(X, Y)
