"""scikit-learn's training step on NumPy, without its overheads.

The lesson's Network would do (and does, on a device); but a step of the default
network takes 150 us of matrix products and 370 us of everything else in
scikit-learn. Here all tensors are views of one vector, every result has its
buffer, and the loss is taken once an epoch: measured by `gpunet bench-sklearn`.
"""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import scipy.sparse
from scipy.special import expit

from .costs import epoch_loss, row_costs


def _softmax(z: np.ndarray) -> None:
    z -= np.max(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.sum(z, axis=1, keepdims=True)


ACTIVATE = {
    "identity": lambda z: None,
    "exp": lambda z: np.exp(z, out=z),
    "logistic": lambda z: expit(z, out=z),
    "relu": lambda z: np.maximum(z, 0, out=z),
    "softmax": _softmax,
    "tanh": lambda z: np.tanh(z, out=z),
}


def _relu_back(a: np.ndarray, da: np.ndarray) -> None:
    da *= a > 0  # three times as fast as da[a == 0] = 0


def _tanh_back(a: np.ndarray, da: np.ndarray) -> None:
    a *= a
    da *= np.subtract(1, a, out=a)


def _logistic_back(a: np.ndarray, da: np.ndarray) -> None:
    da *= a
    da *= np.subtract(1, a, out=a)


# da becomes dz; a is spent
BACK = {
    "identity": lambda a, da: None,
    "logistic": _logistic_back,
    "relu": _relu_back,
    "tanh": _tanh_back,
}


def pack(coefs: list, intercepts: list) -> np.ndarray:
    """Return all tensors as one vector, weights first."""
    return np.concatenate([np.ravel(p) for p in [*coefs, *intercepts]])


def unpack(vector: np.ndarray, coefs: list) -> tuple[list, list]:
    """Return (coefs, intercepts) as views of a packed vector.

    Parameters
    ----------
    vector : array, shape (n_parameters,)
    coefs : list of arrays
        Whose shapes count.
    """
    shapes = [w.shape for w in coefs] + [w.shape[1:] for w in coefs]
    ends = np.cumsum([0, *map(prod, shapes)])
    views = [
        vector[a:b].reshape(shape)
        for (a, b), shape in zip(pairwise(ends), shapes, strict=True)
    ]
    return views[: len(coefs)], views[len(coefs) :]


def forward(
    x: Any,
    coefs: list,
    intercepts: list,
    activate: Callable,
    finish: Callable,
    layers: list,
) -> np.ndarray:
    """Return the outputs for x, shape (n, n_out).

    Parameters
    ----------
    x : array or CSR/CSC, shape (n, n_features)
    activate, finish : callable
        Of hidden layers and of the last one; they work in place.
    layers : list of array or None
        Where each layer's activations go; None makes new arrays.
    """
    last = len(layers) - 1
    for i, (W, b, z) in enumerate(zip(coefs, intercepts, layers, strict=True)):
        if i == 0 and scipy.sparse.issparse(x):
            product = x @ W
            z = product if z is None else np.copyto(z, product) or z
        else:
            z = np.matmul(x, W, out=z)  # (n, n_in) @ (n_in, n_out)
        z += b
        (finish if i == last else activate)(z)
        x = z
    return x


class Lean:
    """A network in training: forward, backward and steps with fixed buffers.

    Parameters
    ----------
    coefs, intercepts : lists of arrays
        Where to start; copied.
    activation, out_activation : str
    alpha : float
        L2 penalty of the weights, over the batch's weight.
    x : array or CSR/CSC, shape (n, n_features)
    t : float array, shape (n, n_out)
    weight : array, shape (n,), or None
    """

    def __init__(self, coefs, intercepts, activation, out_activation, alpha, data):
        self.x, self.t, self.weight = data
        self.p = pack(coefs, intercepts)
        self.g = np.zeros_like(self.p)
        self.coefs, self.intercepts = unpack(self.p, coefs)
        self._dW, self._db = unpack(self.g, coefs)
        self._n_weights = sum(w.size for w in coefs)
        self._scratch = np.empty(self._n_weights, self.p.dtype)
        self._alpha, self.out_activation = alpha, out_activation
        self._activate, self._back = ACTIVATE[activation], BACK[activation]
        self._finish = ACTIVATE[out_activation]
        self._buffers: dict[int, list] = {}
        self._sparse = scipy.sparse.issparse(self.x)

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x, shape (n, n_out)."""
        return self._forward(x, [None] * len(self.coefs))

    def tensors(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return (coefs, intercepts) as they stand: copies."""
        return unpack(self.p.copy(), self.coefs)

    def _forward(self, x: Any, layers: list) -> np.ndarray:
        net = (self.coefs, self.intercepts, self._activate, self._finish)
        return forward(x, *net, layers)

    def gradient(self, x: Any, t: np.ndarray, weight: Any, y: np.ndarray) -> float:
        """Fill `g` with the gradient of a batch's loss; return its penalty.

        Parameters
        ----------
        x, t, weight
            The batch's rows.
        y : array, shape (batch, n_out)
            Receives the outputs.
        """
        hidden, slopes = self._work(x.shape[0])
        self._forward(x, [*hidden, y])
        total = x.shape[0] if weight is None else weight.sum()
        if total == 0:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        dz = np.subtract(y, t, out=slopes[-1])
        if weight is not None:
            dz *= weight[:, None]
        for i in range(len(self.coefs) - 1, -1, -1):
            a = hidden[i - 1] if i else x
            if i == 0 and self._sparse:
                self._dW[0][...] = a.T @ dz
            else:
                np.matmul(a.T, dz, out=self._dW[i])  # (n_in, batch) @ (batch, n_out)
            np.add.reduce(dz, axis=0, out=self._db[i])
            if i:
                dz = np.matmul(dz, self.coefs[i].T, out=slopes[i - 1])
                self._back(a, dz)
        weights, n = self.p[: self._n_weights], self._n_weights
        if self._alpha:
            self.g[:n] += np.multiply(weights, self._alpha, out=self._scratch)
        self.g /= total
        return 0.5 * self._alpha * float(weights @ weights)

    def epoch(self, order: np.ndarray | None, batches: list, solver: Any) -> Any:
        """Take a step for each batch; return the epoch's mean loss.

        Parameters
        ----------
        order : integer array, shape (n,), or None for the rows as they lie
        batches : list of (start, stop)
        solver : Solver, started
        """
        t, weight = self.t, self.weight
        if order is not None:
            t = t.take(order, axis=0)
            weight = weight if weight is None else weight.take(order)
        y, penalties = np.empty_like(t), []
        for a, b in batches:
            x = self._rows(order, a, b)
            w = weight if weight is None else weight[a:b]
            penalties.append(self.gradient(x, t[a:b], w, y[a:b]))
            solver.move(self.p, self.g)
        return epoch_loss(
            row_costs(self.out_activation, y, t), weight, batches, penalties
        )

    def loss_and_gradient(self, vector: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the loss of all rows and its gradient at a packed vector."""
        self.p[...] = vector
        y, n = np.empty_like(self.t), len(self.t)
        penalty = self.gradient(self.x, self.t, self.weight, y)
        costs = row_costs(self.out_activation, y, self.t)
        return epoch_loss(costs, self.weight, [(0, n)], [penalty]), self.g.copy()

    def remember(self, solver: Any) -> None:
        """Do nothing: a solver's memories are on the host already."""

    def _rows(self, order: Any, a: int, b: int) -> Any:
        if order is None:
            return self.x[a:b]
        if self._sparse:
            return self.x[order[a:b]]
        self._work(b - a)
        # "clip" skips a check that would need a second buffer; the order is ours
        return self.x.take(order[a:b], axis=0, out=self._buffers[b - a][2], mode="clip")

    def _layers(self, n: int) -> list[np.ndarray]:
        return [np.empty((n, W.shape[1]), self.p.dtype) for W in self.coefs]

    def _work(self, n: int) -> tuple[list, list]:
        """Return hidden activations and slopes for n rows, made once for each n."""
        if n not in self._buffers:
            x = None if self._sparse else np.empty((n, self.x.shape[1]), self.x.dtype)
            self._buffers[n] = [self._layers(n)[:-1], self._layers(n), x]
        return self._buffers[n][0], self._buffers[n][1]
