"""Estimators on devices: the same weights, on the host again, and in pipelines."""

import pickle

import joblib
import numpy as np
import pytest

pytest.importorskip("sklearn")

import scipy.sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpunet.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X, Y = X[:120] / 16, Y[:120]
SMALL = {"hidden_layer_sizes": (9, 6), "max_iter": 6, "random_state": 0}
DEVICES = ["torch:cpu", "strict:1"]
WEIGHT = np.random.default_rng(0).random(len(X)) + 0.1


@pytest.fixture(params=DEVICES)
def device(request):
    name = "torch" if request.param == "torch:cpu" else "array_api_strict"
    pytest.importorskip(name)
    return request.param


def assert_near(a, b, tol=1e-9):
    for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert isinstance(p, np.ndarray)
        np.testing.assert_allclose(p, q, rtol=0, atol=tol)
    assert a.n_iter_ == b.n_iter_
    np.testing.assert_allclose(a.loss_, b.loss_, rtol=1e-7)


SETTINGS = [
    {},
    {"activation": "logistic", "batch_size": 32},
    {"activation": "identity", "solver": "sgd", "learning_rate": "invscaling"},
    {"activation": "tanh", "solver": "sgd", "nesterovs_momentum": False, "alpha": 0.5},
    {"solver": "lbfgs"},
    {"early_stopping": True, "shuffle": False},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_device_trains_the_weights_of_the_cpu(device, settings):
    for weight in (None, WEIGHT):
        for y in (Y, Y % 2):
            parameters = SMALL | settings
            here = MLPClassifier(**parameters).fit(X, y, weight)
            there = MLPClassifier(**parameters, device=device).fit(X, y, weight)
            assert_near(there, here)
            proba = there.predict_proba(X)
            assert isinstance(proba, np.ndarray)
            np.testing.assert_allclose(proba, here.predict_proba(X), atol=1e-8)
            assert np.array_equal(there.predict(X), here.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_device_regresses_like_the_cpu(device, solver, loss):
    y = np.stack([Y, Y[::-1]], axis=1).astype(float) / 9
    parameters = SMALL | {"solver": solver, "loss": loss}
    here = MLPRegressor(**parameters).fit(X, y)
    there = MLPRegressor(**parameters, device=device).fit(X, y)
    assert_near(there, here)
    np.testing.assert_allclose(there.predict(X), here.predict(X), atol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_moves_between_devices(device, solver):
    here = MLPClassifier(**SMALL, solver=solver)
    there = clone(here)
    for k in range(4):
        there.set_params(device=device if k % 2 else None)
        for est in (here, there):
            est.partial_fit(X[k : k + 50], Y[k : k + 50], classes=range(10))
    assert_near(there, here)


def test_sparse_rows_train_on_a_device(device):
    sparse = scipy.sparse.csr_array(np.where(X > 0.5, X, 0))
    for solver in ("adam", "lbfgs"):
        parameters = SMALL | {"solver": solver}
        there = MLPClassifier(**parameters, device=device).fit(sparse, Y)
        here = MLPClassifier(**parameters).fit(sparse, Y)
        assert_near(there, here)
        assert np.array_equal(there.predict(sparse), here.predict(sparse))


def test_a_device_takes_float32(device):
    est = MLPClassifier(**SMALL, device=device, dtype="float32").fit(X, Y)
    assert est.coefs_[0].dtype == np.float32
    assert est.predict_proba(X).dtype == np.float32


def test_none_follows_the_array(monkeypatch):
    torch = pytest.importorskip("torch")
    x, y = torch.asarray(X), torch.asarray(Y)
    # scikit-learn asks whether SciPy dispatches too, which is fixed at its import
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    monkeypatch.setattr("scipy._lib._array_api.SCIPY_ARRAY_API", True, raising=False)
    here = MLPClassifier(**SMALL).fit(X, Y)
    with config_context(array_api_dispatch=True):
        there = MLPClassifier(**SMALL).fit(x, y)
        assert_near(there, here)
        proba, labels = there.predict_proba(x), there.predict(x)
        hidden = there.transform(x)
        assert all(isinstance(a, torch.Tensor) for a in (proba, labels, hidden))
        np.testing.assert_allclose(proba.numpy(), here.predict_proba(X), atol=1e-8)
        with pytest.raises(ValueError, match="must use the same namespace"):
            there.predict(X)
        again = pickle.loads(pickle.dumps(there))
        assert np.array_equal(again.predict(X), here.predict(X))
    assert np.array_equal(there.predict(X), here.predict(X))


def test_models_are_files_without_a_device(device, tmp_path):
    est = MLPRegressor(**SMALL, device=device).fit(X, Y)
    data = pickle.dumps(est)
    assert b"torch" not in data.replace(b"torch:cpu", b"")
    assert b"array_api_strict" not in data
    joblib.dump(est, tmp_path / "est")
    again = joblib.load(tmp_path / "est").set_params(device=None)
    np.testing.assert_allclose(again.predict(X), est.predict(X), atol=1e-9)
    again.partial_fit(X, Y)


@pytest.mark.parametrize("name", ["tpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(Exception, match="device: ") as caught:
        MLPClassifier(device=name).fit(X, Y)
    assert caught.value.exit_code in (2, 5)


def test_pipelines_grids_and_frames_work():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"pixel{k}" for k in range(64)])
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**SMALL))
    pipe.set_output(transform="pandas")
    grid = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 1.0]}, n_jobs=2, cv=2)
    best = grid.fit(frame, Y).best_estimator_
    net = best[-1]
    assert list(net.feature_names_in_) == list(frame.columns)
    hidden = best.transform(frame)
    assert list(hidden.columns) == [f"mlpclassifier{k}" for k in range(6)]
    by_hand = StandardScaler().fit_transform(X)
    for W, b in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        by_hand = np.maximum(by_hand @ W + b, 0)
    np.testing.assert_allclose(hidden, by_hand, atol=1e-12)
