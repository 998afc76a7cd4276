"""Fitted MLPs, gpunet's or scikit-learn's, as the lesson's Network."""

from typing import Any

from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.utils import validation

from ..network import Network
from .state import MLPState
from .steppers.device_stepper import make_network
from .steppers.layers import DenseLayers


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
        (n, n_outputs). The tensors are copies.

    Raises
    ------
    TypeError
        The estimator is not one of these.
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
    if not isinstance(estimator, MLPState | BaseMultilayerPerceptron):
        raise TypeError(
            "to_network: the estimator must be an MLPClassifier or MLPRegressor of "
            f"gpunet or scikit-learn, got {type(estimator).__name__}; of a Pipeline "
            "give the last step"
        )
    validation.check_is_fitted(estimator, "coefs_")
    if isinstance(estimator, MLPState):
        return make_network(None, estimator._layers(), estimator.dropout)
    hidden = [estimator.activation] * (estimator.n_layers_ - 2)
    names = [*hidden, estimator.out_activation_]
    return make_network(
        None, DenseLayers(estimator.coefs_, estimator.intercepts_, names)
    )
