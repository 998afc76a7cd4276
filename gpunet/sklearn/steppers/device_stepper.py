"""scikit-learn's training step on any device: the lesson's Network takes it."""

from typing import Any

import numpy as np
import scipy.sparse

from ...backend import Backend, namespace
from ...layers import Activation, Dense, Dropout
from ...losses import Loss
from ...network import Network
from ...optimizers import SGD, Adam
from .numpy_stepper import pack, unpack


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
LOSSES = {
    "softmax": "softmax_cross_entropy",
    "logistic": "sigmoid_cross_entropy",
    "identity": "half_squared_error",
    "exp": POISSON,
}


def activation_name(name: Any) -> Any:
    """Return the lesson's name of an activation of scikit-learn."""
    return "sigmoid" if name == "logistic" else name


def network(
    bk: Backend,
    coefs: list,
    intercepts: list,
    hidden: list,
    out_activation: str,
    *,
    dropout: float = 0.0,
    seed: int = 0,
) -> Network:
    """Return the lesson's Network with the tensors of an estimator.

    Parameters
    ----------
    bk : Backend
    coefs, intercepts : lists of host arrays
        Shapes (n_in, n_out) and (n_out,), or those behind a member axis.
    hidden : list
        The activation of each hidden layer.
    out_activation : str
    dropout : float
        Rate after each hidden layer.
    seed : int
        Of what training draws.
    """
    layers: list = []
    for i, W in enumerate(coefs):
        layers.append(Dense(*W.shape[-2:], "zeros"))
        if i < len(hidden) and hidden[i] != "identity":
            layers.append(Activation(activation_name(hidden[i])))
        if i < len(hidden) and dropout:
            layers.append(Dropout(dropout))
    population = coefs[0].shape[0] if coefs[0].ndim == 3 else None
    dtype = str(np.result_type(*coefs, np.float32))
    net = Network(
        layers,
        LOSSES[out_activation],
        population=population,
        seed=seed,
        device=bk,
        dtype=dtype,
    )
    dense = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
    for i, W, b in zip(dense, coefs, intercepts, strict=True):
        net.params[f"{i}.W"] = bk.array(W, dtype)
        net.params[f"{i}.b"] = bk.array(b, dtype)
    return net


