"""What an estimator holds: its parameters, its fitted attributes, its start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..backend import Backend
from ..optimizers import Optimizer
from .solvers import SOLVERS, Solver
from .steppers.layers import DenseLayers


class FittedMLP(BaseEstimator):
    """What an estimator has beside its keywords: two parameters, fitted attributes."""

    hidden_layer_sizes: Any
    activation: str
    n_outputs_: int
    loss_: float
    validation_loss_curve_: list[float]
    _optimizer: Solver
    _random_state: np.random.RandomState


@dataclass(eq=False, repr=False, kw_only=True)
class MLPState(FittedMLP):
    """The parameters of both estimators: scikit-learn's, then those of `BaseMLP`."""

    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    device: str | Backend | None = None
    dtype: str | None = None
    hidden_activations: Sequence[str] | None = None
    dropout: float = 0.0
    optimizer: str | Optimizer | None = None
    schedule: str | Callable | None = None
    n_members: int | None = None
    callbacks: Sequence[Any] = ()
    engine: str = "auto"

    def _out_activation(self) -> str:
        raise NotImplementedError

    def _score_outputs(self, y: np.ndarray, t: np.ndarray, weight: Any) -> float:
        raise NotImplementedError

    def _initialize(self, n_features: int, hidden: list[int], dtype: Any) -> None:
        """Draw the first weights and forget the past."""
        units = [n_features, *hidden, self.n_outputs_]
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(units)
        self.out_activation_ = self._out_activation()
        starts = [self._first_tensors(units, dtype) for _ in range(self.n_members or 1)]
        tensors = starts[0]
        if self.n_members is not None:
            tensors = [np.stack(p) for p in zip(*starts, strict=True)]
        self.coefs_, self.intercepts_ = tensors[::2], tensors[1::2]
        self._best = self.coefs_, self.intercepts_
        if self.solver in SOLVERS:
            early, self._no_improvement_count = self.early_stopping, 0
            self.loss_curve_: list[float] = []
            self.validation_scores_: list[float] | None = [] if early else None
            self.best_validation_score_ = -np.inf if early else None
            self.best_loss_ = None if early else np.inf

    def _layers(self) -> DenseLayers:
        """Return the tensors and activations; the estimator must be initialized."""
        n, names = self.n_layers_ - 2, self.hidden_activations
        names = [self.activation] * n if names is None else list(names)
        if len(names) != n:
            raise ValueError(
                f"hidden_activations must be {n} names, one for each hidden layer, "
                f"got {names}"
            )
        names = [*names, self.out_activation_]
        return DenseLayers(self.coefs_, self.intercepts_, names)

    def _first_tensors(self, units: list[int], dtype: Any) -> list[np.ndarray]:
        """Draw W, b, W, b, ...: Glorot's uniform start, in scikit-learn's order."""
        tensors = []
        for n_in, n_out in pairwise(units):
            factor = 2 if self.activation == "logistic" else 6
            bound = np.sqrt(factor / (n_in + n_out))
            for shape in ((n_in, n_out), n_out):
                start = self._random_state.uniform(-bound, bound, shape)
                tensors.append(start.astype(dtype, copy=False))
        return tensors
