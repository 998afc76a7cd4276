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


class FittedMLP(BaseEstimator):
    """The fitted attributes of both estimators, under scikit-learn's names.

    And the two parameters that are positional in each estimator.
    """

    hidden_layer_sizes: Any
    activation: str
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_iter_: int
    t_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float]
    _best: tuple[list[np.ndarray], list[np.ndarray]]
    _no_improvement_count: int
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
        starts = [self._first_weights(units, dtype) for _ in range(self.n_members or 1)]
        self.coefs_, self.intercepts_ = starts[0]
        if self.n_members is not None:
            coefs, intercepts = zip(*starts, strict=True)
            self.coefs_ = [np.stack(W) for W in zip(*coefs, strict=True)]
            self.intercepts_ = [np.stack(b) for b in zip(*intercepts, strict=True)]
        self._best = self.coefs_, self.intercepts_
        if self.solver in SOLVERS:
            self.loss_curve_, self._no_improvement_count = [], 0
            early = self.early_stopping
            self.validation_scores_ = [] if early else None
            self.best_validation_score_ = -np.inf if early else None
            self.best_loss_ = None if early else np.inf

    def _first_weights(self, units: list[int], dtype: Any) -> tuple[list, list]:
        """Draw Glorot's uniform weights and biases in scikit-learn's order."""
        coefs: list[np.ndarray] = []
        intercepts: list[np.ndarray] = []
        for n_in, n_out in pairwise(units):
            factor = 2 if self.activation == "logistic" else 6
            bound = np.sqrt(factor / (n_in + n_out))
            for tensors, shape in ((coefs, (n_in, n_out)), (intercepts, n_out)):
                start = self._random_state.uniform(-bound, bound, shape)
                tensors.append(start.astype(dtype, copy=False))
        return coefs, intercepts
