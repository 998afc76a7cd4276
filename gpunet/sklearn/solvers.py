"""The stochastic solvers as scikit-learn has them, on one vector of numbers.

Weights and biases of all layers lie in one vector (weights first), so a step of
Adam is a dozen calls whatever the number of layers, each in place: scikit-learn
makes them for every tensor and allocates every result. Weights agree with its
own to rounding.
"""

from math import log, sqrt
from typing import Any

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

_AXPY = {"d": daxpy, "f": saxpy}
# OpenBLAS gives a longer vector to its threads. SciPy's are not NumPy's: both wait
# busily, and where they share cores a step takes 10 times as long.
_ALONE = 10_000


def add_scaled(y: np.ndarray, x: np.ndarray, a: Any, scratch: np.ndarray) -> None:
    """Add a x to y in place.

    Parameters
    ----------
    y, x, scratch : array, shape (n,) or (members, n)
        Float, contiguous where a is one number; scratch may be overwritten.
    a : float, or array, shape (members, 1)
    """
    if getattr(a, "ndim", 0):
        y += np.multiply(x, a, out=scratch)
        return
    # one pass where NumPy makes two
    axpy, x, y = _AXPY[y.dtype.char], x.reshape(-1), y.reshape(-1)
    for k in range(0, x.size, _ALONE):
        axpy(x, y, min(_ALONE, x.size - k), a, k, 1, k)


class Solver:
    """What a stochastic solver remembers between steps, epochs and calls.

    Parameters
    ----------
    settings : estimator
        Whose parameters are read.

    Attributes
    ----------
    learning_rate : float
        The newest step's.
    slots : list of float host arrays, shape (n_parameters,)
        Running memories; empty until `start`.
    scales : sequence of float
        What makes each of them the textbook's now, as the lesson's optimizers have it.
    """

    n_slots = 0
    scales = (1.0,)
    factor = 1.0  # on learning_rate_init, as the lesson's schedules have it

    def __init__(self, settings: Any):
        self.learning_rate_init = settings.learning_rate_init
        self.learning_rate = float(settings.learning_rate_init)
        self.slots: list[np.ndarray] = []
        self._scratch = np.empty(0)

    def start(self, steps: Any) -> None:
        """Lay out memories for the numbers of `steps` unless they are there."""
        p = steps.p
        if not self.slots:
            self.slots = [np.zeros_like(p) for _ in range(self.n_slots)]
        self._scratch = np.empty_like(p)

    def move(self, p: np.ndarray, g: np.ndarray) -> None:
        """Take one step: p is moved in place; g is spent."""
        raise AssertionError("each solver has its own move")

    def epoch_ends(self, n_seen: int) -> None:
        """Hear that an epoch is over, after so many samples in all."""

    def may_stop(self, why: str, verbose: Any) -> bool:
        """Return whether training ends when progress has ended."""
        if verbose:
            print(why + " Stopping.")
        return True

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_scratch": np.empty(0)}


class SGD(Solver):
    """Momentum: v <- m v - rate g; p <- p + v, or p + m v - rate g (Nesterov)."""

    n_slots = 1

    def __init__(self, settings: Any):
        super().__init__(settings)
        self.schedule = settings.learning_rate
        self.momentum = settings.momentum
        self.nesterov = settings.nesterovs_momentum
        self.power_t = settings.power_t

    @property
    def factor(self) -> float:
        """What a schedule has made of `learning_rate_init`."""
        return self.learning_rate / self.learning_rate_init

    def move(self, p, g):
        """Take one step; see `Solver.move`."""
        (v,), s = self.slots, self._scratch
        v *= self.momentum
        add_scaled(v, g, -self.learning_rate, s)
        if not self.nesterov:
            p += v
            return
        add_scaled(p, v, self.momentum, s)
        add_scaled(p, g, -self.learning_rate, s)

    def epoch_ends(self, n_seen):
        """Lower the rate of "invscaling" by the samples seen."""
        if self.schedule == "invscaling":
            self.learning_rate = (
                float(self.learning_rate_init) / (n_seen + 1) ** self.power_t
            )

    def may_stop(self, why, verbose):
        """Return whether to stop; "adaptive" first divides the rate by 5."""
        if self.schedule != "adaptive":
            return super().may_stop(why, verbose)
        if self.learning_rate <= 1e-6:
            return super().may_stop(why + " Learning rate too small.", verbose)
        self.learning_rate /= 5.0
        if verbose:
            print(f"{why} Setting learning rate to {self.learning_rate:f}")
        return False


class Adam(Solver):
    """Kingma and Ba 2015, with the correction in the rate (end of section 2).

    The memories are kept without the factors 1 - beta, and what they lose in a step
    is not taken from them but added to the newest gradient: after k steps a memory
    is 1 / beta^k of the textbook's. Five passes over all parameters are saved. Every
    `_period` steps the powers begin anew.
    """

    n_slots = 2

    def __init__(self, settings: Any):
        super().__init__(settings)
        self.beta_1, self.beta_2 = settings.beta_1, settings.beta_2
        self.epsilon, self.t = settings.epsilon, 0
        least = min(self.beta_1, self.beta_2)
        # memories grow by no more than 1,000 times, which costs no precision
        self._period = max(1, int(log(1e-3) / log(least))) if least else 1

    @property
    def scales(self) -> list[float]:
        """What makes each memory the textbook's after step t."""
        k = self.t % self._period
        return [(1 - beta) * beta**k for beta in (self.beta_1, self.beta_2)]

    def move(self, p, g):
        """Take one step; see `Solver.move`."""
        (m, v), s = self.slots, self._scratch
        self.t += 1
        rate = self.learning_rate_init * sqrt(1 - self.beta_2**self.t)
        self.learning_rate = rate / (1 - self.beta_1**self.t)
        k = self.t % self._period
        if k == 0:
            m *= self.beta_1**self._period
            v *= self.beta_2**self._period
        grown_m, grown_v = self.beta_1**-k, self.beta_2**-k
        add_scaled(m, g, grown_m, s)
        add_scaled(v, np.multiply(g, g, out=g), grown_v, s)
        root = sqrt((1 - self.beta_2) / grown_v)
        np.sqrt(v, out=s)
        s += self.epsilon / root
        np.divide(m, s, out=s)
        # g is spent, and so a scratch of its own
        rate = self.learning_rate * (1 - self.beta_1) / (grown_m * root)
        add_scaled(p, s, -rate, g)


SOLVERS = {"sgd": SGD, "adam": Adam}
