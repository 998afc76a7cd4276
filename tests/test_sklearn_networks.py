"""Fitted MLPs, gpunet's and scikit-learn's, become Networks with their outputs."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn.neural_network as original
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import gpunet
from gpunet.errors import ConfigError
from gpunet.sklearn import MLPClassifier, MLPRegressor, to_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(60, 4))
KIND = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
TARGETS = {
    "classes": np.array(["low", "mid", "high"])[KIND],
    "two classes": np.array(["no", "yes"])[(KIND > 0).astype(int)],
    "multilabel": (X[:, :3] > 0).astype(int),
}
SMALL = {"hidden_layer_sizes": (7, 5), "max_iter": 9, "random_state": 0}
FAMILIES = [original.MLPClassifier, MLPClassifier]


def assert_same(net, x, expected):
    """The outputs are equal to rounding, and the classes where there are some."""
    y = net.predict(x)
    if y.shape[1] == 1 and expected.shape[1] == 2:  # of two classes
        y = np.concatenate([1 - y, y], axis=1)
    off = 1e-12 if net.dtype == "float64" else 1e-5
    np.testing.assert_allclose(y, expected, rtol=0, atol=off)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", TARGETS)
def test_classifier_becomes_a_network(family, target, activation):
    for dtype in ("float32", "float64"):
        x = X.astype(dtype)
        clf = family(activation=activation, **SMALL).fit(x, TARGETS[target])
        net = to_network(clf)
        assert isinstance(net, gpunet.Network) and net.dtype == dtype
        assert_same(net, x, clf.predict_proba(x))
        if target != "multilabel":
            assert (net.classify(x) == clf.predict(x)).all()


@pytest.mark.parametrize("family", [original.MLPRegressor, MLPRegressor])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regressor_becomes_a_network(family, loss):
    for y in (KIND * 2.0, np.stack([KIND, KIND + 1.0], axis=1)):
        reg = family(loss=loss, **SMALL).fit(X, y)
        assert_same(to_network(reg), X, reg.predict(X).reshape(len(X), -1))


def test_classes_are_kept_where_they_are_no_positions(tmp_path):
    kinds = {"bool": KIND > 0, "positions": KIND, "numbers": KIND * 10 - 5}
    kinds |= {"floats": KIND * 2.0, "objects": TARGETS["classes"].astype(object)}
    for name, y in kinds.items():
        net = MLPClassifier(**SMALL).fit(X, y).to_network()
        assert (net.classes is None) == (name == "positions")
        gpunet.save_network(net, tmp_path / "m.safetensors")
        assert gpunet.load_network(tmp_path / "m.safetensors").classes == net.classes


def test_own_estimator_has_the_method_after_every_way_of_fitting():
    y = TARGETS["classes"]
    for more in (
        {"solver": "lbfgs"},
        {"hidden_activations": ("silu", "leaky_relu:0.2")},
    ):
        clf = MLPClassifier(**SMALL | more).fit(X, y)
        assert_same(clf.to_network(), X, clf.predict_proba(X))
    clf = MLPClassifier(**SMALL).partial_fit(X, y, classes=np.unique(y))
    net = clf.to_network()
    assert_same(net, X, clf.predict_proba(X))
    before = net.predict(X)
    clf.partial_fit(X, y)
    assert np.array_equal(net.predict(X), before)  # a copy


def test_members_become_a_population_that_can_be_saved(tmp_path):
    clf = MLPClassifier(**SMALL, n_members=3, dropout=0.2).fit(X, TARGETS["classes"])
    net = clf.to_network()
    assert net.population == 3
    np.testing.assert_allclose(net.predict(X).mean(0), clf.predict_proba(X), atol=1e-12)
    net.member(1).save(tmp_path / "m.safetensors")
    again = gpunet.load_network(tmp_path / "m.safetensors")
    assert np.array_equal(again.predict(X), net.predict(X)[1])


def test_network_of_an_estimator_trains_on():
    net = to_network(original.MLPClassifier(**SMALL).fit(X, KIND))
    history = gpunet.fit(net, (X, KIND), epochs=3, batch_size=20)
    assert history["loss"][-1] < history["loss"][0]


def test_labels_learned_by_an_estimator_keep_their_meaning():
    net = MLPClassifier(**SMALL).fit(X, KIND).to_network()
    with pytest.raises(ConfigError, match="was trained or loaded without classes"):
        gpunet.fit(net, (X, KIND + 1), epochs=1)
    gpunet.fit(net, (X, KIND), epochs=1)


def test_classifier_of_one_class_is_refused():
    for kind in (MLPClassifier, original.MLPClassifier):
        with pytest.raises(ConfigError, match=r"fitted on one class \(a\)"):
            to_network(kind(**SMALL).fit(X, ["a"] * len(X)))


def test_what_is_no_fitted_mlp_is_refused():
    with pytest.raises(NotFittedError):
        MLPClassifier().to_network()
    with pytest.raises(NotFittedError):
        to_network(original.MLPRegressor())
    with pytest.raises(TypeError, match="got LogisticRegression; of a Pipeline"):
        to_network(LogisticRegression().fit(X, KIND))
