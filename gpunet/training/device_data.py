"""Training data: checked against the network, then laid out on its device."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend import Array, Backend, namespace
from ..backend.inputs import check_words, features_error
from ..data import (
    Dataset,
    MatrixRows,
    Splits,
    check_dataset,
    class_weights,
    doubtful_count,
    normalized_weights,
    split_validation,
)
from ..errors import ConfigError, DataError, GpunetWarning
from ..io.messages import counted
from ..layers import Activation, Dense, Embedding, Layer
from ..network import Network
from ..random import host_rng
from .labels import check_probabilities, classes_of, label_codes
from .settings import Settings


class CodedDataset(Dataset):
    """A data set that was checked: its labels are positions among the classes."""


def training_data(
    net: Network, data: Any, settings: Settings
) -> tuple[Dataset, Dataset | None]:
    """Return the training and the validation data, checked against the network.

    Its `classes` are then those of the labels.
    """
    check_network(net)
    if isinstance(data, Splits):
        train, held_out = data.train, data.validation
    else:
        train, held_out = as_dataset(data), None
    classes = classes_of(net, train, "training data")
    train = check_data(net, train, "training data", classes=classes)
    validation = settings.validation
    if isinstance(validation, int | float) and not isinstance(validation, bool):
        rng = host_rng(0, "split")  # one split for all seeds: they stay comparable
        if doubt := doubtful_count(validation, len(train)):
            warnings.warn(f"validation: {doubt}", GpunetWarning, stacklevel=5)
        train, held_out = split_validation(train, validation, rng)
    elif validation is not None:
        held_out = as_dataset(validation, train.scale)
    if held_out is not None:
        held_out = check_data(
            net, held_out, "validation data", one_class_ok=True, classes=classes
        )
    if settings.class_weight is not None:
        train = _weighted(train, settings.class_weight, net.n_out, classes)
    check_trainable(net.layers)
    if settings.early_stopping and held_out is None:
        raise ConfigError(
            "early_stopping: there are no validation data to judge by; give validation="
        )
    net.classes, net._trained = classes, True
    return train, held_out


def _weighted(train: Dataset, weights: Any, n_out: int, classes: Any) -> Dataset:
    """Return labelled data whose weights are those of their classes, too."""
    if train.t.ndim != 1:
        raise ConfigError("class_weight: the targets are not labels; leave it out")
    if isinstance(weights, dict) and classes:
        code = {name: k for k, name in enumerate(classes)}
        weights = {code.get(name, name): w for name, w in weights.items()}
    weight = class_weights(train.t, weights, n_out)
    if train.weight is not None:
        weight = weight * train.weight
    return replace(train, weight=weight)


def as_dataset(data: Any, scale: float = 1.0) -> Dataset:
    """Return `data` as a Dataset; bare arrays get `scale`."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        x, t = data[:2]
        return Dataset(x, t, data[2] if len(data) == 3 else None, scale)
    if isinstance(data, Splits):
        raise ConfigError("data: got Splits; give one of its parts, such as data.test")
    raise ConfigError(
        f"data: must be a Dataset, Splits or (x, t), got {type(data).__name__}"
    )


def check_network(net: Any) -> None:
    """Refuse what is not a network (ConfigError): the data, or an estimator."""
    if not isinstance(net, Network):
        raise ConfigError(
            f"net: must be a gpunet.Network, got {type(net).__name__}; the network "
            "comes first, then the data"
        )


def check_data(
    net: Network,
    data: Dataset,
    what: str,
    *,
    one_class_ok: bool = False,
    classes: Any = None,
) -> Dataset:
    """Return `data` checked against the network: rows, labels, widths.

    Labels become numbers: positions among `classes`, or else the network's. Data that
    nothing is learned from may hold one class only. Labels out of range, unequal
    counts or features the network cannot use are a DataError or ConfigError.
    """
    check_network(net)
    first, n_out = net.layers[0], net.n_out
    coded = isinstance(data, CodedDataset)
    t = data.t if coded else label_codes(net, data, what, classes)
    if t.ndim == 1 and n_out == 1:
        t = t[:, None]
    data = replace(data, t=t, classes=None)
    n_classes = n_out if t.ndim == 1 else None
    data = check_dataset(data, n_classes, what, one_class_ok=one_class_ok)
    if net.loss.kind == "sigmoid_cross_entropy" and data.t.ndim == 2:
        check_probabilities(data.t, what)
    if isinstance(first, Dense) and (data.x.ndim, data.x.shape[-1]) != (2, first.n_in):
        raise features_error(data.x.shape, first.n_in, what)
    if isinstance(first, Embedding):
        check_words(data.x, first.n_words, what)
    for values, name in ((data.x, "features"), (data.t, "targets")):
        _check_range(values, net.dtype, f"{what}: {name}")
    if data.t.ndim == 2 and data.t.shape[1] != n_out:
        raise ConfigError(
            f"{what}: the network has {counted(n_out, 'output')}, targets have shape "
            f"{data.t.shape}"
        )
    return CodedDataset(data.x, data.t, data.weight, data.scale)


