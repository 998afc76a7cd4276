"""What the classifier and the regressor share: fitting and predicting."""

from numbers import Integral, Real
from threading import get_ident
from typing import Any, Self

import numpy as np
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
    is_regressor,
)
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.utils import check_random_state, column_or_1d, validation
from sklearn.utils._param_validation import Interval, StrOptions

from ..backend import Backend
from ..errors import ConfigError
from ..network import Network
from ..optimizers import Optimizer
from . import array_api
from .extras import extras_in_use, fit_extras
from .fitting import fit_lbfgs, fit_stochastic
from .networks import to_network
from .solvers import SOLVERS
from .state import MLPState
from .steppers.device_stepper import make_network
from .steppers.layers import DenseLayers, Samples

# scikit-learn's own constraints, so that a bad value is answered in its words
CONSTRAINTS: dict[str, list] = {
    **{k: v for k, v in SklearnRegressor._parameter_constraints.items() if k != "loss"},
    "device": [str, Backend, None],
    "dtype": [StrOptions({"float32", "float64"}), None],
    "hidden_activations": ["array-like", None],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "optimizer": [str, Optimizer, None],
    "schedule": [str, callable, None],
    "n_members": [Interval(Integral, 1, None, closed="left"), None],
    "callbacks": ["array-like"],
    "engine": [StrOptions({"auto", "loop", "compiled"})],
}


def is_stochastic(est: MLPState) -> bool:
    """Return True if an estimator has `partial_fit`, or raise scikit-learn's error."""
    if est.solver not in SOLVERS:
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {est.solver} is not stochastic."
        )
    return True


class BaseMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, MLPState):
    """The estimators' common half, and what both can beyond scikit-learn.

    Parameters
    ----------
    device : str or Backend, optional
        Where to compute ("cuda", "torch:cpu", ...; see `gpunet.open_backend`). None
        is the CPU, or X's device under scikit-learn's `array_api_dispatch`.
    dtype : "float32" or "float64", optional
        None keeps X's.
    hidden_activations : sequence of str, optional
        One for each hidden layer, any of `gpunet.activation`.
    dropout : float
        Rate of Dropout after each hidden layer.
    optimizer : str or gpunet.Optimizer, optional
        Instead of `solver`; a name gets `learning_rate_init` and `alpha`.
    schedule : str or callable, optional
        Instead of `learning_rate`; see `gpunet.schedule`.
    n_members : int, optional
        An ensemble trained as one population; predictions are the members' mean.
    callbacks : sequence of gpunet.Callback
    engine : "auto", "loop" or "compiled"
        How "sgd" and "adam" train on the CPU: by NumPy, or by code that numba
        compiles (extra `fast`). "auto" compiles where it applies and a training is
        long enough, estimated from its settings and data.

    Attributes
    ----------
    coefs_, intercepts_ : lists of NumPy arrays, on the host wherever trained
    validation_loss_curve_ : list of float, with `fit(..., X_val=, y_val=)`
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Fit the model to data; ValueError in scikit-learn's words.

        Parameters
        ----------
        X : array or CSR/CSC, shape (n, n_features)
            NumPy; with scikit-learn's `array_api_dispatch` also CuPy or torch.
        y : array, shape (n,) or (n, n_outputs)
        sample_weight : array, shape (n,), optional
        X_val, y_val : arrays, optional
            Held-out data: `validation_loss_curve_` follows it, and `early_stopping`
            uses it instead of splitting rows off.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val))

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: tuple = (None, None),
        incremental: bool = False,
        n_fits: int = 1,
    ) -> Self:
        self._check_thread("fit")
        self._thread = get_ident()
        try:
            bk = array_api.compute_backend(self.device, X)
            samples = self._begin_fit(X, y, sample_weight, incremental)
            held_out = self._held_out(*validation_data)
            if extras_in_use(self):
                fit_extras(self, samples, held_out, bk, incremental)
            elif self.solver == "lbfgs":
                fit_lbfgs(self, samples, bk)
            else:
                fit_stochastic(self, samples, held_out, bk, incremental, n_fits)
            return self._end_fit()
        finally:
            del self._thread

    def _begin_fit(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool = False
    ) -> Samples:
        """Validate; initialize unless resuming; return what to train on."""
        hidden = self._hidden_sizes()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        self._fitted_in = array_api.library_and_device(X)
        X, t = self._validated(X, y, incremental, first)
        dtype = np.dtype(str(X.dtype).rpartition(".")[2])
        if sample_weight is not None:
            like = np.broadcast_to(np.zeros((), dtype), X.shape)
            sample_weight = array_api.host_array(sample_weight)
            sample_weight = validation._check_sample_weight(sample_weight, like)
        sample_weight = self._weigh_classes(t, sample_weight)
        self.n_outputs_ = t.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize(X.shape[1], hidden, dtype)
        return Samples(X, t, sample_weight)

    def _validated(
        self, X: Any, y: Any, incremental: bool, reset: bool
    ) -> tuple[Any, np.ndarray]:
        """Return X as scikit-learn validates it, and targets, shape (n, n_outputs)."""
        bk, y = array_api.dispatched_backend(X), array_api.host_array(y)
        names = [self.dtype] if self.dtype else ["float64", "float32"]
        dtypes = [bk.dtype(name) if bk else np.dtype(name).type for name in names]
        checks = {"y_numeric": is_regressor(self), "reset": reset}
        checks |= {"accept_sparse": ["csr", "csc"], "multi_output": True}
        X, y = validation.validate_data(self, X, y, dtype=dtypes, **checks)
        y = column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y
        return X, self._targets(y, incremental).reshape(len(y), -1)

    def _targets(self, y: np.ndarray, incremental: bool) -> np.ndarray:
        return y

    def _weigh_classes(self, t: np.ndarray, weight: Any) -> Any:
        return weight

    def _end_fit(self) -> Self:
        """Refuse weights that are not finite; return self."""
        self._n_features_out = self.coefs_[-1].shape[-2] * (self.n_members or 1)
        if not all(np.isfinite(p).all() for p in [*self.coefs_, *self.intercepts_]):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        return self

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.asarray(sizes) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _held_out(self, X: Any, y: Any) -> Samples | None:
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val must both be given, or neither")
        return Samples(*self._validated(X, y, True, False))

    def _outputs(self, X: Any, method: str, hidden: bool = False) -> np.ndarray:
        """Return host outputs of the last layer, or of the last hidden one.

        The shape is (n, n_out), behind a member axis with `n_members`; errors name
        the method.
        """
        validation.check_is_fitted(self)
        array_api.check_same_device(self, X, method)
        bk = array_api.compute_backend(self.device, X)
        X = validation.validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        self._check_thread(method)
        layers = self._layers()
        if hidden:
            coefs, intercepts, names = layers
            layers = DenseLayers(coefs[:-1], intercepts[:-1], names[:-1])
        if bk is None and not extras_in_use(self):
            return layers.outputs(X)
        return make_network(bk, layers).predict(array_api.dense_array(X))

    def _check_thread(self, method: str) -> None:
        """Refuse what needs weights that another thread is changing."""
        if getattr(self, "_thread", get_ident()) != get_ident():
            raise ConfigError(
                f"{method}: another thread is fitting this estimator; wait until it "
                "is done, or use a copy made before: copy.deepcopy(estimator)"
            )

    def _mean_outputs(self, X: Any, method: str) -> np.ndarray:
        y = self._outputs(X, method)
        return y.mean(axis=0) if y.ndim == 3 else y

    def _members_deviation(self, X: Any) -> np.ndarray:
        if self.n_members is None:
            raise ValueError(
                "predict_spread: a single network has no spread; set n_members"
            )
        return self._outputs(X, "predict_spread").std(axis=0)

    def transform(self, X: Any) -> Any:
        """Return the activations of the last hidden layer, shape (n, n_hidden).

        With `n_members` the members' are side by side.
        """
        if len(getattr(self, "coefs_", "12")) == 1:
            raise ValueError("transform: this network has no hidden layer")
        y = self._outputs(X, "transform", hidden=True)
        if y.ndim == 3:
            y = np.concatenate(list(y), axis=1)
        if str(getattr(X, "dtype", "")).endswith("float32"):
            y = y.astype(np.float32, copy=False)  # L-BFGS leaves float64 weights
        return array_api.array_like(X, y)

    def to_network(self) -> Network:
        """Return the fitted network; see `gpunet.sklearn.to_network`."""
        self._check_thread("to_network")
        return to_network(self)

    def __getstate__(self) -> dict[str, Any]:
        self._check_thread("copy")
        # what was fitted on a device is on the host, and may continue elsewhere
        state = {**super().__getstate__(), "_fitted_in": "numpy"}
        state.pop("_thread", None)
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
