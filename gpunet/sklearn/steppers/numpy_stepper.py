"""scikit-learn's training step on NumPy, without its overheads.

The lesson's Network would do (and does, on a device); but a step of the default
network takes 150 us of matrix products and 370 us of everything else in
scikit-learn. Here all tensors are views of one vector, every result has its
buffer, and the loss is taken once an epoch: measured by `gpunet bench_sklearn`.
"""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import scipy.sparse
from scipy.special import expit
from sklearn.neural_network import _base

from ..solvers import add_scaled
from .costs import epoch_loss, row_costs


def _softmax(z: np.ndarray) -> None:
    # A reduction over ten numbers is slow in NumPy, row by row: the largest come
    # three times as fast from the columns of a copy, the sums six times from BLAS.
    z -= np.maximum.reduce(np.ascontiguousarray(z.mT), axis=-2)[..., None]
    np.exp(z, out=z)
    z /= z @ np.ones((z.shape[-1], 1), z.dtype)


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


# scikit-learn's loss for each activation of the outputs
_LOSSES = {
    "identity": "squared_error",
    "exp": "poisson",
    "logistic": "binary_log_loss",
    "softmax": "log_loss",
}
# da becomes dz; a is spent
BACK = {
    "identity": lambda a, da: None,
    "logistic": _logistic_back,
    "relu": _relu_back,
    "tanh": _tanh_back,
}


def pack(coefs: list, intercepts: list) -> np.ndarray:
    """Return all tensors as one vector, weights first; members are rows."""
    lead = coefs[0].shape[:-2]
    flat = [p.reshape(*lead, -1) for p in [*coefs, *intercepts]]
    return np.concatenate(flat, axis=-1)


def unpack(vector: np.ndarray, coefs: list) -> tuple[list, list]:
    """Return (coefs, intercepts) as views of a packed vector.

    Parameters
    ----------
    vector : array, shape (n_parameters,) or (members, n_parameters)
    coefs : list of arrays
        Whose last two axes count.
    """
    shapes = [W.shape[-2:] for W in coefs] + [W.shape[-1:] for W in coefs]
    ends = np.cumsum([0, *map(prod, shapes)])
    views = [
        vector[..., a:b].reshape(*vector.shape[:-1], *shape)
        for (a, b), shape in zip(pairwise(ends), shapes, strict=True)
    ]
    return views[: len(coefs)], views[len(coefs) :]


