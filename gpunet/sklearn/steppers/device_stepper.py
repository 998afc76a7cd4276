"""scikit-learn's training step on any device, by the lesson's Network."""

from typing import Any

import numpy as np
import scipy.sparse

from ...backend import Backend, namespace, open_backend
from ...layers import Activation, Dense, Dropout
from ...losses import Loss
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from ..array_api import dense_array
from ..solvers import SGDSolver, Solver
from .layers import LESSON_LOSSES, DenseLayers, MLPStepper, Samples


def _deviance(z: Any, t: Any) -> Any:
    xp = namespace(z)
    constant = t * xp.log(xp.where(t > 0, t, xp.ones_like(t))) - t
    return xp.sum(constant - t * z + xp.exp(z), axis=-1)


def _exp(z: Any) -> Any:
    return namespace(z).exp(z)


def _deviance_slope(z: Any, t: Any) -> Any:
    return _exp(z) - t


# half the Poisson deviance, of z before the exponential
POISSON = Loss("poisson", _deviance, _deviance_slope, _exp, on_logits=True)
_LOSSES: dict[str, str | Loss] = {**LESSON_LOSSES, "exp": POISSON}


def make_network(
    bk: Backend | None, layers: DenseLayers, dropout: float = 0.0, seed: int = 0
) -> Network:
    """Return the lesson's Network with the tensors of an estimator; bk None: the CPU.

    The last activation is the loss's where a loss has it.
    """
    coefs, intercepts, names = layers
    modules: list = []
    for i, (W, name) in enumerate(zip(coefs, names, strict=True)):
        modules.append(Dense(W.shape[-2], W.shape[-1], "zeros"))
        hidden = i < len(coefs) - 1
        if name != "identity" and (hidden or name not in _LOSSES):
            modules.append(Activation("sigmoid" if name == "logistic" else name))
        if hidden and dropout:
            modules.append(Dropout(dropout))
    dtype = str(np.result_type(*coefs, np.float32))
    population = coefs[0].shape[0] if coefs[0].ndim == 3 else None
    loss = _LOSSES.get(names[-1], "half_squared_error")
    bk = bk or open_backend("cpu")
    net = Network(
        modules, loss, population=population, seed=seed, device=bk, dtype=dtype
    )
    for name, p in zip(tensor_names(net), [*coefs, *intercepts], strict=True):
        net.params[name] = bk.array(p, dtype)
    return net


def tensor_names(net: Network) -> list[str]:
    """Return the names of a network's parameters, weights first."""
    return sorted(net.params, key=lambda name: name[-1])  # "W" < "b"


def lesson_optimizer(solver: Any, l2: float = 0.0) -> Optimizer:
    """Return the lesson's optimizer with a solver's settings."""
    rate = solver.learning_rate_init
    if isinstance(solver, SGDSolver):
        return SGD(rate, l2, momentum=solver.momentum, nesterov=solver.nesterov)
    betas = {"beta1": solver.beta_1, "beta2": solver.beta_2}
    return Adam(rate, l2, **betas, eps=solver.epsilon)


