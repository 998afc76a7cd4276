"""What the classifier and the regressor share: parameters, fitting, predicting."""

from collections.abc import Callable
from itertools import pairwise
from numbers import Integral, Real
from threading import get_ident
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.neural_network import MLPRegressor as Original
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from ..backend import Backend, open_backend
from ..errors import ConfigError
from ..optimizers import Optimizer
from .array_api import (
    backend_of,
    beside,
    check_place,
    given_place,
    on_host,
    place,
    where,
)
from .extras import fit_extras, hidden_names, wanted_extras
from .lbfgs import fit_lbfgs
from .solvers import SOLVERS
from .steppers.device_stepper import Remote, network
from .steppers.numba_stepper import Compiled, refuse, takes
from .steppers.numpy_stepper import ACTIVATE, Lean, forward
from .stochastic import fit_stochastic
from .zeros import Sorted, worth_sorting

# scikit-learn's own rules, so that a bad value is answered in its words
RULES = {k: v for k, v in Original._parameter_constraints.items() if k != "loss"}
OWN_RULES = {
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


def keep(est: Any, parameters: dict[str, Any]) -> None:
    """Set an estimator's parameters, the local variables of its __init__."""
    vars(est).update({k: v for k, v in parameters.items() if k != "self"})


def is_stochastic(est: Any) -> bool:
    """Whether an estimator can go on fitting, or the error scikit-learn raises."""
    if est.solver not in SOLVERS:
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {est.solver} is not stochastic."
        )
    return True


class BaseMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The estimators' common half, and what both can beyond scikit-learn.

    Parameters
    ----------
    device : str or Backend, optional
        Where to compute ("cuda", "torch:cpu", ...; see `gpunet.open_backend`). None
        is the CPU, or where X lies under scikit-learn's `array_api_dispatch`.
    dtype : "float32" or "float64", optional
        None keeps X's own.
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
        Who takes the steps of "sgd" and "adam" on the CPU: NumPy, or code that numba
        compiles (extra `fast`). "auto" compiles where it applies and a training is
        long enough, by a count from its settings and data.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Fit the model to data.

        Parameters
        ----------
        X : array or CSR/CSC, shape (n, n_features)
            NumPy; with scikit-learn's `array_api_dispatch` also CuPy or torch.
        y : array, shape (n,) or (n, n_outputs)
        sample_weight : array, shape (n,), optional
        X_val, y_val : arrays, optional
            Held-out data: `validation_loss_curve_` follows it, and with
            `early_stopping` it takes the place of the rows parted off.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            In scikit-learn's words, for all that it refuses.
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val))

    def _fit(self, *data, **settings):
        self._check_thread("fit")
        self._thread = get_ident()
        try:
            return self._fit_alone(*data, **settings)
        finally:
            del self._thread

    def _fit_alone(
        self,
        X,
        y,
        sample_weight,
        validation=(None, None),
        incremental=False,
        n_fits=1,
    ):
        bk = place(self.device, X)
        data = self._begin(X, y, sample_weight, incremental)
        held_out = self._held_out(*validation)
        if not wanted_extras(self):  # theirs is the Trainer's
            refuse(self, self._without_engine(bk))
        if wanted_extras(self):
            fit_extras(self, data, held_out, bk, incremental)
        elif self.solver == "lbfgs":
            fit_lbfgs(self, self._engine(bk)(*data))
        else:
            engine = self._engine(bk, 1 if incremental else self.max_iter, n_fits)
            fit_stochastic(self, data, held_out, engine, incremental)
        return self._end()

    def _begin(self, X, y, sample_weight, incremental=False) -> tuple:
        """Validate, and initialize unless going on; return x, t and weight."""
        hidden = self._hidden_sizes()
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        self._fitted_in = where(X)
        X, t = self._validated(X, on_host(y), incremental, first)
        if sample_weight is not None:
            like = np.broadcast_to(np.zeros((), self._host_dtype(X)), X.shape)
            sample_weight = _check_sample_weight(on_host(sample_weight), like)
        t = t.reshape(len(t), -1)
        sample_weight = self._weigh_classes(t, sample_weight)
        self.n_outputs_ = t.shape[1]
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialize(X.shape[1], hidden, self._host_dtype(X))
        return X, t, sample_weight

    def _without_engine(self, bk: Backend | None) -> str:
        """Return why only one kind of code can fit these settings, or ""."""
        if bk is not None:
            return f"it is for the cpu, not for {bk.name}; take device=None"
        if self.solver == "lbfgs":
            return "solver 'lbfgs' is SciPy's; take 'adam' or 'sgd'"
        return ""

    def _end(self):
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

    def _dtypes(self, X: Any) -> list:
        """Return what X may be: scikit-learn's two types, or the one asked for."""
        bk = given_place(X)
        names = [self.dtype] if self.dtype else ["float64", "float32"]
        return [bk.dtype(name) if bk else np.dtype(name).type for name in names]

    def _host_dtype(self, X: Any) -> np.dtype:
        return np.dtype(str(X.dtype).rpartition(".")[2])

    def _held_out(self, X: Any, y: Any) -> tuple | None:
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val, y_val: expected both or neither, got one")
        X, t = self._validated(X, on_host(y), True, False)
        return X, t.reshape(len(t), -1), None

    def _initialize(self, n_features: int, hidden: list[int], dtype: Any) -> None:
        """Draw the first weights and forget the past."""
        units = [n_features, *hidden, self.n_outputs_]
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(units)
        self.out_activation_ = self._out_activation()
        draws = [self._draw(units, dtype) for _ in range(self.n_members or 1)]
        self.coefs_, self.intercepts_ = draws[0]
        if self.n_members is not None:
            coefs, intercepts = zip(*draws, strict=True)
            self.coefs_ = [np.stack(W) for W in zip(*coefs, strict=True)]
            self.intercepts_ = [np.stack(b) for b in zip(*intercepts, strict=True)]
        self._best = self.coefs_, self.intercepts_
        if self.solver in SOLVERS:
            self.loss_curve_, self._no_improvement_count = [], 0
            early = self.early_stopping
            self.validation_scores_ = [] if early else None
            self.best_validation_score_ = -np.inf if early else None
            self.best_loss_ = None if early else np.inf

    def _draw(self, units: list[int], dtype: Any) -> tuple[list, list]:
        """Draw Glorot's uniform weights and biases in scikit-learn's order."""
        coefs, intercepts = [], []
        for n_in, n_out in pairwise(units):
            bound = np.sqrt(
                (2 if self.activation == "logistic" else 6) / (n_in + n_out)
            )
            for tensors, shape in ((coefs, (n_in, n_out)), (intercepts, n_out)):
                start = self._random_state.uniform(-bound, bound, shape)
                tensors.append(start.astype(dtype, copy=False))
        return coefs, intercepts

    def _engine(self, bk: Backend | None, epochs: int = 1, n_fits: int = 1) -> Callable:
        """Return engine(x, t, weight) -> what takes the steps of so many epochs.

        There are n_fits such fits, one beside another.
        """

        def engine(x: Any, t: Any, weight: Any) -> Any:
            coefs, intercepts = self.coefs_, self.intercepts_
            dtype = coefs[0].dtype
            if self.solver == "lbfgs":
                # SciPy's vector is float64, and scikit-learn's tensors become so
                dtype = np.dtype("float64")
                coefs, intercepts = (
                    [p.astype(dtype) for p in ps] for ps in (coefs, intercepts)
                )
                x = x if backend_of(x) else x.astype(dtype, copy=False)
            data = (x, t.astype(dtype, copy=False), weight)
            ends = self.out_activation_
            if bk is None:
                hidden = self.activation
                own = (coefs, intercepts, hidden, ends, self.alpha, data)
                if self.solver != "lbfgs" and takes(self, x, weight, epochs, n_fits):
                    return Compiled(*own)
                kind = Sorted if worth_sorting(x, coefs, epochs) else Lean
                return kind(*own)
            hidden = hidden_names(self)
            return Remote(bk, coefs, intercepts, hidden, ends, self.alpha, data)

        return engine

    def _outputs(self, X: Any, method: str, drop: int = 0) -> np.ndarray:
        """Return host outputs of all layers, or of all but the last `drop`.

        Parameters
        ----------
        X : array or CSR/CSC, shape (n, n_features)
            As the caller gave it.
        method : str
            Whose error it would be.

        Returns
        -------
        y : host array, shape (n, n_out), behind a member axis with `n_members`
        """
        check_is_fitted(self)
        check_place(self, X, method)
        bk = place(self.device, X)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        both = self.coefs_, self.intercepts_
        self._check_thread(method)
        coefs, intercepts = (tensors[: len(tensors) - drop] for tensors in both)
        ends = self.activation if drop else self.out_activation_
        if bk is None and not wanted_extras(self):
            own = ACTIVATE[self.activation], ACTIVATE[ends]
            return forward(X, coefs, intercepts, *own, [None] * len(coefs))
        ends = "identity" if drop else ends
        bk = bk or open_backend("cpu")
        net = network(bk, coefs, intercepts, hidden_names(self), ends)
        return net.predict(X.toarray() if hasattr(X, "toarray") else X)

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

    def _spread(self, X: Any, method: str) -> np.ndarray:
        if self.n_members is None:
            raise ValueError(f"{method}: a single network has no spread; set n_members")
        return self._outputs(X, method).std(axis=0)

    def transform(self, X):
        """Return the activations of the last hidden layer.

        Parameters
        ----------
        X : array or CSR/CSC, shape (n, n_features)

        Returns
        -------
        hidden : array, shape (n, n_hidden); members side by side with `n_members`
        """
        if len(getattr(self, "coefs_", "12")) == 1:
            raise ValueError("transform: there is no hidden layer to look into")
        y = self._outputs(X, "transform", drop=1)
        if y.ndim == 3:
            y = np.concatenate(list(y), axis=1)
        if str(getattr(X, "dtype", "")).endswith("float32"):
            y = y.astype(np.float32, copy=False)  # L-BFGS leaves float64 weights
        return beside(y, X)

    def __getstate__(self):
        self._check_thread("copy")
        # what was fitted on a device is on the host, and may go on elsewhere
        state = {**super().__getstate__(), "_fitted_in": "numpy"}
        state.pop("_thread", None)
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