def _check_range(values: Any, dtype: str, what: str) -> None:
    """Refuse numbers that the training dtype cannot hold."""
    if values.dtype.kind == "f" and values.dtype.itemsize > np.dtype(dtype).itemsize:
        largest = float(np.max(np.abs(values)))
        if largest > float(np.finfo(dtype).max):
            raise DataError(
                f"{what}: {largest:g} is beyond {dtype}; scale the data or train in "
                "float64"
            )


def check_trainable(layers: Sequence[Layer]) -> None:
    """Refuse layers through which no gradient passes (ConfigError)."""
    for layer in layers:
        if isinstance(layer, Activation) and layer.f.untrainable:
            raise ConfigError(layer.f.untrainable)


class DiskRows:
    """Rows of a file as an array of the device that is made when it is sliced."""

    def __init__(self, bk: Backend, rows: MatrixRows, scale: float):
        self._bk, self._rows, self._scale = bk, rows, scale
        self.shape, self.ndim = rows.shape, 2
        self.dtype = bk.dtype(str(rows.dtype))

    def __getitem__(self, index: Any) -> Array:
        """Return some rows, by a slice or a host index, on the device."""
        x = self._rows[index].load()
        if self._scale != 1.0:
            x *= self._scale
        return self._bk.view(x)


@dataclass(frozen=True)
class DeviceData:
    """Examples on the device.

    Attributes
    ----------
    bk : Backend
    x : array, shape (n, features...), or DiskRows
        Bytes stay bytes, a quarter of the memory and of the copy; a batch of them
        is converted when it is used.
    t : array, labels (n,) or targets (n, n_out)
    weight : array, shape (n,), or None
    scale : float
        What bytes are multiplied with; of other numbers it is 1.
    dtype : str
        What bytes are converted to.
    """

    bk: Backend
    x: Any
    t: Array
    weight: Array | None
    scale: float
    dtype: str

    @property
    def n(self) -> int:
        """The number of examples."""
        return self.x.shape[0]

    @property
    def on_disk(self) -> bool:
        """Whether x is read from a file, batch by batch."""
        return isinstance(self.x, DiskRows)

    def converted(self) -> "DeviceData":
        """Return these data with bytes as floats: faster batches for more memory."""
        return replace(self, x=self.floats(self.x), scale=1.0)

    def floats(self, x: Array) -> Array:
        """Return bytes as floats times `scale`; other numbers as they are."""
        xp = namespace(x)
        if x.dtype != xp.uint8:
            return x
        x = xp.astype(x, self.bk.dtype(self.dtype))
        x *= self.scale  # in place, on the copy: half the peak memory
        return x


def to_device(net: Network, data: Dataset) -> DeviceData:
    """Return a checked data set on the network's device, in its dtype.

    Labels stay integers, and one-hot rows become labels: the cost and its slopes are
    the same, bit for bit, and answers can be right or wrong. NumPy data of the right
    dtype and scale are shared, not copied.
    """
    bk, x, scale = net.backend, data.x, 1.0
    view: Callable[[Any], Any] = bk.view
    if isinstance(x, MatrixRows):
        x, view = DiskRows(bk, x, data.scale), lambda rows: rows
    elif isinstance(net.layers[0], Embedding):
        x = x.astype("int64", copy=False)  # few libraries index with less
    elif x.dtype != np.uint8:
        x = data.scaled(net.dtype)
    else:
        scale = data.scale
    weight = None
    if data.weight is not None:
        weight = bk.array(normalized_weights(data.weight), net.dtype)
    t = _without_one_hot(data.t)
    t = bk.view(t) if t.ndim == 1 else bk.view(t, net.dtype)
    return DeviceData(bk, view(x), t, weight, scale, net.dtype)


def _without_one_hot(t: np.ndarray) -> np.ndarray:
    """Return labels where each row of targets is 1 at one of several places, else 0."""
    if t.ndim == 2 and t.shape[1] > 1 and np.count_nonzero(t) == len(t):
        hot = t == 1
        if np.all(np.any(hot, axis=1)):
            return np.argmax(hot, axis=1).astype(np.int64)
    return t
