"""Evaluation: the mean loss and the accuracy of a network on a data set."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._types import Array
from ..backend import Backend, namespace
from ..data import Dataset, MatrixRows, check_dataset, normalized_weights
from ..errors import ConfigError, DataError
from ..layers import Dense, Embedding
from ..metrics import correct
from ..network import Network
from .batches import floats
from .disk import DeviceRows
from .memory import memory_for

# Activations held at once: 8 million floats, 32 MB in float32. No call then
# lasts so long that an interrupt must wait for it.
_ACTIVATIONS = 8_000_000


class Placed(NamedTuple):
    """A data set on the device.

    Attributes
    ----------
    x, t, weight : device arrays
        In the net's dtype; labels are integers, x may be bytes, weight None.
    scale : float
        What x is still to be multiplied with: 1 unless it is bytes.
    """

    x: Array
    t: Array
    weight: Array | None
    scale: float = 1.0


def place(bk: Backend, net: Network, data: Dataset, scale: float = 1.0) -> Placed:
    """Return a data set on the device.

    x is multiplied with `scale`; labels stay integers. NumPy data of the right
    dtype and scale are shared, not copied. Elsewhere bytes stay bytes, a quarter
    of the memory and of the copy; a batch is converted when it is taken.
    """
    x = data.x
    if isinstance(x, MatrixRows):
        x, scale = DeviceRows(bk, x, scale), 1.0
    elif isinstance(net.layers[0], Embedding):
        x, scale = x.astype("int64", copy=False), 1.0  # few libraries index with less
    elif x.dtype != np.uint8 or bk.name == "cpu":
        x = x.astype(net.dtype, copy=scale != 1.0)
        if scale != 1.0:
            x *= scale  # in place, on the copy: half the peak memory
        scale = 1.0
    weight = None
    if data.weight is not None:
        weight = bk.array(normalized_weights(data.weight), net.dtype)
    t = bk.view(data.t) if data.t.ndim == 1 else bk.view(data.t, net.dtype)
    x = x if isinstance(x, DeviceRows) else bk.view(x)
    return Placed(x, t, weight, scale)


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
    data = Dataset(data.x, t, data.weight)
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


def measure(
    net: Network, x: Array, t: Array, weight: Array | None = None, scale: float = 1.0
) -> Any:
    """Return (loss, accuracy) on device data; accuracy is None for targets.

    Parameters
    ----------
    x, t, weight, scale
        As `place` returns them.

    Returns
    -------
    loss, accuracy : list of float, one for each member (one for one network)
    """
    bk, n = net.backend, x.shape[0]
    widest = max(layer.n_out for layer in net.layers if isinstance(layer, Dense))
    rows = max(64, min(8192, _ACTIVATIONS // (widest * (net.population or 1))))
    total: Any = 0.0
    hits: Any = 0
    for a in range(0, n, rows):
        b = min(a + rows, n)
        y, _ = net.forward(floats(x[a:b, ...], bk.dtype(net.dtype), scale))
        mine = t[a:b, ...]
        w = None if weight is None else weight[a:b]
        total = total + net.loss.value(y, mine, w) * float(b - a)
        if counts_hits(net, t):
            hits = hits + count_hits(net, y, mine)
    lead = net.population or 1
    loss = [v / n for v in bk.to_host(total).reshape(lead).tolist()]
    if isinstance(hits, int):
        return loss, None
    return loss, [v / n for v in bk.to_host(hits).reshape(lead).tolist()]


def evaluate(net: Network, data: Any, *, scale: float = 1.0) -> dict[str, Any]:
    """Return loss and accuracy of a network on a data set.

    Parameters
    ----------
    net : Network
    data : Dataset or (x, t)
        Host arrays.
    scale : float
        What x is multiplied with first.

    Returns
    -------
    result : dict
        n, loss, accuracy (None for targets that are not labels); lists with
        one value for each member of a population.
    """
    if not isinstance(data, Dataset):
        data = Dataset(*data)
    data = check_fit(net, data, "evaluate", one_class_ok=True)
    bk, begun = net.backend, net.params.check_reading("evaluate")
    with bk.use(), memory_for("evaluation", bk):
        loss, accuracy = measure(net, *place(bk, net, data, scale))
    net.params.check_reading("evaluate", begun)
    if not net.population:
        loss, accuracy = loss[0], accuracy and accuracy[0]
    return {"n": len(data), "loss": loss, "accuracy": accuracy}
