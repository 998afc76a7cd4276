"""The stochastic solvers as scikit-learn has them, on one vector of numbers.

Weights and biases of all layers are one vector, weights first: a step of Adam is a
dozen calls in place whatever the number of layers, where scikit-learn makes them
for every tensor and allocates every result.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg.blas import daxpy, saxpy
from sklearn.neural_network._stochastic_optimizers import BaseOptimizer, SGDOptimizer

_AXPY = {"d": daxpy, "f": saxpy}
# OpenBLAS gives a longer vector to its threads. SciPy's are not NumPy's: both wait
# busily, and where they share cores a step takes 10 times as long.
_ONE_THREAD = 10_000


def add_scaled(y: np.ndarray, x: np.ndarray, a: Any, scratch: np.ndarray) -> None:
    """Add a x to y in place; all have the shape (..., n), scratch is overwritten.

    a is a number, and y and x contiguous, or a column, shape (members, 1).
    """
    if getattr(a, "ndim", 0):
        y += np.multiply(x, a, out=scratch)
        return
    # one pass where NumPy makes two
    axpy, x, y = _AXPY[y.dtype.char], x.reshape(-1), y.reshape(-1)
    for k in range(0, x.size, _ONE_THREAD):
        axpy(x, y, min(_ONE_THREAD, x.size - k), a, k, 1, k)


class Solver(BaseOptimizer):
    """What a stochastic solver remembers between steps, epochs and calls.

    `learning_rate` is the newest step's; `state` has the running averages, vectors
    like the parameters', from `start` on. The ends of epochs are scikit-learn's.
    """

    n_averages = 1
    t = 0  # Adam's steps

    def __init__(self, settings: Any) -> None:
        self.learning_rate_init: Any = settings.learning_rate_init
        self.learning_rate: Any = float(settings.learning_rate_init)
        self.state: list[np.ndarray] = []
        self._scratch = np.empty(0)

    def start(self, p: np.ndarray) -> None:
        """Create the state for parameters p unless it exists."""
        if not self.state:
            self.state = [np.zeros_like(p) for _ in range(self.n_averages)]
        self._scratch = np.empty_like(p)

    def update(self, p: np.ndarray, g: np.ndarray) -> None:
        """Take one step: p is changed in place; g may be overwritten."""
        raise NotImplementedError

    def end_epoch(self) -> None:
        """Leave the state as the textbook has it."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scratch": np.empty(0)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "schedule" in state:  # an older pickle
            self.lr_schedule = self.__dict__.pop("schedule")
        if "slots" in state:  # older still; Adam's were 1 / beta^k of the averages
            slots, scales = self.__dict__.pop("slots"), [1.0]
            if "_period" in state:
                k = state["t"] % state["_period"]
                betas = state["beta_1"], state["beta_2"]
                scales = [(1 - beta) * beta**k for beta in betas]
            self.state = [s * a for s, a in zip(slots, scales, strict=False)]


class SGDSolver(Solver, SGDOptimizer):
    """Momentum: v <- m v - rate g; p <- p + v, or p + m v - rate g (Nesterov)."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.lr_schedule = settings.learning_rate
        self.momentum = settings.momentum
        self.nesterov = settings.nesterovs_momentum
        self.power_t = settings.power_t

    def update(self, p: np.ndarray, g: np.ndarray) -> None:
        """Take one step; see `Solver.update`."""
        (v,), scratch = self.state, self._scratch
        v *= self.momentum
        add_scaled(v, g, -self.learning_rate, scratch)
        if not self.nesterov:
            p += v
            return
        add_scaled(p, v, self.momentum, scratch)
        add_scaled(p, g, -self.learning_rate, scratch)


class AdamSolver(Solver):
    """Kingma and Ba 2015, with the correction in the rate (end of section 2).

    Within an epoch scales beside the averages decay in their place, which saves two
    of nine passes over all parameters.
    """

    n_averages = 2
    _scales: Sequence[float] = (1.0, 1.0)  # of older pickles

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.beta_1, self.beta_2 = settings.beta_1, settings.beta_2
        self.epsilon, self.t = settings.epsilon, 0

    def update(self, p: np.ndarray, g: np.ndarray) -> None:
        """Take one step; see `Solver.update`."""
        (m, v), scratch = self.state, self._scratch
        self.t += 1
        rate = self.learning_rate_init * sqrt(1 - self.beta_2**self.t)
        self.learning_rate = rate / (1 - self.beta_1**self.t)
        self._decay_averages(self.beta_1, self.beta_2, least=1e-3)
        scale_m, scale_v = self._scales
        add_scaled(m, g, (1 - self.beta_1) / scale_m, scratch)
        np.multiply(g, g, out=g)
        add_scaled(v, g, (1 - self.beta_2) / scale_v, scratch)
        root = sqrt(scale_v)
        np.sqrt(v, out=scratch)
        scratch += self.epsilon / root
        np.divide(m, scratch, out=scratch)
        # g is a scratch of its own
        add_scaled(p, scratch, -self.learning_rate * scale_m / root, g)

    def end_epoch(self) -> None:
        """Multiply the averages by their scales."""
        self._decay_averages(1.0, 1.0, least=1.0)

    def _decay_averages(self, *betas: float, least: float) -> None:
        """Lower the scales; one at or below `least` goes into its average."""
        scales = [scale * beta for scale, beta in zip(self._scales, betas, strict=True)]
        for k, average in enumerate(self.state):
            if scales[k] <= least:
                average *= scales[k]
                scales[k] = 1.0
        self._scales = scales


SOLVERS: dict[str, type[Solver]] = {"sgd": SGDSolver, "adam": AdamSolver}
Adam, SGD = AdamSolver, SGDSolver  # their names in older pickles
