"""Prediction in one compiled call, for one example or many."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._types import Array, HostArray
from ...errors import ConfigError
from ...network import Network
from ...threads import usable_threads
from . import kernels
from .compiler import announced, compiled, missing
from .plan import layout, loss_kind, read, refuse_loss, rows_of, tensors
from .room import aligned
from .tables import ROWS
from .teams import pool

_ALONE = 5_000_000  # rows times weights that one thread predicts, in some 100 us
_CHUNK = 512  # rows at a time: their activations stay in the cache


def predictor(net: Network) -> Callable[[HostArray], HostArray]:
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
        (n_out,), for (n, features) those of many, (n, n_out). It keeps its own
        room for numbers: each thread needs a predictor of its own.

    Raises
    ------
    ConfigError
        A population, another device, numba missing, or a network it does not know.

    Examples
    --------
    >>> import gpunet
    >>> net = gpunet.mlp([784, 30, 10])
    >>> predict = gpunet.predictor(net)  # doctest: +SKIP
    >>> predict(digit).shape  # doctest: +SKIP
    (10,)
    """
    why = _refuse(net)
    if why:
        raise ConfigError(f"predictor: {why}; net.predict always works")
    rows, _ = rows_of(net)
    n_in, n_out, dtype = rows[0].dense.n_in, rows[-1].dense.n_out, np.dtype(net.dtype)
    places = layout(net)
    table = places.table.copy()
    table[:, ROWS] *= _CHUNK
    P = aligned(places.size, net.dtype)
    read(P, net.params, tensors(net, table), None)
    alphas = np.asarray([row.alpha for row in rows], net.dtype)
    kind = loss_kind(net.loss, n_out)[0]
    kernel, share = compiled(kernels.predict), usable_threads()
    rooms = [_room(n_in, places.row, dtype) for _ in range(share)]

    def take(room: tuple[Array, ...], x: HostArray, y: HostArray) -> None:
        kernel(table, alphas, kind, P, x, y, *room, _CHUNK)

    def predict(x: HostArray) -> HostArray:
        one = x.ndim == 1
        if x.ndim > 2 or x.shape[-1] != n_in:
            raise ConfigError(
                f"predictor: expected rows of {n_in} features, got x of shape {x.shape}"
            )
        if x.dtype is not dtype or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, dtype)
        y = np.empty((1 if one else len(x), n_out), dtype)
        if len(x) * places.size < _ALONE or one or share == 1:
            take(rooms[0], x.reshape(-1, n_in), y)
        else:
            cuts = range(0, len(x), -(-len(x) // share))
            parts = [slice(a, a + cuts.step) for a in cuts]
            list(
                pool(share).map(
                    take, rooms, [x[p] for p in parts], [y[p] for p in parts]
                )
            )
        return y[0] if one else y

    with announced(kernels.predict, dtype):
        predict(np.zeros(n_in, dtype))
    return predict


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
