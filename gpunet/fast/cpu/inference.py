"""Prediction in one compiled call, for one example or many."""

from typing import Any

import numpy as np

from ...backend import Array, HostArray
from ...backend.inputs import features_error, numeric_array
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
    """See `predictor`; threads may share it, as each call has its working memory."""

    def __init__(
        self, row_size: int, layers: Array, alphas: Array, loss: int, P: Array
    ):
        flat = aligned(len(P), P.dtype)  # as the kernels need it; a pickle's may differ
        flat[:] = P
        self._net = layers, alphas, loss, flat
        self._row_size, self._dtype = row_size, P.dtype
        self._n_in, self._n_out = int(layers[0, N_IN]), int(layers[-1, N_OUT])
        self._kernel, self._n_threads = compiled(predict), usable_threads()
        self._workspaces: list[tuple[Array, ...]] = []  # those that no call is using
        with announced(predict, self._dtype):
            self(np.zeros(self._n_in, self._dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return Predictor, (self._row_size, *self._net)

    def __call__(self, x: HostArray) -> HostArray:
        """Return the outputs for x, what `net.predict` takes: one example or many."""
        n_in, dtype = self._n_in, self._dtype
        known = type(x) is np.ndarray  # no list, no masked array
        if not (known and x.dtype is dtype and x.flags.c_contiguous):
            x = np.ascontiguousarray(numeric_array(x, "predictor", "x"), dtype)
        shape, single = x.shape, x.ndim == 1
        if not 0 < len(shape) < 3 or shape[-1] != n_in:
            raise features_error(shape, n_in, "predictor")
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
        predict(x) -> y: x is what `net.predict` takes, and so is y. Threads may share
        it, and it can be pickled.

    Raises
    ------
    ConfigError
        A population, another device, numba missing, or an unsupported network;
        or another thread is training the network. predict: x of another shape.
    DataError
        predict: x is not numbers.

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
    where = layout(net)
    P = np.zeros(where.size, net.dtype)
    pack(P, net.params, where, None)
    net.params.check_reading("predictor", begun)
    layers = where.layers.copy()
    layers[:, ROWS] *= _CHUNK
    slopes = [block.f.parameter for block in dense_blocks(net.layers)]
    alphas = np.asarray(slopes, net.dtype)
    return Predictor(where.row_size, layers, alphas, LOSSES[net.loss.kind], P)


def _why_unsupported(net: Network) -> str:
    if net.backend.name != "cpu":
        return f"it is for the cpu, and the network is on {net.backend.name}"
    if net.population:
        return "it is for one network; use net.member(i)"
    return missing() or why_unsupported(net)