class Remote:
    """A network in training on a device; the manners of `Lean`.

    Parameters
    ----------
    bk : Backend
    coefs, intercepts : lists of host arrays
    hidden, out_activation
        As for `network`.
    alpha : float
    data : tuple
        x (on the host, CSR/CSC, or on the device), t and weight on the host.
    """

    def __init__(self, bk, coefs, intercepts, hidden, out_activation, alpha, data):
        self._bk, self._alpha, self._shapes = bk, alpha, coefs
        self.net = network(bk, coefs, intercepts, hidden, out_activation)
        self._W = [name for name in self.net.params if name.endswith(".W")]
        self._names = [*self._W, *(f"{n[:-1]}b" for n in self._W)]
        x, t, weight = data
        dtype = self.net.dtype
        self._sparse = scipy.sparse.issparse(x)
        self._x = x if self._sparse else self._placed(x)
        self._t, self._host_weight = bk.array(t, dtype), weight
        self._weight = None if weight is None else bk.array(weight, dtype)
        self._optimizer: Any = None
        self._mean = 1.0 / t.shape[1] if out_activation == "identity" else 1.0

    @property
    def p(self) -> np.ndarray:
        """All tensors as one host vector, weights first."""
        return self._packed(self.net.params)

    def _packed(self, tensors: Any, slot: str = "") -> np.ndarray:
        host = [self._bk.to_host(tensors[name + slot]) for name in self._names]
        return pack(host, [])

    def _placed(self, x: Any) -> Any:
        bk, dtype = self._bk, self.net.dtype
        if isinstance(x, np.ndarray):
            return bk.view(x, dtype)
        return bk.xp.astype(x, bk.dtype(dtype), copy=False)

    def tensors(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return (coefs, intercepts) on the host."""
        return unpack(self.p, self._shapes)

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x on the host, after the last activation."""
        if scipy.sparse.issparse(x):
            x = x.toarray()
        return self.net.predict(x)

    def _gradient(self, x: Any, t: Any, weight: Any, total: float) -> tuple:
        """Return (loss times total, gradients) of a batch; nothing waits."""
        net = self.net
        y, caches = net.forward(x, train=True)
        cost = net.loss.cost(y, t) * self._mean
        cost = cost if weight is None else cost * weight
        xp = namespace(y)
        loss = xp.sum(cost, axis=-1)
        grads = net.backward(caches, net.loss.slope(y, t, weight, 1.0 / total))
        if self._alpha:
            for name in self._W:
                W = net.params[name]
                grads[name] = grads[name] + (self._alpha / total) * W
                square = xp.reshape(W * W, (-1,))
                loss = loss + 0.5 * self._alpha * xp.sum(square, axis=-1)
        return loss, grads

    def epoch(self, order: np.ndarray | None, batches: list, solver: Any) -> float:
        """Take a step for each batch; return the epoch's mean loss."""
        bk, net = self._bk, self.net
        with bk.use():
            optimizer = self._optimizer = self._optimizer or self._begin(solver)
            index = bk.array(np.arange(self._t.shape[0]) if order is None else order)
            loss: Any = 0.0
            for a, b in batches:
                total = float(b - a)
                rows, weight = index[a:b], None
                if self._weight is not None:
                    mine = slice(a, b) if order is None else order[a:b]
                    total = float(self._host_weight[mine].sum())
                    weight = bk.xp.take(self._weight, rows, axis=0)
                if total == 0:
                    raise ZeroDivisionError("Weights sum to zero, can't be normalized")
                x = self._rows(rows, slice(a, b) if order is None else order[a:b])
                t = bk.xp.take(self._t, rows, axis=0)
                mine, grads = self._gradient(x, t, weight, total)
                loss = loss + mine * ((b - a) / total)
                optimizer.step(net.params, grads, solver.factor)
            return float(bk.to_host(loss)) / self._t.shape[0]

    def loss_and_gradient(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss of all rows and its gradient at a packed vector."""
        bk = self._bk
        with bk.use():
            views = unpack(vector, self._shapes)
            for name, p in zip(self._names, [*views[0], *views[1]], strict=True):
                self.net.params[name] = bk.array(p, self.net.dtype)
            total = float(self._t.shape[0])
            if self._weight is not None:
                total = float(self._host_weight.sum())
            x = self._rows(None, slice(None))
            loss, grads = self._gradient(x, self._t, self._weight, total)
            return float(bk.to_host(loss)) / total, self._packed(grads).astype(float)

    def _rows(self, index: Any, host_index: Any) -> Any:
        if self._sparse:
            return self._bk.array(self._x[host_index].toarray(), self.net.dtype)
        if index is None:
            return self._x
        return self._bk.xp.take(self._x, index, axis=0)

    def _begin(self, solver: Any) -> Any:
        """Return the lesson's optimizer with a solver's memories."""
        optimizer = _optimizer(solver)
        optimizer.start(self.net.params, self._bk)
        optimizer.n_steps = getattr(solver, "t", 0)
        for slot, vector, scale in zip(
            optimizer.slot_names, solver.slots, solver.scales, strict=False
        ):
            views = unpack(vector * scale, self._shapes)
            for name, p in zip(self._names, [*views[0], *views[1]], strict=True):
                optimizer.state[f"{name}.{slot}"][...] = self._bk.array(
                    p, self.net.dtype
                )
        return optimizer

    def remember(self, solver: Any) -> None:
        """Give a solver back what the optimizer remembers, for the next call."""
        optimizer = self._optimizer
        if optimizer is None:
            return
        if hasattr(solver, "t"):
            solver.t = optimizer.n_steps
        solver.slots = [
            self._packed(optimizer.state, f".{slot}") / scale
            for slot, scale in zip(optimizer.slot_names, solver.scales, strict=False)
        ]


def _optimizer(solver: Any) -> Any:
    rate = solver.learning_rate_init
    if hasattr(solver, "momentum"):
        return SGD(rate, momentum=solver.momentum, nesterov=solver.nesterov)
    betas = {"beta1": solver.beta_1, "beta2": solver.beta_2}
    return Adam(rate, **betas, eps=solver.epsilon)
