"""scikit-learn's training step in compiled code: a whole epoch is one call.

`Lean` takes some 20 calls of NumPy a step, which small batches of small networks
wait for; and a population in them reads all its weights at every step, where here
each member takes its whole epoch while its weights are in the cache.
"""

from copy import copy
from math import prod
from typing import Any

import numpy as np
import scipy.sparse

from ...fast.cpu import (
    Work,
    crowd,
    missing,
    seconds_until_ready,
    why_loop,
    workspace,
)
from ...fast.cpu.jit import functions, span, tables
from ...fast.cpu.lowering import Settings
from .numpy_stepper import ACTIVATE, forward, pack, unpack

KINDS = {
    "identity": functions.IDENTITY,
    "logistic": functions.SIGMOID,
    "relu": functions.RELU,
    "tanh": functions.TANH,
}
LOSSES = {
    "identity": functions.SQUARES,
    "logistic": functions.BINARY,
    "softmax": functions.SOFTMAX,
}


def takes(est: Any, x: Any, weight: Any, epochs: float, n_fits: int) -> bool:
    """Return whether compiled code is to train an initialized estimator.

    "auto" compiles where that saves more seconds than it takes.

    Parameters
    ----------
    est : MLPClassifier or MLPRegressor
        Whose `engine` decides, where it leaves a choice.
    x : array or CSR/CSC, shape (n, n_features), on the host
    weight : array, shape (n,), or None
    epochs : int
        At most.
    n_fits : int
        How many such fits there are, one beside another.

    Raises
    ------
    ValueError
        engine="compiled" where it cannot, with the reason and the cure.
    """
    if est.engine == "loop":
        return False
    why = _unknown(est, weight)
    if est.engine == "compiled":
        refuse(est, why)
        return True
    if why:
        return False
    n, first, dtype = x.shape[0], est.coefs_[0], est.coefs_[0].dtype
    if epochs > est.n_iter_no_change and (est.tol > 0 or est.early_stopping):
        epochs = epochs / 3  # most fits stop before
    seconds = n_fits * _seconds(est, n, epochs)
    size = _batch(est, n)
    work = Work(
        epochs * -(-n // size),
        size,
        n_fits,
        first.shape[-1],
        sum(W.shape[-1] for W in est.coefs_),
        sum(prod(W.shape[-2:]) for W in est.coefs_),
        est.solver == "adam",
    )
    wait = seconds_until_ready(span.members, dtype, workspace.places(x.shape[1]))
    dense = n_fits == 1 and not scipy.sparse.issparse(x)
    return not why_loop(work, x if dense else None, wait, seconds)


def refuse(est: Any, why: str) -> None:
    """Raise the error of an engine that is asked for and cannot be had, if `why`."""
    if why and est.engine == "compiled":
        raise ValueError(f"engine='compiled': {why}, or engine='auto'")


def _seconds(est: Any, n: int, epochs: float) -> float:
    """Return how long `Lean` takes for so many epochs of n rows, by a rough count.

    Fitted to networks of 800 to 80,000 parameters and batches of 10 to 200.
    """
    size = _batch(est, n)
    n_parameters = sum(prod(W.shape[-2:]) for W in est.coefs_)
    step = 3e-5 + n_parameters * (3.5e-9 + 1.3e-10 * size)
    return epochs * -(-n // size) * step


def _batch(est: Any, n: int) -> int:
    return min(max(200 if est.batch_size == "auto" else est.batch_size, 1), n)


def _unknown(est: Any, weight: Any) -> str:
    """Return why compiled code cannot take an estimator's steps, or ""."""
    if est.out_activation_ == "exp":
        return "it does not know loss 'poisson'; take 'squared_error'"
    if weight is not None:
        return "it does not know weights of rows; leave sample_weight and class_weight"
    if est.coefs_[0].dtype.type(est.epsilon) == 0:
        return f"epsilon={est.epsilon} is 0 in float32; take 1e-8"  # 0 / 0 in padding
    return missing()


def lay(x: Any, t: np.ndarray, labels: bool) -> tables.Rows:
    """Return data as the kernels read them.

    Parameters
    ----------
    x : array or CSR/CSC, shape (n, n_features)
    t : float array, shape (n, n_out)
    labels : bool
        Whether to make labels of t, of which each row has one 1.
    """
    if scipy.sparse.issparse(x):
        x = x.tocsr()
        if not x.has_canonical_format:  # places must rise, each there once
            x = x.copy()
            x.sum_duplicates()
        idx = x.indices.astype(workspace.places(x.shape[1]))
        rows = np.require(x.data, requirements="CW"), idx, x.indptr.astype(np.int64)
    else:
        rows = workspace.lay_rows(x)
    hot = t.argmax(axis=1) if labels else workspace.NOTHING
    targets = np.zeros((0, 1), t.dtype) if labels else np.require(t, None, "CW")
    return tables.Rows(*rows, hot, targets, np.zeros(0, t.dtype))


class Compiled:
    """A network in training, or several of one shape; the manners of `Lean`.

    Parameters
    ----------
    coefs, intercepts, activation, out_activation, alpha
        As for `Lean`.
    data : tuple
        x, t, and None: there are no weights of rows.
    """

    def __init__(self, coefs, intercepts, activation, out_activation, alpha, data):
        x, t, _ = data
        self._names, self._alpha, self._shapes = (
            (activation, out_activation),
            alpha,
            coefs,
        )
        self._start = pack(coefs, intercepts)
        self._lead = self._start.shape[:-1]
        self._rows = lay(x, t, out_activation == "softmax")
        self._crowd: Any = None

    @property
    def p(self) -> np.ndarray:
        """All tensors as one vector, weights first; members are rows. A copy."""
        if self._crowd is None:
            return self._start.copy()
        return self._crowd.vectors().reshape(*self._lead, -1)

    def tensors(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return (coefs, intercepts) as they stand: copies."""
        return unpack(self.p, self._shapes)

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x, shape (n, n_out)."""
        activate, finish = (ACTIVATE[name] for name in self._names)
        return forward(x, *self.tensors(), activate, finish, [None] * len(self._shapes))

    def keep(self, some: np.ndarray) -> "Compiled":
        """Return some of the members, as they stand; the others are lost."""
        kept = copy(self)
        kept._alpha, kept._lead = self._alpha[some], (int(some.sum()),)
        kept._crowd.keep(some)
        return kept

    def epoch(self, order: np.ndarray | None, batches: list, solver: Any) -> Any:
        """Take a step for each batch; return the epoch's mean loss; see `Lean`."""
        n, n_steps = batches[-1][1], len(batches)
        if self._crowd is None:
            self._crowd = self._begin(batches[0][1], solver)
        own = self._crowd
        own.l2[:, 0] = self._alpha
        corrections, rate = np.ones(n_steps), solver.learning_rate
        if hasattr(solver, "momentum"):
            own.h[:, :1] = solver.momentum
        else:
            betas, rate = (solver.beta_1, solver.beta_2), solver.learning_rate_init
            own.h[:] = *betas, 1 - betas[0], 1 - betas[1], solver.epsilon
            t = np.arange(solver.t + 1, solver.t + n_steps + 1)
            corrections = Settings(functions.ADAM, (), betas).correction(t)
            solver.t += n_steps
            solver.learning_rate = rate * corrections[-1]
        rates = np.broadcast_to(rate, (len(own.h), n_steps))
        order = np.arange(n) if order is None else np.ascontiguousarray(order, np.int64)
        losses = own.take(order, rates, corrections) / n
        return losses if self._lead else losses[0]

    def _begin(self, batch: int, solver: Any) -> crowd.Crowd:
        activation, ends = self._names
        sizes = [W.shape[-2:] for W in self._shapes]
        kind = functions.ADAM
        if hasattr(solver, "momentum"):
            kind = functions.NESTEROV if solver.nesterov else functions.MOMENTUM
        dtype = self._start.dtype
        shape = crowd.Shape(
            sizes,
            [KINDS[activation]] * (len(sizes) - 1) + [functions.IDENTITY],
            LOSSES[ends],
            kind,
            0.5 / sizes[-1][1],
            0.0 if ends == "identity" else float(np.finfo(dtype).eps),
            ends == "softmax",
            dtype,
        )
        slots = zip(solver.slots, solver.scales, strict=False)
        memories = [np.atleast_2d(slot * scale) for slot, scale in slots]
        start = np.atleast_2d(self._start)
        alone = not self._lead
        return crowd.Crowd(shape, self._rows, batch, start, memories, alone)

    def remember(self, solver: Any) -> None:
        """Give a solver its memories back, for the next call."""
        if self._crowd is not None:
            found = zip(self._crowd.memories(), solver.scales, strict=False)
            solver.slots = [m.reshape(*self._lead, -1) / scale for m, scale in found]
