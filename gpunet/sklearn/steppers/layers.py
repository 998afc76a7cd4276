"""The tensors of an MLP on the host, and the base of all steppers."""

from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.neural_network import _base

from ..solvers import Solver


def _softmax(z: np.ndarray) -> None:
    # A reduction over ten numbers is slow in NumPy, row by row: the largest come
    # three times as fast from the columns of a copy, the sums six times from BLAS.
    z -= np.maximum.reduce(np.ascontiguousarray(z.mT), axis=-2)[..., None]
    np.exp(z, out=z)
    z /= z @ np.ones((z.shape[-1], 1), z.dtype)


# the lesson's losses by the activation of the outputs
LESSON_LOSSES = {
    "softmax": "softmax_cross_entropy",
    "logistic": "sigmoid_cross_entropy",
    "identity": "half_squared_error",
}


class DenseLayers(NamedTuple):
    """(..., n_in, n_out) weights, (..., n_out) biases and the names of activations."""

    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    activations: list[str]

    def outputs(self, x: Any, buffers: list | None = None) -> np.ndarray:
        """Return the outputs for x, shape (n, n_out), or (members, n, n_out).

        x may be CSR or CSC. `buffers` receive each layer's activations.
        """
        buffers = buffers or [None] * len(self.coefs)
        for W, b, name, z in zip(*self, buffers, strict=True):
            if scipy.sparse.issparse(x):
                z = np.empty((x.shape[0], W.shape[-1]), W.dtype) if z is None else z
                z[...] = x @ W
            else:
                z = np.matmul(x, W, out=z)  # (n, n_in) @ (n_in, n_out)
            z += b if b.ndim == 1 else b[:, None, :]
            (_softmax if name == "softmax" else _base.ACTIVATIONS[name])(z)
            x = z
        return x

    def packed(self) -> np.ndarray:
        """Return a copy of all tensors, weights first: one vector a member."""
        lead = self.coefs[0].shape[:-2]
        flat = [p.reshape(*lead, -1) for p in [*self.coefs, *self.intercepts]]
        return np.concatenate(flat, axis=-1)

    def views(self, vector: np.ndarray) -> "DenseLayers":
        """Return these layers with views of a packed vector as tensors."""
        coefs = self.coefs
        shapes = [W.shape[-2:] for W in coefs] + [W.shape[-1:] for W in coefs]
        ends = np.cumsum([0, *map(prod, shapes)])
        tensors = [
            vector[..., a:b].reshape(*vector.shape[:-1], *shape)
            for (a, b), shape in zip(pairwise(ends), shapes, strict=True)
        ]
        n = len(coefs)
        return self._replace(coefs=tensors[:n], intercepts=tensors[n:])


class Samples(NamedTuple):
    """x, array or CSR/CSC, shape (n, n_features); t, (n, n_out); weight, (n,)."""

    x: Any
    t: np.ndarray
    weight: Any = None


class MLPStepper:
    """Trains an estimator, or several that see the same batches, an epoch a call.

    The tensors, losses and `alpha` (the L2 penalty of the weights, over the batch's
    weight) of several have a leading member axis. `layers` are the start, copied;
    t of the samples has their dtype.
    """

    p: np.ndarray  # all tensors as one host vector, weights first

    def __init__(self, layers: DenseLayers, alpha: Any, samples: Samples) -> None:
        self.layers, self.alpha = layers, alpha
        self.x, self.t, self.weight = samples

    def weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return copies of (coefs, intercepts) on the host."""
        return self.layers.views(self.p.copy())[:2]

    def outputs(self, x: Any) -> np.ndarray:
        """Return the outputs for rows x on the host, after the last activation."""
        return self.layers.views(self.p).outputs(x)

    def run_epoch(self, order: np.ndarray | None, batches: list, solver: Solver) -> Any:
        """Take a step for each batch; return the epoch's mean loss.

        order, shape (n,), is None for the rows as they are; batches are (start, stop).
        """
        raise NotImplementedError

    def save_state(self, solver: Solver) -> None:
        """Copy what the optimizer remembers to the solver, for the next call."""