class DeviceMLPStepper(MLPStepper):
    """Trains one network by the lesson's Network; x may be on the device."""

    def __init__(
        self, bk: Backend, layers: DenseLayers, alpha: float, samples: Samples
    ) -> None:
        super().__init__(layers, alpha, samples)
        self._bk, self.net = bk, make_network(bk, layers)
        self._names = tensor_names(self.net)
        dtype = self.net.dtype
        if isinstance(self.x, np.ndarray):
            self.x = bk.view(self.x, dtype)
        elif not scipy.sparse.issparse(self.x):
            self.x = bk.xp.astype(self.x, bk.dtype(dtype), copy=False)
        self._t = bk.array(self.t, dtype)
        self._weight = None if self.weight is None else bk.array(self.weight, dtype)
        self._optimizer: Optimizer | None = None
        self._all_rows: tuple | None = None
        averaged = layers.activations[-1] == "identity"  # the lesson adds outputs up
        self._cost_factor = 1.0 / self.t.shape[1] if averaged else 1.0

    @property
    def p(self) -> np.ndarray:  # type: ignore[override]
        """All tensors as one host vector, weights first."""
        return self._packed(self.net.params)

    def _packed(self, tensors: Any, suffix: str = "") -> np.ndarray:
        host = [self._bk.to_host(tensors[name + suffix]) for name in self._names]
        return np.concatenate([p.reshape(-1) for p in host])

    def _unpacked(self, vector: np.ndarray) -> dict[str, Any]:
        """Return a packed vector as device tensors by their names."""
        coefs, intercepts, *_ = self.layers.views(vector)
        tensors = [self._bk.array(p, self.net.dtype) for p in [*coefs, *intercepts]]
        return dict(zip(self._names, tensors, strict=True))

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x on the host, after the last activation."""
        return self.net.predict(dense_array(x))

    def _gradient(self, x: Any, t: Any, weight: Any, total: float) -> tuple[Any, dict]:
        """Return (mean loss, gradients) of a batch, without waiting for them.

        The mean of weights must be 1; total is what penalties are divided by.
        """
        net = self.net
        y, caches = net.forward(x, train=True)
        loss = net.loss.value(y, t, weight) * self._cost_factor
        grads = net.backward(caches, net.loss.slope(y, t, weight))
        if self.alpha:
            for name in self._names[: len(self.layers.coefs)]:
                W, alpha = net.params[name], self.alpha / total
                grads[name] = grads[name] + alpha * W
                loss = loss + 0.5 * alpha * self._bk.xp.sum(W * W)
        return loss, grads

    def run_epoch(
        self, order: np.ndarray | None, batches: list, solver: Solver
    ) -> float:
        """Take a step for each batch; return the epoch's mean loss."""
        bk, n, factor = self._bk, len(self.t), 1.0
        if isinstance(solver, SGDSolver):
            factor = solver.learning_rate / solver.learning_rate_init
        order = np.arange(n) if order is None else order
        with bk.use():
            if self._optimizer is None:
                self._optimizer = self._make_optimizer(solver)
            index, loss = bk.array(order), 0.0
            for a, b in batches:
                batch = self._batch(index[a:b], order[a:b])
                cost, grads = self._gradient(*batch)
                loss = loss + cost * (b - a)
                self._optimizer.step(self.net.params, grads, factor)
            return float(bk.to_host(loss)) / n

    def _batch(self, index: Any, rows: np.ndarray) -> tuple[Any, Any, Any, float]:
        """Return x, t, weight and the sum of weights of rows; index None is all."""

        def take(a: Any) -> Any:
            return a if index is None else self._bk.xp.take(a, index, axis=0)

        n, weight = len(rows), self._weight
        total = float(n if weight is None else self.weight[rows].sum())
        if total == 0:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        weight = None if weight is None else take(weight) * (n / total)
        if scipy.sparse.issparse(self.x):
            x = self._bk.array(self.x[rows].toarray(), self.net.dtype)
        else:
            x = take(self.x)
        return x, take(self._t), weight, total

    def loss_and_gradient(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss of all rows and its gradient at a packed vector."""
        bk = self._bk
        with bk.use():
            self.net.params.update(self._unpacked(vector))
            if self._all_rows is None:
                self._all_rows = self._batch(None, np.arange(len(self.t)))
            loss, grads = self._gradient(*self._all_rows)
            return float(bk.to_host(loss)), self._packed(grads).astype(float)

    def _make_optimizer(self, solver: Solver) -> Optimizer:
        """Return the lesson's optimizer with a solver's settings and state."""
        optimizer = lesson_optimizer(solver)
        optimizer.start(self.net.params, self._bk)
        optimizer.n_steps = solver.t
        # without momentum the lesson's SGD keeps no velocity
        for slot, vector in zip(optimizer.slot_names, solver.state, strict=False):
            for name, p in self._unpacked(vector).items():
                optimizer.state[f"{name}.{slot}"][...] = p
        return optimizer

    def save_state(self, solver: Solver) -> None:
        """Copy the optimizer's state to the solver."""
        if optimizer := self._optimizer:
            solver.t, slots = optimizer.n_steps, optimizer.slot_names
            solver.state = [self._packed(optimizer.state, f".{name}") for name in slots]
