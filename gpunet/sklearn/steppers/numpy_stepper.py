"""scikit-learn's training step on NumPy, without its overheads.

A step of the default network takes 150 us of matrix products and 370 us of everything
else in scikit-learn. Here all tensors are views of one vector, every result has its
buffer, and the loss is computed once an epoch: measured by `bench.py sklearn`.
"""

from math import prod
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.neural_network import _base

from ..solvers import Solver, add_scaled
from .costs import epoch_loss, row_costs
from .layers import DenseLayers, MLPStepper, Samples

# scikit-learn's loss for each activation of the outputs
_LOSSES = {
    "identity": "squared_error",
    "exp": "poisson",
    "logistic": "binary_log_loss",
    "softmax": "log_loss",
}


def _backward(name: str, a: np.ndarray, da: np.ndarray) -> None:
    """Turn da into dz; a is overwritten."""
    if name == "relu":
        da *= a > 0  # three times as fast as da[a == 0] = 0
    elif name in ("tanh", "logistic"):  # 1 - a^2, or a (1 - a)
        factor = a if name == "tanh" else da
        factor *= a
        da *= np.subtract(1, a, out=a)


class NumpyMLPStepper(MLPStepper):
    """Forward, backward and steps with fixed buffers."""

    def __init__(self, layers: DenseLayers, alpha: Any, samples: Samples) -> None:
        self.p = layers.packed()
        self.g = np.zeros_like(self.p)
        super().__init__(layers.views(self.p), alpha, samples)
        self._sparse = scipy.sparse.issparse(self.x)
        self._dW, self._db, *_ = layers.views(self.g)
        self._lead = self.p.shape[:-1]
        weights = slice(sum(prod(W.shape[-2:]) for W in layers.coefs))
        self._w, self._dw = self.p[..., weights], self.g[..., weights]
        self._scratch = np.empty_like(self._w)
        self._penalized = bool(np.any(alpha))
        self._buffers: dict[int, tuple] = {}

    def keep_members(self, kept: np.ndarray) -> "NumpyMLPStepper":
        """Return a stepper of the members where `kept` is true."""
        coefs, intercepts = ([p[kept] for p in ps] for ps in self.weights())
        layers = self.layers._replace(coefs=coefs, intercepts=intercepts)
        samples = Samples(self.x, self.t, self.weight)
        return NumpyMLPStepper(layers, self.alpha[kept], samples)

    def gradient(self, x: Any, t: np.ndarray, weight: Any, y: np.ndarray) -> Any:
        """Fill `g` with a batch's gradient, y with its outputs; return its penalty."""
        n = t.shape[0]
        hidden, slopes, ones, _ = self._buffers_for(n)
        self.layers.outputs(x, [*hidden, y])
        total = n if weight is None else weight.sum()
        if total == 0:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        dz = np.subtract(y, t, out=slopes[-1])
        dz *= 1 / total if weight is None else (weight / total)[:, None]
        for i in range(len(hidden), -1, -1):
            np.matmul(ones, dz, out=self._db[i][..., None, :])  # sums over the batch
            dz = self._back(i, x, dz)
        if not self._penalized:
            return np.zeros(self._lead)
        alpha = self.alpha / total
        alpha = alpha[:, None] if self._lead else alpha
        add_scaled(self._dw, self._w, alpha, self._scratch)
        return 0.5 * self.alpha * np.vecdot(self._w, self._w)

    def _back(self, i: int, x: Any, dz: np.ndarray) -> np.ndarray:
        """Fill layer i's dW, given its dz; return dz of the layer before."""
        hidden, slopes, _, _ = self._buffers_for(dz.shape[-2])
        a, dW = hidden[i - 1] if i else x, self._dW[i]
        if scipy.sparse.issparse(a):
            dW[...] = a.T @ dz
        else:
            np.matmul(a.mT, dz, out=dW)  # (n_in, batch) @ (batch, n_out)
        if i:
            dz = np.matmul(dz, self.layers.coefs[i].mT, out=slopes[i - 1])
            _backward(self.layers.activations[i - 1], a, dz)
        return dz

    def run_epoch(self, order: np.ndarray | None, batches: list, solver: Solver) -> Any:
        """Take a step for each batch; return the epoch's mean loss."""
        t, weight = self.t, self.weight
        if order is not None:
            t = t.take(order, axis=0)
            weight = weight if weight is None else weight.take(order)
        y, penalties = np.empty((*self._lead, *t.shape), t.dtype), []
        for a, b in batches:
            x = self._rows(order, a, b)
            w = weight if weight is None else weight[a:b]
            penalties.append(self.gradient(x, t[a:b], w, y[..., a:b, :]))
            solver.update(self.p, self.g)
        solver.end_epoch()
        costs = row_costs(self.layers.activations[-1], y, t)
        return epoch_loss(costs, weight, batches, penalties)

    def loss_and_gradient(self, vector: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the loss of all rows and its gradient at a packed vector.

        In scikit-learn's order of sums, for L-BFGS: its line search takes another
        step if the loss differs in the last bit, and the fits diverge.
        """
        self.p[...] = vector
        coefs, intercepts, (*names, name) = self.layers
        weight = self.weight
        hidden, slopes, _, _ = self._buffers_for(len(self.t))
        layers = DenseLayers(coefs, intercepts, [*names, "identity"])
        y = layers.outputs(self.x, [*hidden, np.empty_like(self.t)])
        _base.ACTIVATIONS[name](y)
        t = self.t if name in ("identity", "exp") else self.t != 0
        loss = _base.LOSS_FUNCTIONS[_LOSSES[name]](t, y, weight)
        total = len(t) if weight is None else weight.sum()
        squares = sum(np.dot(W.ravel(), W.ravel()) for W in coefs)
        loss += (0.5 * self.alpha) * squares / total
        dz = np.subtract(y, t, out=slopes[-1])
        if weight is not None:
            dz *= weight[:, None]
        for i in range(len(hidden), -1, -1):
            np.divide(np.sum(dz, axis=0), total, out=self._db[i])
            dz = self._back(i, self.x, dz)
            self._dW[i] += self.alpha * coefs[i]
            self._dW[i] /= total
        return loss, self.g.copy()

    def _rows(self, order: Any, a: int, b: int) -> Any:
        if order is None:
            return self.x[a:b]
        if self._sparse:
            return self.x[order[a:b]]
        # "clip" skips a check that would need a second buffer; the order is ours
        x = self._buffers_for(b - a)[3]
        return self.x.take(order[a:b], axis=0, out=x, mode="clip")

    def _buffers_for(self, n: int) -> tuple[list, list, np.ndarray, Any]:
        """Return hidden activations, slopes, ones and x for n rows, made once."""
        if n not in self._buffers:
            shapes = [(*self._lead, n, W.shape[-1]) for W in self.layers.coefs]
            hidden = [np.empty(shape, self.p.dtype) for shape in shapes[:-1]]
            slopes = [np.empty(shape, self.p.dtype) for shape in shapes]
            x = None if self._sparse else np.empty((n, self.x.shape[1]), self.x.dtype)
            self._buffers[n] = (hidden, slopes, np.ones((1, n), self.p.dtype), x)
        return self._buffers[n]
