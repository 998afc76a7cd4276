"""MLPSweep gives what GridSearchCV gives, member by member."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn.neural_network as original
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import check_set_params

from gpunet.sklearn import MLPClassifier, MLPRegressor, MLPSweep, population

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X, Y = X[:150] / 16, Y[:150]
SMALL = {"hidden_layer_sizes": (9,), "max_iter": 12, "random_state": 0}
GRID = {"learning_rate_init": [0.001, 0.01, 0.05], "alpha": [1e-4, 1.0]}
OF_SGD = {"solver": "sgd", "tol": 0.02, "n_iter_no_change": 2, "max_iter": 40}
SETTINGS = [
    (SMALL, GRID),
    (SMALL | {"batch_size": 16}, GRID),
    (SMALL | {"batch_size": 16, "shuffle": False}, GRID),
    (SMALL | OF_SGD, GRID | {"momentum": [0.0, 0.9]}),
    (SMALL | OF_SGD | {"learning_rate": "adaptive"}, GRID),
    (SMALL | OF_SGD | {"learning_rate": "invscaling"}, GRID),
    (SMALL | OF_SGD | {"early_stopping": True}, GRID),
    (SMALL, GRID | {"random_state": [1, 2], "hidden_layer_sizes": [(4,), (3, 5)]}),
    (SMALL | {"solver": "lbfgs"}, {"alpha": [0.1, 1.0]}),
    (SMALL, [{"alpha": [0.1, 1.0]}, {"beta_1": [0.5, 0.8], "alpha": [0.1]}]),
]


def both(kind, settings, grid, y, sample_weight=None, **options):
    sweep = MLPSweep(globals()[kind](**settings), grid, **options)
    search = GridSearchCV(getattr(original, kind)(**settings), grid, **options)
    extra = {} if sample_weight is None else {"sample_weight": sample_weight}
    return sweep.fit(X, y, **extra), search.fit(X, y, **extra)


def assert_same_answers(sweep, search):
    assert set(sweep.cv_results_) == set(search.cv_results_)
    assert sweep.cv_results_["params"] == search.cv_results_["params"]
    for name, expected in search.cv_results_.items():
        if "test" in name:
            np.testing.assert_allclose(sweep.cv_results_[name], expected, atol=1e-9)
        if name.startswith("param_"):
            assert (sweep.cv_results_[name] == expected).all()
    assert sweep.best_params_ == search.best_params_
    assert sweep.best_index_ == search.best_index_
    assert sweep.best_score_ == pytest.approx(search.best_score_, abs=1e-9)
    assert sweep.n_splits_ == search.n_splits_
    for W, V in zip(
        sweep.best_estimator_.coefs_, search.best_estimator_.coefs_, strict=True
    ):
        np.testing.assert_allclose(W, V, rtol=0, atol=1e-11)
    assert np.array_equal(sweep.predict(X), search.predict(X))


@pytest.mark.parametrize("k", range(len(SETTINGS)))
def test_a_sweep_answers_like_a_grid_search(k, monkeypatch):
    settings, grid = SETTINGS[k]
    for block in (1, 10**7):  # alone, and all together
        monkeypatch.setattr(population, "_BLOCK_BYTES", block)
        assert_same_answers(*both("MLPClassifier", settings, grid, Y, cv=3))


@pytest.mark.parametrize("block", [1, 10**7])
def test_every_member_gets_the_weights_of_a_fit_of_its_own(block, monkeypatch):
    monkeypatch.setattr(population, "_BLOCK_BYTES", block)
    stops = []
    for settings, grid in SETTINGS[:7]:
        members = [
            MLPClassifier(**settings).set_params(learning_rate_init=rate, alpha=alpha)
            for rate in grid["learning_rate_init"]
            for alpha in grid["alpha"]
        ]
        done = sum(job() for job in population.fit_jobs(members, X, Y))
        assert done == len(members) == 6
        for est in members:
            alone = MLPClassifier(**est.get_params()).fit(X, Y)
            for a, b in zip(
                est.coefs_ + est.intercepts_,
                alone.coefs_ + alone.intercepts_,
                strict=True,
            ):
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
            assert est.n_iter_ == alone.n_iter_ and est.t_ == alone.t_
            np.testing.assert_allclose(est.loss_curve_, alone.loss_curve_, rtol=1e-9)
            assert est.validation_scores_ == alone.validation_scores_
        stops.append(len({est.n_iter_ for est in members}))
    assert max(stops) > 2  # members leave the population one after another


def test_regressors_weights_scorings_and_splitters_are_taken():
    settings = SMALL | {"batch_size": 20}
    y = np.stack([Y, Y[::-1]], axis=1) / 9.0
    options = {"cv": KFold(4, shuffle=True, random_state=1)}
    options["scoring"] = make_scorer(r2_score, multioutput="variance_weighted")
    sweep, search = both("MLPRegressor", settings, GRID, y, **options)
    for name in ("mean_test_score", "rank_test_score"):
        expected = search.cv_results_[name]
        np.testing.assert_allclose(sweep.cv_results_[name], expected, atol=1e-9)
    weight = np.random.default_rng(0).random(len(X))
    assert_same_answers(*both("MLPClassifier", settings, GRID, Y % 2, weight, cv=2))
    sweep = MLPSweep(MLPClassifier(**settings), GRID, 2, refit=False).fit(X, Y)
    assert sweep.best_params_ and not hasattr(sweep, "best_estimator_")


def test_what_cannot_train_together_trains_alone():
    pytest.importorskip("torch")
    grid = {"alpha": [1e-4, 1.0]}
    for extra in ({"dropout": 0.1}, {"device": "torch:cpu"}):
        settings = SMALL | extra
        sweep = MLPSweep(MLPClassifier(**settings), grid, 2).fit(X, Y)
        search = GridSearchCV(MLPClassifier(**settings), grid, cv=2).fit(X, Y)
        assert_same_answers(sweep, search)


def test_a_member_that_diverges_scores_nan():
    grid = {"learning_rate_init": [0.01, 1e200]}
    net = MLPRegressor(**SMALL, solver="sgd", activation="identity")
    with np.errstate(all="ignore"), pytest.warns() as warned:
        sweep = MLPSweep(net, grid, 2).fit(X, Y / 9.0)
    assert any("2 fits failed out of a total of 4" in str(w.message) for w in warned)
    assert FitFailedWarning in {w.category for w in warned}
    assert np.isnan(sweep.cv_results_["mean_test_score"][1])
    assert sweep.best_params_ == {"learning_rate_init": 0.01}
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="All the 2 fits"):
        MLPSweep(net, {"learning_rate_init": [1e200]}, 2).fit(X, Y / 9.0)


def test_a_sweep_refuses_what_it_cannot_train():
    with pytest.raises(TypeError, match="estimator must be gpunet's"):
        MLPSweep(original.MLPClassifier(), GRID).fit(X, Y)
    with pytest.raises(ValueError, match="scoring must be one metric"):
        MLPSweep(MLPClassifier(), GRID, scoring=["accuracy"]).fit(X, Y)
    with pytest.raises(ValueError, match="'alpha' parameter of MLPClassifier must be"):
        MLPSweep(MLPClassifier(), {"alpha": [-1, 0]}, 2).fit(X, Y)
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        MLPSweep(MLPClassifier(), {"depth": [1]}, 2).fit(X, Y)


def test_a_sweep_is_an_estimator():
    check_set_params("MLPSweep", MLPSweep(MLPClassifier(), GRID))
