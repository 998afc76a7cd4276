"""Which code trains: engine="auto", and what engine="compiled" refuses."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("numba")

import scipy.sparse
from test_sklearn_exact import X, Y

from gpunet.errors import ConfigError
from gpunet.fast.cpu import compiler, estimates
from gpunet.sklearn import MLPClassifier, MLPRegressor
from gpunet.sklearn.steppers.choice import step_seconds, use_numba
from gpunet.sklearn.steppers.layers import Samples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def compiles(est, x, weight=None, epochs=10**6, n_fits=1):
    """Return whether compiled code is to train an estimator on the host."""
    return use_numba(est, None, Samples(x, Y, weight), epochs, n_fits)


def test_auto_compiles_what_is_long_and_never_waits_for_what_is_short(monkeypatch):
    est = MLPClassifier(random_state=0, max_iter=1).set_params(engine="loop")
    monkeypatch.setattr(compiler, "_ready", set())
    monkeypatch.setattr(compiler, "_cache_folders", list)
    est.fit(X, Y).set_params(engine="auto", batch_size=10)
    assert not compiles(est, X, None, 200, 1)
    assert compiles(est, X, None, 200_000, 1)
    assert compiles(est, X, None, 200, 1000)  # one by one they are short
    once = 20_000  # epochs: pays if all of them happen, and not if a third does
    assert not compiles(est, X, None, once, 1)
    assert compiles(est.set_params(tol=0.0), X, None, once, 1)
    est.set_params(batch_size=100)  # large products on one core are for BLAS, unless
    dense, long = X + 1, 10**6
    monkeypatch.setattr(estimates, "_LARGE", 1.0)
    monkeypatch.setattr("gpunet.fast.cpu.usable_threads", lambda: 1)
    assert not compiles(est, dense)
    assert compiles(est, dense, None, long, 2)
    assert compiles(est, scipy.sparse.csr_array(dense))
    monkeypatch.undo()
    assert compiles(est, dense)
    est.set_params(batch_size=10)
    assert not compiles(est, X, np.ones(len(X)), long, 1)
    assert not compiles(est.set_params(engine="loop"), X)
    est.set_params(engine="auto")
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    assert not compiles(est, X)


REFUSED = [
    (MLPRegressor, {"loss": "poisson"}, {}, "loss 'poisson'; use 'squared_error'"),
    (MLPClassifier, {"solver": "lbfgs"}, {}, "solver 'lbfgs' is SciPy's; use 'adam'"),
    (MLPClassifier, {"class_weight": "balanced"}, {}, "omit sample_weight and class"),
    (
        MLPClassifier,
        {},
        {"sample_weight": np.ones(150)},
        "support sample weights; omit",
    ),
    (MLPClassifier, {"dtype": "float32", "epsilon": 1e-50}, {}, "epsilon=1e-50 is 0"),
    (MLPClassifier, {"device": "strict:1"}, {}, "for the cpu, not for strict"),
]


@pytest.mark.parametrize("k", range(len(REFUSED)))
def test_what_it_cannot_train_is_refused_with_reason_and_cure(k):
    kind, settings, data, why = REFUSED[k]
    x = X.astype("f4") if "dtype" in settings else X
    with pytest.raises(ValueError, match=f"engine='compiled': .*{why}"):
        kind(engine="compiled", **settings).fit(x, Y, **data)


def test_without_numba_the_reason_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"numba is not installed; .*gpunet\[fast\]"):
        MLPClassifier(engine="compiled").fit(X, Y)
    with pytest.raises(ValueError, match="'engine' parameter of MLPClassifier must be"):
        MLPClassifier(engine="fast").fit(X, Y)


def test_the_extras_engine_is_the_trainers():
    parameters = {
        "dropout": 0.1,
        "hidden_layer_sizes": 5,
        "max_iter": 2,
        "random_state": 0,
    }
    fits = [
        MLPClassifier(**parameters, engine=name).fit(X, Y)
        for name in ("loop", "compiled")
    ]
    for a, b in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)
    with pytest.raises(ConfigError, match="engine: compiled: optimizer RMSProp"):
        MLPClassifier(**parameters, engine="compiled", optimizer="rmsprop").fit(X, Y)


def test_the_estimate_of_a_step_grows_with_parameters_and_batch():
    assert step_seconds(800, 10) == pytest.approx(3e-5 + 800 * 4.8e-9)
    assert step_seconds(1600, 10) > step_seconds(800, 10)
    assert 5 * step_seconds(800, 10) > step_seconds(800, 200) > step_seconds(800, 10)
