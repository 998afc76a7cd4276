"""Prediction in one compiled call, for one example or many."""

from typing import Any

import numpy as np

from ...backend import Array, HostArray
from ...backend.threads import usable_threads
from ...errors import ConfigError
from ...network import Network
from .compiler import announced, compiled, missing
from .jit import span
from .jit.tables import ROWS
from .lowering import layout, loss_kind, read, refuse_loss, rows_of, tensors
from .threads import pool
from .workspace import aligned

_ALONE = 5_000_000  # rows times weights that one thread predicts, in some 100 us
_CHUNK = 512  # rows at a time: their activations stay in the cache


class Predictor:
    """A network's answers in one compiled call; see `predictor`.

    Threads may share it: each call has working memory of its own.
    """

    def __init__(self, net: Network):
        rows, _ = rows_of(net)
        n_in, n_out, dtype = rows[0].dense.n_in, rows[-1].dense.n_out, net.dtype
        places = layout(net)
        table = places.table.copy()
        table[:, ROWS] *= _CHUNK
        P = aligned(places.size, dtype)
        read(P, net.params, tensors(net, table), None)
        alphas = np.asarray([row.alpha for row in rows], dtype)
        kind = loss_kind(net.loss, n_out)[0]
        sizes = (n_in, n_out, places.row, dtype)
        self._prepare(sizes, table, alphas, kind, P)

    def _prepare(self, sizes: tuple, table: Array, alphas: Array, kind: int, P: Array):
        self._n_in, self._n_out, self._row, dtype = self._sizes = sizes
        self._dtype, self._net = np.dtype(dtype), (table, alphas, kind, P)
        self._kernel, self._share = compiled(span.predict), usable_threads()
        self._rooms: list[tuple[Array, ...]] = []  # those that no call is using
        with announced(span.predict, dtype):
            self(np.zeros(self._n_in, self._dtype))

    def __reduce__(self) -> tuple:
        return _unpickled, (self._sizes, *self._net)

    def __call__(self, x: HostArray) -> HostArray:
        """Return the outputs for x, of one example or of many."""
        one, n_in, dtype = x.ndim == 1, self._n_in, self._dtype
        if x.ndim > 2 or x.shape[-1] != n_in:
            raise ConfigError(
                f"predictor: expected rows of {n_in} features, got x of shape {x.shape}"
            )
        if x.dtype is not dtype or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, dtype)
        y = np.empty((1 if one else len(x), self._n_out), dtype)
        share = self._share
        if one or share == 1 or len(x) * len(self._net[3]) < _ALONE:
            self._take(x.reshape(-1, n_in), y)
        else:
            cuts = range(0, len(x), -(-len(x) // share))
            parts = [slice(a, a + cuts.step) for a in cuts]
            pieces = [x[part] for part in parts], [y[part] for part in parts]
            list(pool(share).map(self._take, *pieces))
        return y[0] if one else y

    def _take(self, x: HostArray, y: HostArray) -> None:
        try:  # one call of the list each: no other thread comes between
            room = self._rooms.pop()
        except IndexError:
            room = _room(self._n_in, self._row, self._dtype)
        self._kernel(*self._net, x, y, *room, _CHUNK)
        self._rooms.append(room)


def predictor(net: Network) -> Predictor:
    """Return a function that predicts as `net.predict` does, compiled.

    Parameters
    ----------
    net : Network
        One network on the CPU, of dense layers with the activations and losses the
        compiled engine knows. Its parameters are copied: make a new predictor
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
        A population, another device, numba missing, or a network it does not know;
        or another thread is training the network.

    Examples
    --------
    >>> import gpunet
    >>> net = gpunet.mlp([784, 30, 10])
    >>> predict = gpunet.predictor(net)  # doctest: +SKIP
    >>> predict(digit).shape  # doctest: +SKIP
    (10,)
    """
    if why := _refuse(net):
        raise ConfigError(f"predictor: {why}; net.predict always works")
    begun = net.params.check_reading("predictor")
    made = Predictor(net)
    net.params.check_reading("predictor", begun)
    return made


def _unpickled(sizes: tuple, table: Array, alphas: Array, kind: int, P: Array) -> Any:
    made = object.__new__(Predictor)
    flat = aligned(len(P), P.dtype)  # as the kernels want it; a pickle need not be
    flat[:] = P
    made._prepare(sizes, table, alphas, kind, flat)
    return made


def _room(n_in: int, row: int, dtype: Any) -> tuple[Array, ...]:
    """Return A, D, idx and val of one thread; see `tables.Work`."""
    A, D = aligned(_CHUNK * row, dtype), aligned(_CHUNK * row, dtype)
    return A, D, np.zeros(n_in + 1, np.int32), aligned(n_in + 1, dtype)


def _refuse(net: Network) -> str:
    if net.backend.name != "cpu":
        return f"it is for the cpu, and the network is on {net.backend.name}"
    if net.population:
        return "it is for one network; take net.member(i)"
    return missing() or rows_of(net)[1] or refuse_loss(net.loss)
