"""Evaluation: the mean loss and the accuracy of a network on a data set."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..backend import Array, Backend, namespace
from ..data import (
    Dataset,
    MatrixRows,
    check_dataset,
    normalized_weights,
    with_scale,
)
from ..errors import ConfigError, DataError
from ..layers import Dense, Embedding
from ..network import Network
from .batches import floats
from .disk import DeviceRows
from .memory import memory_for
from .metrics import correct

# Activations held at once: 8 million floats, 32 MB in float32. No call then
# lasts so long that an interrupt must wait for it.
_ACTIVATIONS = 8_000_000


def place(bk: Backend, net: Network, data: Dataset) -> Dataset:
    """Return a data set whose arrays are on the device, in the net's dtype.

    x is multiplied with its scale, which is then 1; labels stay integers. NumPy
    data of the right dtype and scale are shared, not copied. Elsewhere bytes stay
    bytes and keep their scale, a quarter of the memory and of the copy; a batch
    is converted when it is taken.
    """
    x, scale = data.x, 1.0
    if isinstance(x, MatrixRows):
        x = DeviceRows(bk, x, data.scale)
    elif isinstance(net.layers[0], Embedding):
        x = x.astype("int64", copy=False)  # few libraries index with less
    elif x.dtype != np.uint8 or bk.name == "cpu":
        x = data.scaled(net.dtype)
    else:
        scale = data.scale
    weight = None
    if data.weight is not None:
        weight = bk.array(normalized_weights(data.weight), net.dtype)
    t = bk.view(data.t) if data.t.ndim == 1 else bk.view(data.t, net.dtype)
    x = x if isinstance(x, DeviceRows) else bk.view(x)
    return Dataset(x, t, weight, scale)


def n_outputs(net: Network) -> int:
    """Return how many outputs the network has."""
    widths = [layer.n_out for layer in net.layers if isinstance(layer, Dense)]
    if not widths:
        raise ConfigError("training: the network has no Dense layer; add one")
    return widths[-1]


def check_fit(
    net: Network, data: Dataset, what: str, *, one_class_ok: bool = False
) -> Dataset:
    """Return `data` checked against the network: rows, labels, widths.

    Data that nothing is learnt from may hold one class only.

    Raises
    ------
    DataError, ConfigError
        Labels out of range, unequal counts, features the network cannot take.
    """
    first, n_out = net.layers[0], n_outputs(net)
    t = np.asarray(data.t)
    if t.ndim == 1 and n_out == 1:
        t = t[:, None]
    data = replace(data, t=t)
    n = n_out if t.ndim == 1 else None
    data = check_dataset(data, n, what, one_class_ok=one_class_ok)
    if isinstance(first, Dense):
        _check_features(net, first.n_in, data.x, what)
    elif isinstance(first, Embedding):
        _check_words(first.n_words, data.x, what)
    for part, name in ((data.x, "features"), (data.t, "targets")):
        _check_range(part, net.dtype, f"{what}: {name}")
    if data.t.ndim == 2 and data.t.shape[1] != n_out:
        raise ConfigError(
            f"{what}: the network has {n_out} outputs, targets have shape "
            f"{data.t.shape}"
        )
    return data


def _check_features(net: Network, n_in: int, x: Any, what: str) -> None:
    if x.ndim == 2 and x.shape[1] == n_in:
        return
    hint = "; flatten it first" if prod(x.shape[1:]) == n_in else ""
    raise ConfigError(
        f"{what}: the network expects rows of {n_in} features, got x of shape "
        f"{x.shape}{hint}"
    )


def _check_words(n_words: int, x: Any, what: str) -> None:
    """Refuse words beyond the table: a GPU would wrap them round silently."""
    whole = x.dtype.kind in "iu"
    bad = np.argwhere((x < 0) | (x >= n_words)) if whole else np.zeros((1, 2), int)
    if len(bad):
        row, column = (int(k) for k in bad[0][:2])
        raise DataError(
            f"{what}: row {row}, column {column}: {x[row, column]} is no word; "
            f"expected whole numbers from 0 to {n_words - 1}"
        )


def _check_range(values: Any, dtype: str, what: str) -> None:
    """Refuse numbers that the training dtype cannot hold."""
    if values.dtype.kind == "f" and values.dtype.itemsize > np.dtype(dtype).itemsize:
        largest = float(np.max(np.abs(values)))
        if largest > float(np.finfo(dtype).max):
            raise DataError(
                f"{what}: {largest:g} is beyond {dtype}; scale the data or train in "
                "float64"
            )


def counts_hits(net: Network, t: Array) -> bool:
    """Return whether answers t, (n,) or (n, n_out), can be right or wrong."""
    return t.ndim == 1 or (t.shape[-1] == 1 and net.loss.on_logits)


def count_hits(net: Network, y: Array, t: Array) -> Array:
    """Return how many of the outputs y mean what t says, shape (...)."""
    labels = net.decide(y)
    if t.dtype == y.dtype:
        xp = namespace(t)
        t = xp.astype(t[..., 0], xp.int64)
    return correct(labels, t)


def measure(net: Network, data: Dataset) -> Any:
    """Return (loss, accuracy) on device data; accuracy is None for targets.

    Parameters
    ----------
    net : Network
    data : Dataset
        As `place` returns it.

    Returns
    -------
    loss, accuracy : list of float, one for each member (one for one network)
    """
    bk, n = net.backend, data.x.shape[0]
    widest = max(layer.n_out for layer in net.layers if isinstance(layer, Dense))
    rows = max(64, min(8192, _ACTIVATIONS // (widest * (net.population or 1))))
    total: Any = 0.0
    hits: Any = 0
    for a in range(0, n, rows):
        b = min(a + rows, n)
        x = floats(data.x[a:b, ...], bk.dtype(net.dtype), data.scale)
        y, _ = net.forward(x)
        mine = data.t[a:b, ...]
        w = None if data.weight is None else data.weight[a:b]
        total = total + net.loss.value(y, mine, w) * float(b - a)
        if counts_hits(net, data.t):
            hits = hits + count_hits(net, y, mine)
    lead = net.population or 1
    loss = [v / n for v in bk.to_host(total).reshape(lead).tolist()]
    if isinstance(hits, int):
        return loss, None
    return loss, [v / n for v in bk.to_host(hits).reshape(lead).tolist()]


def evaluate(net: Network, data: Any, *, scale: float | None = None) -> dict[str, Any]:
    """Return loss and accuracy of a network on a data set.

    Parameters
    ----------
    net : Network
    data : Dataset or (x, t)
        Host arrays.
    scale : float, optional
        Deprecated: use ``Dataset(x, t, scale=...)``.

    Returns
    -------
    result : dict
        n, loss, accuracy (None for targets that are not labels); lists with
        one value for each member of a population.
    """
    if not isinstance(data, Dataset):
        data = Dataset(*data)
    if scale is not None:
        data = with_scale(data, scale, "evaluate")
    data = check_fit(net, data, "evaluate", one_class_ok=True)
    bk, begun = net.backend, net.params.check_reading("evaluate")
    with bk.use(), memory_for("evaluation", bk):
        loss, accuracy = measure(net, place(bk, net, data))
    net.params.check_reading("evaluate", begun)
    if not net.population:
        loss, accuracy = loss[0], accuracy and accuracy[0]
    return {"n": len(data), "loss": loss, "accuracy": accuracy}
