"""What goes beyond scikit-learn: validation, ensembles, the lesson's own training."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

import gpunet
from gpunet.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16, Y[:300]
X_VAL, Y_VAL = X[200:], Y[200:]
X, Y = X[:200], Y[:200]
SMALL = {"hidden_layer_sizes": (9, 6), "max_iter": 6, "random_state": 0}


def assert_same_weights(a, b, tol=1e-12):
    for p, q in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(p, q, rtol=0, atol=tol)


def test_validation_data_are_followed_and_change_nothing():
    plain = MLPClassifier(**SMALL).fit(X, Y)
    est = MLPClassifier(**SMALL).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert_same_weights(est, plain, 0)
    proba = est.predict_proba(X_VAL)[np.arange(100), Y_VAL]
    assert est.validation_loss_curve_[-1] == pytest.approx(-np.log(proba).mean())
    assert len(est.validation_loss_curve_) == est.n_iter_ == 6
    assert not hasattr(plain, "validation_loss_curve_")


def test_early_stopping_by_own_validation_data_keeps_the_best():
    est = MLPClassifier(hidden_layer_sizes=20, early_stopping=True, random_state=0)
    est.set_params(learning_rate_init=0.02, n_iter_no_change=3, batch_size=20)
    est.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert est.score(X_VAL, Y_VAL) == est.best_validation_score_
    assert est.best_validation_score_ == max(est.validation_scores_)
    assert est.n_iter_ == len(est.validation_scores_) < 200
    # all of X trains: as many steps as rows, no part set aside
    assert est.t_ == 200 * est.n_iter_


def test_validation_data_of_regressors_are_followed():
    y = Y / 9.0
    est = MLPRegressor(**SMALL).fit(X, y, X_val=X_VAL, y_val=Y_VAL / 9.0)
    error = ((est.predict(X_VAL) - Y_VAL / 9.0) ** 2).mean() / 2
    assert est.validation_loss_curve_[-1] == pytest.approx(error)


def test_half_of_a_validation_set_is_refused():
    with pytest.raises(ValueError, match="X_val and y_val must both be given"):
        MLPClassifier(**SMALL).fit(X, Y, X_val=X_VAL)


def test_class_weight_is_sample_weight():
    balanced = MLPClassifier(**SMALL, class_weight="balanced").fit(X, Y % 3 == 0)
    weight = compute_sample_weight("balanced", Y % 3 == 0)
    assert_same_weights(balanced, MLPClassifier(**SMALL).fit(X, Y % 3 == 0, weight))
    parameters = {3: 5.0, 4: 0.5}
    weight = np.where(Y == 3, 5.0, np.where(Y == 4, 0.5, 1.0)) * (1 + Y)
    est = MLPClassifier(**SMALL, class_weight=parameters).fit(X, Y, 1.0 + Y)
    assert_same_weights(est, MLPClassifier(**SMALL).fit(X, Y, weight))
    with pytest.raises(ValueError, match="rows with several labels"):
        est.fit(X, np.stack([Y > 2, Y > 5], axis=1).astype(int))


def test_the_lessons_training_begins_with_scikit_learns_weights():
    one = {"max_iter": 1, "batch_size": 200, "shuffle": False}
    plain = MLPClassifier(**SMALL | one).fit(X, Y)
    # the same step of the same optimizer, taken by the lesson's Trainer
    adam = gpunet.Adam(0.001, l2=0.0001 / 200)
    est = MLPClassifier(**SMALL | one, optimizer=adam).fit(X, Y)
    assert_same_weights(est, plain, 1e-9)
    assert est.loss_curve_[0] == pytest.approx(plain.loss_curve_[0], rel=1e-4)


@pytest.mark.parametrize(
    "extra",
    [
        {"hidden_activations": ["gelu", "leaky_relu:0.1"]},
        {"hidden_activations": ("logistic", "identity")},
        {"dropout": 0.2},
        {"optimizer": "rmsprop"},
        {"optimizer": gpunet.AdamW(0.01, weight_decay=0.1)},
        {"schedule": "cosine"},
        {"n_members": 3},
        {"n_members": 3, "dropout": 0.1, "schedule": "cosine", "solver": "sgd"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_each_extra_trains(kind, extra):
    parameters = SMALL | {"learning_rate_init": 0.02, "max_iter": 40, "batch_size": 20}
    y = Y if kind is MLPClassifier else Y / 9.0
    est = clone(kind(**parameters, **extra)).fit(X, y, X_val=X_VAL, y_val=y[:100])
    assert est.score(X, y) > (0.6 if kind is MLPClassifier else 0.3)
    assert est.loss_curve_[-1] < est.loss_curve_[0] and est.n_iter_ <= 40
    assert len(est.validation_loss_curve_) == len(est.loss_curve_) == est.n_iter_
    assert est.predict(X[:7]).shape == (7,) and est.t_ == 200 * est.n_iter_
    again = kind(**parameters, **extra).fit(X, y)
    assert_same_weights(est, again, 0)


def test_hidden_activations_are_used_where_they_are_named():
    names = ["tanh", "sigmoid"]
    est = MLPRegressor(**SMALL, hidden_activations=names).fit(X, Y / 9.0)
    a = np.tanh(X @ est.coefs_[0] + est.intercepts_[0])
    a = 1 / (1 + np.exp(-(a @ est.coefs_[1] + est.intercepts_[1])))
    np.testing.assert_allclose(est.transform(X), a, atol=1e-12)
    y = (a @ est.coefs_[2] + est.intercepts_[2])[:, 0]
    np.testing.assert_allclose(est.predict(X), y, atol=1e-12)


def test_members_differ_and_are_averaged():
    est = MLPClassifier(**SMALL, n_members=4).fit(X, Y)
    assert [W.shape for W in est.coefs_] == [(4, 64, 9), (4, 9, 6), (4, 6, 10)]
    assert np.abs(est.coefs_[0][0] - est.coefs_[0][1]).max() > 0.01
    each = []
    for i in range(4):
        one = MLPClassifier(**SMALL).fit(X, Y)
        one.coefs_ = [W[i] for W in est.coefs_]
        one.intercepts_ = [b[i] for b in est.intercepts_]
        each.append(one.predict_proba(X))
    np.testing.assert_allclose(est.predict_proba(X), np.mean(each, axis=0), atol=1e-12)
    np.testing.assert_allclose(est.predict_spread(X), np.std(each, axis=0), atol=1e-12)
    assert np.array_equal(est.predict(X), np.mean(each, axis=0).argmax(axis=1))
    assert est.transform(X).shape == (200, 24)
    assert len(est.get_feature_names_out()) == 24


def test_spread_of_two_classes_and_of_numbers():
    two = MLPClassifier(**SMALL, n_members=3).fit(X, Y > 4)
    spread = two.predict_spread(X)
    assert spread.shape == (200, 2) and (spread[:, 0] == spread[:, 1]).all()
    assert (spread > 0).all()
    numbers = MLPRegressor(**SMALL, n_members=3).fit(X, Y)
    assert numbers.predict_spread(X).shape == (200,)
    with pytest.raises(ValueError, match="set n_members"):
        MLPRegressor(**SMALL).fit(X, Y).predict_spread(X)


def test_callbacks_are_called():
    class Count(gpunet.Callback):
        epochs = 0

        def on_epoch(self, trainer, record):
            self.epochs += 1
            if self.epochs == 3:
                trainer.stop("three will do")

    count = Count()
    est = MLPClassifier(**SMALL, callbacks=[count]).fit(X, Y)
    assert count.epochs == est.n_iter_ == 3


def test_extras_stop_when_the_loss_falls_no_more():
    est = MLPClassifier(8, random_state=0, dropout=0.01, tol=0.5, n_iter_no_change=3)
    assert est.fit(X, Y).n_iter_ < 30
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        est.set_params(max_iter=2).fit(X, Y)
    est.set_params(early_stopping=True, max_iter=50).fit(X, Y)
    assert len(est.validation_loss_curve_) == est.n_iter_ < 50


def test_extras_refuse_what_does_not_go_with_them():
    est = MLPClassifier(**SMALL, dropout=0.1)
    with pytest.raises(ValueError, match="partial_fit does not support dropout"):
        est.partial_fit(X, Y, classes=range(10))
    with pytest.raises(ValueError, match="solver 'lbfgs' does not support dropout"):
        clone(est).set_params(solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="set schedule instead"):
        clone(est).set_params(learning_rate="adaptive").fit(X, Y)
    with pytest.raises(ValueError, match="one for each hidden layer"):
        MLPClassifier(**SMALL, hidden_activations=["tanh"]).fit(X, Y)
    with pytest.raises(ValueError, match="choose from"):
        MLPClassifier(**SMALL, hidden_activations=["tanh", "sine"]).fit(X, Y)
    with pytest.raises(ValueError, match="'dropout' parameter of MLPClassifier must"):
        MLPClassifier(**SMALL, dropout=1.5).fit(X, Y)


def test_transform_needs_a_hidden_layer():
    est = MLPClassifier((), max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="no hidden layer"):
        est.transform(X)


def test_extras_train_on_a_device():
    pytest.importorskip("torch")
    parameters = SMALL | {"n_members": 2, "dropout": 0.1}
    here = MLPClassifier(**parameters).fit(X, Y)
    there = MLPClassifier(**parameters, device="torch:cpu").fit(X, Y)
    assert isinstance(there.coefs_[0], np.ndarray)
    assert_same_weights(here, there, 1e-9)
    np.testing.assert_allclose(here.predict_proba(X), there.predict_proba(X), atol=1e-9)
