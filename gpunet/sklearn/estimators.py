"""`MLPClassifier` and `MLPRegressor`: scikit-learn's face on gpunet's training."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import validate_data

from .array_api import beside
from .base import OWN_RULES, RULES, BaseMLP, is_stochastic, keep


class MLPClassifier(ClassifierMixin, BaseMLP):
    """scikit-learn's `MLPClassifier`, faster and on any device.

    With the same `random_state` the fitted weights equal scikit-learn's.

    Parameters
    ----------
    hidden_layer_sizes ... max_fun
        scikit-learn's own; see `sklearn.neural_network.MLPClassifier`.
    device ... engine
        See `gpunet.sklearn.base.BaseMLP`.
    class_weight : dict or "balanced", optional

    Attributes
    ----------
    coefs_, intercepts_ : lists of NumPy arrays, on the host wherever trained
    validation_loss_curve_ : list of float, with `fit(..., X_val=, y_val=)`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((8,), solver="lbfgs", max_iter=999, random_state=0)
    >>> bool(net.fit(X, y).score(X, y) > 0.95)
    True
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **RULES,
        **OWN_RULES,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    loss = "log_loss"

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        device=None,
        dtype=None,
        hidden_activations=None,
        dropout=0.0,
        optimizer=None,
        schedule=None,
        n_members=None,
        callbacks=(),
        engine="auto",
        class_weight=None,
    ):
        keep(self, locals())

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train one epoch on; the first call must name all `classes`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, shape (n_classes,), optional
        """
        if _check_partial_fit_first_call(self, classes):
            labels = y if type_of_target(y).startswith("multilabel") else classes
            self._label_binarizer = LabelBinarizer().fit(labels)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Return the class of each row, shape (n,), or (n, n_labels) of 0 and 1."""
        y = self._mean_outputs(X, "predict")
        return beside(self._labels(y), X)

    def predict_proba(self, X):
        """Return probabilities, shape (n, n_classes), in the order of `classes_`."""
        return beside(self._both(self._mean_outputs(X, "predict_proba")), X)

    def predict_log_proba(self, X):
        """Return the logarithms of `predict_proba`."""
        y = self._both(self._mean_outputs(X, "predict_log_proba"))
        return beside(np.log(y), X)

    def predict_spread(self, X):
        """Return the members' standard deviation of `predict_proba`.

        Needs `n_members`; shape (n, n_classes).
        """
        y = self._spread(X, "predict_spread")
        return beside(np.repeat(y, 2, axis=1) if self.n_outputs_ == 1 else y, X)

    def _both(self, y: np.ndarray) -> np.ndarray:
        return np.concatenate([1 - y, y], axis=1) if self.n_outputs_ == 1 else y

    def _labels(self, y: np.ndarray) -> np.ndarray:
        y = y.ravel() if self.n_outputs_ == 1 else y
        return self._label_binarizer.inverse_transform(y)

    def _score_outputs(self, y: np.ndarray, t: np.ndarray, weight: Any) -> float:
        wanted = self._label_binarizer.inverse_transform(t)
        return accuracy_score(wanted, self._labels(y), sample_weight=weight)

    def _out_activation(self) -> str:
        many = self._label_binarizer.y_type_ == "multiclass"
        return "softmax" if many else "logistic"

    def _validated(self, X, y, incremental, reset):
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=self._dtypes(X),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        # bool, because a validation split names a class that is too small by it
        return X, self._label_binarizer.transform(y).astype(bool)

    def _check_classes(self, classes: np.ndarray) -> None:
        """Refuse classes other than those of the first call."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same "
                    "classes as in the previous call to fit. Previously "
                    f"got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _weigh_classes(self, t: np.ndarray, weight: Any) -> Any:
        if self.class_weight is None:
            return weight
        if self._label_binarizer.y_type_.startswith("multilabel"):
            raise ValueError("class_weight: rows with several labels have no class")
        which = t.argmax(axis=1) if t.shape[1] > 1 else t[:, 0].astype(int)
        own = compute_sample_weight(self.class_weight, self.classes_[which])
        return own if weight is None else own * weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, BaseMLP):
    """scikit-learn's `MLPRegressor`, faster and on any device.

    With the same `random_state` the fitted weights equal scikit-learn's.

    Parameters
    ----------
    loss ... max_fun
        scikit-learn's own; see `sklearn.neural_network.MLPRegressor`.
    device ... engine
        See `gpunet.sklearn.base.BaseMLP`.

    Attributes
    ----------
    coefs_, intercepts_ : lists of NumPy arrays, on the host wherever trained
    validation_loss_curve_ : list of float, with `fit(..., X_val=, y_val=)`

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    >>> bool(net.fit(X, y).score(X, y) > 0.4)
    True
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **RULES,
        **OWN_RULES,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        device=None,
        dtype=None,
        hidden_activations=None,
        dropout=0.0,
        optimizer=None,
        schedule=None,
        n_members=None,
        callbacks=(),
        engine="auto",
    ):
        keep(self, locals())

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train one epoch on; see `fit`."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Return the predicted values, shape (n,) or (n, n_outputs)."""
        y = self._mean_outputs(X, "predict")
        return beside(y.ravel() if y.shape[1] == 1 else y, X)

    def predict_spread(self, X):
        """Return the members' standard deviation of `predict`; needs `n_members`."""
        y = self._spread(X, "predict_spread")
        return beside(y.ravel() if y.shape[1] == 1 else y, X)

    def _score_outputs(self, y: np.ndarray, t: np.ndarray, weight: Any) -> float:
        if not np.isfinite(y).all():
            return np.nan
        return r2_score(t, y, sample_weight=weight)

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _validated(self, X, y, incremental, reset):
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=self._dtypes(X),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _weigh_classes(self, t: np.ndarray, weight: Any) -> Any:
        return weight
