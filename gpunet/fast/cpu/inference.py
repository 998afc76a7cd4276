"""Prediction in one compiled call, for one example or many."""

from typing import Any

import numpy as np

from ...backend import Array, HostArray
from ...backend.threads import usable_threads
from ...blocks import dense_blocks
from ...errors import ConfigError
from ...network import Network
from .compiler import announced, compiled, missing
from .jit.forward import predict
from .jit.structs import N_IN, N_OUT, ROWS
from .lowering import LOSSES, layout, pack, why_unsupported
from .threads import pool
from .workspace import aligned

_MIN_WORK = 5_000_000  # rows times weights that one thread predicts, in some 100 us
_CHUNK = 512  # rows at a time: their activations stay in the cache


class Predictor:
    """A network's outputs in one compiled call; see `predictor`.

    Threads may share it: each call has working memory of its own.
    """

    def __init__(self, net: Network):
        where = layout(net)
        layers = where.layers.copy()
        layers[:, ROWS] *= _CHUNK
        P = aligned(where.size, net.dtype)
        pack(P, net.params, where, None)
        slopes = [block.f.parameter for block in dense_blocks(net.layers)]
        alphas, loss = np.asarray(slopes, net.dtype), LOSSES[net.loss.kind]
        self._prepare(where.row_size, layers, alphas, loss, P)

    def _prepare(
        self, row_size: int, layers: Array, alphas: Array, loss: int, P: Array
    ) -> None:
        self._net = layers, alphas, loss, P
        self._row_size, self._dtype = row_size, P.dtype
        self._n_in, self._n_out = int(layers[0, N_IN]), int(layers[-1, N_OUT])
        self._kernel, self._n_threads = compiled(predict), usable_threads()
        self._workspaces: list[tuple[Array, ...]] = []  # those that no call is using
        with announced(predict, self._dtype):
            self(np.zeros(self._n_in, self._dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self._row_size, *self._net)

    def __call__(self, x: HostArray) -> HostArray:
        """Return the outputs for x, of one example or of many."""
        single, n_in, dtype = x.ndim == 1, self._n_in, self._dtype
        if x.ndim > 2 or x.shape[-1] != n_in:
            raise ConfigError(
                f"predictor: x must have rows of {n_in} features, got shape {x.shape}"
            )
        if x.dtype is not dtype or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, dtype)
        y = np.empty((1 if single else len(x), self._n_out), dtype)
        n = self._n_threads
        if single or n == 1 or len(x) * len(self._net[3]) < _MIN_WORK:
            self._predict(x.reshape(-1, n_in), y)
        else:
            starts = range(0, len(x), -(-len(x) // n))
            shares = [slice(a, a + starts.step) for a in starts]
            arrays = [x[share] for share in shares], [y[share] for share in shares]
            list(pool(n).map(self._predict, *arrays))
        return y[0] if single else y

    def _predict(self, x: HostArray, y: HostArray) -> None:
        try:  # one call of the list each: no other thread comes between
            workspace = self._workspaces.pop()
        except IndexError:
            n, n_in, dtype = _CHUNK * self._row_size, self._n_in + 1, self._dtype
            values = np.zeros(n_in, np.int32), aligned(n_in, dtype)
            workspace = aligned(n, dtype), aligned(n, dtype), *values
        self._kernel(*self._net, x, y, *workspace, _CHUNK)
        self._workspaces.append(workspace)


def predictor(net: Network) -> Predictor:
    """Return a function that predicts as `net.predict` does, compiled.

    Parameters
    ----------
    net : Network
        One network on the CPU, of dense layers with the activations and losses that
        the compiled engine supports. Its parameters are copied: make a new predictor
        after training on.

    Returns
    -------
    predict : callable
        predict(x) -> y: for x of shape (features,) one example's outputs, shape
        (n_out,), for (n, features) those of many, (n, n_out). Threads may share it,
        and it can be pickled.

    Raises
    ------
    ConfigError
        A population, another device, numba missing, or an unsupported network;
        or another thread is training the network.

    Examples
    --------
    >>> import gpunet
    >>> net = gpunet.mlp([784, 30, 10])
    >>> predict = gpunet.predictor(net)  # doctest: +SKIP
    >>> predict(digit).shape  # doctest: +SKIP
    (10,)
    """
    if reason := _why_unsupported(net):
        raise ConfigError(f"predictor: {reason}; net.predict always works")
    begun = net.params.check_reading("predictor")
    compiled_net = Predictor(net)
    net.params.check_reading("predictor", begun)
    return compiled_net


def _why_unsupported(net: Network) -> str:
    if net.backend.name != "cpu":
        return f"it is for the cpu, and the network is on {net.backend.name}"
    if net.population:
        return "it is for one network; use net.member(i)"
    return missing() or why_unsupported(net)


def _unpickle(
    row_size: int, layers: Array, alphas: Array, loss: int, P: Array
) -> Predictor:
    restored = object.__new__(Predictor)
    flat = aligned(len(P), P.dtype)  # as the kernels need it; a pickle's may differ
    flat[:] = P
    restored._prepare(row_size, layers, alphas, loss, flat)
    return restored