def _first(x: Any, W: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Return x W; x may be CSR/CSC."""
    if not scipy.sparse.issparse(x):
        return np.matmul(x, W, out=out)  # (n, n_in) @ (n_in, n_out)
    product = x @ W
    return product if out is None else np.copyto(out, product) or out


def forward(
    x: Any,
    coefs: list,
    intercepts: list,
    activate: Callable,
    finish: Callable,
    layers: list,
    first: Callable = _first,
) -> np.ndarray:
    """Return the outputs for x, shape (n, n_out).

    Parameters
    ----------
    x : array or CSR/CSC, shape (n, n_features)
    activate, finish : callable
        Of hidden layers and of the last one; they work in place.
    layers : list of array or None
        Where each layer's activations go; None makes new arrays.
    first : callable
        first(x, W, out) -> the first layer's product.
    """
    last = len(layers) - 1
    for i, (W, b, z) in enumerate(zip(coefs, intercepts, layers, strict=True)):
        z = (np.matmul if i else first)(x, W, out=z)  # (n, n_in) @ (n_in, n_out)
        z += b if b.ndim == 1 else b[:, None, :]
        (finish if i == last else activate)(z)
        x = z
    return x


class Lean:
    """A network in training: forward, backward and steps with fixed buffers.

    Or several of one shape at once, which see the same batches: their tensors
    and losses then have a leading member axis.

    Parameters
    ----------
    coefs, intercepts : lists of arrays
        Where to start; copied. Shapes (n_in, n_out) and (n_out,).
    activation, out_activation : str
    alpha : float or array, shape (members,)
        L2 penalty of the weights, over the batch's weight.
    data : tuple
        x, array or CSR/CSC, shape (n, n_features); t, float array, shape
        (n, n_out); weight, array, shape (n,), or None.
    """

    def __init__(self, coefs, intercepts, activation, out_activation, alpha, data):
        self.x, self.t, self.weight = data
        self._sparse = scipy.sparse.issparse(self.x)
        self.p = pack(coefs, intercepts)
        self.g = np.zeros_like(self.p)
        self.coefs, self.intercepts = unpack(self.p, coefs)
        self._dW, self._db = unpack(self.g, coefs)
        self._lead = self.p.shape[:-1]
        weights = slice(sum(prod(W.shape[-2:]) for W in coefs))
        self._w, self._dw = self.p[..., weights], self.g[..., weights]
        self._scratch = np.empty_like(self._w)
        self._alpha, self.out_activation = alpha, out_activation
        self._penalized = bool(np.any(alpha))
        self._names = (activation, out_activation)
        self._activate, self._back = ACTIVATE[activation], BACK[activation]
        self._finish = ACTIVATE[out_activation]
        self._buffers: dict[int, tuple] = {}

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x, shape (n, n_out)."""
        net = (self.coefs, self.intercepts, self._activate, self._finish)
        return forward(x, *net, [None] * len(self.coefs))

    def tensors(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return (coefs, intercepts) as they stand: copies."""
        return unpack(self.p.copy(), self.coefs)

    def keep(self, some: np.ndarray) -> "Lean":
        """Return a Lean of some of the members, as they stand."""
        data = (self.x, self.t, self.weight)
        coefs, intercepts = ([p[some] for p in ps] for ps in self.tensors())
        own = (*self._names, self._alpha[some], data)
        return Lean(coefs, intercepts, *own)

    def gradient(self, x: Any, t: np.ndarray, weight: Any, y: np.ndarray) -> Any:
        """Fill `g` with the gradient of a batch's loss; return its penalty.

        Parameters
        ----------
        x, t, weight
            The batch's rows, x as `_rows` returns them.
        y : array, shape (batch, n_out)
            Receives the outputs.
        """
        n = t.shape[0]
        hidden, slopes, ones, _ = self._work(n)
        net = (self.coefs, self.intercepts, self._activate, self._finish)
        forward(x, *net, [*hidden, y], self._first)
        total = n if weight is None else weight.sum()
        if total == 0:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        dz = np.subtract(y, t, out=slopes[-1])
        dz *= 1 / total if weight is None else (weight / total)[:, None]
        for i in range(len(hidden), -1, -1):
            np.matmul(ones, dz, out=self._db[i][..., None, :])  # sums over the batch
            if i:
                a = hidden[i - 1]
                np.matmul(a.mT, dz, out=self._dW[i])  # (n_in, batch) @ (batch, n_out)
                dz = np.matmul(dz, self.coefs[i].mT, out=slopes[i - 1])
                self._back(a, dz)
        self._first_back(x, dz, self._dW[0])
        return self._penalize(total)

    _first = staticmethod(_first)

    @staticmethod
    def _first_back(x: Any, dz: np.ndarray, dW: np.ndarray) -> None:
        """Fill dW with x^T dz."""
        if scipy.sparse.issparse(x):
            dW[...] = x.T @ dz
        else:
            np.matmul(x.mT, dz, out=dW)  # (n_in, batch) @ (batch, n_out)

    def _penalize(self, total: Any) -> Any:
        if not self._penalized:
            return np.zeros(self._lead)
        each = self._alpha / total
        each = each[:, None] if self._lead else each
        add_scaled(self._dw, self._w, each, self._scratch)
        return 0.5 * self._alpha * np.vecdot(self._w, self._w)

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
        y, penalties = np.empty((*self._lead, *t.shape), t.dtype), []
        for a, b in batches:
            x = self._rows(order, a, b)
            w = weight if weight is None else weight[a:b]
            penalties.append(self.gradient(x, t[a:b], w, y[..., a:b, :]))
            solver.move(self.p, self.g)
        return epoch_loss(
            row_costs(self.out_activation, y, t), weight, batches, penalties
        )

    def loss_and_gradient(self, vector: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the loss of all rows and its gradient at a packed vector.

        In scikit-learn's order of sums, for L-BFGS: of a last bit of the loss its
        line search makes another step, and the fits part as they go on.
        """
        self.p[...] = vector
        n, name, weight = len(self.t), self.out_activation, self.weight
        hidden, slopes, _, _ = self._work(n)
        layers = [*hidden, np.empty_like(self.t)]
        finish = _base.ACTIVATIONS[name]
        net = (self.coefs, self.intercepts, self._activate, finish)
        y = forward(self.x, *net, layers, self._first)
        t = self.t if name in ("identity", "exp") else self.t != 0
        loss = _base.LOSS_FUNCTIONS[_LOSSES[name]](t, y, weight)
        total = n if weight is None else weight.sum()
        squares = sum(np.dot(W.ravel(), W.ravel()) for W in self.coefs)
        loss += (0.5 * self._alpha) * squares / total
        dz = np.subtract(y, t, out=slopes[-1])
        if weight is not None:
            dz *= weight[:, None]
        for i in range(len(hidden), -1, -1):
            dW, a = self._dW[i], hidden[i - 1] if i else self.x
            self._first_back(a, dz, dW)
            dW += self._alpha * self.coefs[i]
            dW /= total
            np.divide(np.sum(dz, axis=0), total, out=self._db[i])
            if i:
                dz = np.matmul(dz, self.coefs[i].mT, out=slopes[i - 1])
                self._back(a, dz)
        return loss, self.g.copy()

    def remember(self, solver: Any) -> None:
        """Do nothing: a solver's memories are on the host already."""

    def _rows(self, order: Any, a: int, b: int) -> Any:
        if order is None:
            return self.x[a:b]
        if self._sparse:
            return self.x[order[a:b]]
        # "clip" skips a check that would need a second buffer; the order is ours
        x = self._work(b - a)[3]
        return self.x.take(order[a:b], axis=0, out=x, mode="clip")

    def _work(self, n: int) -> tuple[list, list, np.ndarray, Any]:
        """Return hidden activations, slopes, ones and x for n rows, made once."""
        if n not in self._buffers:
            layers = [
                [
                    np.empty((*self._lead, n, W.shape[-1]), self.p.dtype)
                    for W in self.coefs
                ]
                for _ in range(2)
            ]
            x = None if self._sparse else np.empty((n, self.x.shape[1]), self.x.dtype)
            ones = np.ones((1, n), self.p.dtype)
            self._buffers[n] = (layers[0][:-1], layers[1], ones, x)
        return self._buffers[n]
