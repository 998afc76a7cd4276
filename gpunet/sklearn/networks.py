"""Fitted MLPs, gpunet's or scikit-learn's, as the lesson's Network."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.utils import validation

from ..errors import ConfigError
from ..network import Network
from .state import MLPState
from .steppers.device_stepper import make_network
from .steppers.layers import DenseLayers

MLPS = MLPState, BaseMultilayerPerceptron


def to_network(estimator: Any) -> Network:
    """Return the Network of a fitted MLP, on the CPU and in the dtype it was fitted in.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Of gpunet or of scikit-learn. `n_members` make a population.

    Returns
    -------
    net : Network
        `net.predict` returns probabilities as `predict_proba` does (of two classes
        the second one's alone, shape (n, 1)), or numbers as `predict` does, shape
        (n, n_outputs); `net.classify` the classes as `predict` does. The tensors are
        copies.

    Raises
    ------
    TypeError
        The estimator is not one of these.
    ConfigError
        It was fitted on one class alone.
    sklearn.exceptions.NotFittedError
        It has not been fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), solver="lbfgs", max_iter=999, random_state=0)
    >>> net = to_network(clf.fit(X, y))
    >>> bool(abs(net.predict(X) - clf.predict_proba(X)).max() < 1e-12)
    True
    """
    if not isinstance(estimator, MLPS):
        raise TypeError(
            "to_network: the estimator must be an MLPClassifier or MLPRegressor of "
            f"gpunet or scikit-learn, got {type(estimator).__name__}; of a Pipeline "
            "give the last step"
        )
    validation.check_is_fitted(estimator, "coefs_")
    if is_classifier(estimator) and len(estimator.classes_) == 1:
        raise ConfigError(
            f"{type(estimator).__name__}: was fitted on one class "
            f"({estimator.classes_[0]!s:.60}), which is always its answer; fit it on "
            "two classes at least"
        )
    if isinstance(estimator, MLPState):
        net = make_network(None, estimator._layers(), estimator.dropout)
    else:
        hidden = [estimator.activation] * (estimator.n_layers_ - 2)
        names = [*hidden, estimator.out_activation_]
        layers = DenseLayers(estimator.coefs_, estimator.intercepts_, names)
        net = make_network(None, layers)
    net.classes, net._trained = _classes(estimator), True
    return net


def is_multilabel(estimator: Any) -> bool:
    """Return whether a fitted classifier says 0 or 1 of each of several labels."""
    return estimator.n_outputs_ > 1 and estimator.out_activation_ == "logistic"


def _classes(estimator: Any) -> tuple | None:
    """Return the classes of a network, or None if they are 0, 1, ... or no classes."""
    if not is_classifier(estimator) or is_multilabel(estimator):
        return None
    classes = np.asarray(estimator.classes_)
    if classes.dtype.kind == "f":  # whole numbers: scikit-learn takes no others
        classes = classes.astype(np.int64)
    if classes.dtype.kind in "iu" and (classes == np.arange(len(classes))).all():
        return None
    return tuple(classes.tolist())
