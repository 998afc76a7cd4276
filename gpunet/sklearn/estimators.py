"""`MLPClassifier` and `MLPRegressor`: scikit-learn's face on gpunet's training."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import multiclass
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if

from .array_api import array_like
from .base import CONSTRAINTS, BaseMLP, is_stochastic


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):
    """scikit-learn's `MLPClassifier`, faster and on any device.

    The same `random_state` leads to the same weights. The parameters are those of
    `sklearn.neural_network.MLPClassifier`, then those of `gpunet.sklearn.base.BaseMLP`
    and `class_weight` (dict or "balanced").

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((8,), solver="lbfgs", max_iter=999, random_state=0)
    >>> bool(net.fit(X, y).score(X, y) > 0.95)
    True
    """

    _parameter_constraints: ClassVar = CONSTRAINTS | {
        "class_weight": [dict, StrOptions({"balanced"}), None]
    }
    loss = "log_loss"

    hidden_layer_sizes: Any = (100,)
    activation: str = "relu"
    class_weight: dict | str | None = field(default=None, kw_only=True)

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> Self:
        """Train one epoch more; see `fit`. The first call must name all `classes`."""
        if multiclass._check_partial_fit_first_call(self, classes):
            kind = multiclass.type_of_target(y)
            labels = y if kind.startswith("multilabel") else classes
            self._label_binarizer = LabelBinarizer().fit(labels)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """Return the class of each row, shape (n,), or (n, n_labels) of 0 and 1."""
        return array_like(X, self._labels(self._mean_outputs(X, "predict")))

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities, shape (n, n_classes), in the order of `classes_`."""
        return array_like(X, self._probabilities(X, "predict_proba"))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        return array_like(X, np.log(self._probabilities(X, "predict_log_proba")))

    def predict_spread(self, X: Any) -> Any:
        """Return the members' deviation of `predict_proba`; needs `n_members`."""
        y = self._members_deviation(X)
        return array_like(X, np.repeat(y, 2, axis=1) if self.n_outputs_ == 1 else y)

    def _probabilities(self, X: Any, method: str) -> np.ndarray:
        y = self._mean_outputs(X, method)
        return np.concatenate([1 - y, y], axis=1) if self.n_outputs_ == 1 else y

    def _labels(self, y: np.ndarray) -> np.ndarray:
        y = y.ravel() if self.n_outputs_ == 1 else y
        return self._label_binarizer.inverse_transform(y)

    def _score_outputs(self, y: np.ndarray, t: np.ndarray, weight: Any) -> float:
        labels = self._label_binarizer.inverse_transform(t)
        return accuracy_score(labels, self._labels(y), sample_weight=weight)

    def _out_activation(self) -> str:
        many = self._label_binarizer.y_type_ == "multiclass"
        return "softmax" if many else "logistic"

    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(multiclass.unique_labels(y))
        # bool, because a validation split names a class that is too small by it
        return self._label_binarizer.transform(y).astype(bool)

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
        index = t.argmax(axis=1) if t.shape[1] > 1 else t[:, 0].astype(int)
        balance = compute_sample_weight(self.class_weight, self.classes_[index])
        return balance if weight is None else balance * weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):
    """scikit-learn's `MLPRegressor`, faster and on any device.

    The same `random_state` leads to the same weights. The parameters are those of
    `sklearn.neural_network.MLPRegressor`, then those of `gpunet.sklearn.base.BaseMLP`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
    >>> bool(net.fit(X, y).score(X, y) > 0.4)
    True
    """

    _parameter_constraints: ClassVar = CONSTRAINTS | {
        "loss": [StrOptions({"squared_error", "poisson"})]
    }

    loss: str = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: str = "relu"

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch more; see `fit`."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """Return the predicted values, shape (n,) or (n, n_outputs)."""
        y = self._mean_outputs(X, "predict")
        return array_like(X, y.ravel() if y.shape[1] == 1 else y)

    def predict_spread(self, X: Any) -> Any:
        """Return the members' deviation of `predict`; needs `n_members`."""
        y = self._members_deviation(X)
        return array_like(X, y.ravel() if y.shape[1] == 1 else y)

    def _score_outputs(self, y: np.ndarray, t: np.ndarray, weight: Any) -> float:
        return r2_score(t, y, sample_weight=weight) if np.isfinite(y).all() else np.nan

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"
