"""A network, its optimizer and its data as the numbers that the kernels read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from ...layers import Activation, Dense, Dropout
from ...losses import Loss
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from .jit import functions
from .jit.vectors import lanes

_FUNCTIONS = {
    "identity": functions.IDENTITY,
    "relu": functions.RELU,
    "leaky_relu": functions.LEAKY,
    "sigmoid": functions.SIGMOID,
    "tanh": functions.TANH,
}
_LOSSES = {
    "softmax_cross_entropy": functions.SOFTMAX,
    "sigmoid_cross_entropy": functions.BINARY,
    "squared_error": functions.SQUARES,
    "half_squared_error": functions.SQUARES,
    "mean_squared_error": functions.SQUARES,
}


class Row(NamedTuple):
    """A Dense layer with what follows it."""

    at: int  # its place among the network's layers
    dense: Dense
    function: int = functions.IDENTITY
    alpha: float = 0.0
    drop: float = 0.0


def rows_of(net: Network) -> tuple[list[Row], str]:
    """Return the dense layers with their activations, and why they will not do."""
    found: list[Row] = []
    for i, layer in enumerate(net.layers):
        kind = type(layer)  # a class derived from it may compute anything
        if kind is Dense:
            found.append(Row(i, layer))
            continue
        if not found:
            return found, f"the first layer is {kind.__name__}, not Dense"
        before = type(net.layers[i - 1])
        if kind is Activation and before is Dense:
            name, _, number = layer.f.name.partition(":")
            alpha = float(number or 0.0) if name in _FUNCTIONS else 0.0
            if name not in _FUNCTIONS or not layer.f.built_in:
                known = ", ".join(_FUNCTIONS)
                return found, f"activation {layer.f.name} is not one of {known}"
            if name == "leaky_relu" and alpha <= 0:
                return found, f"{layer.f.name} has no slope below 0"
            found[-1] = found[-1]._replace(function=_FUNCTIONS[name], alpha=alpha)
        elif kind is Dropout and before is not Dropout:
            found[-1] = found[-1]._replace(drop=float(layer.rate))
        else:
            return found, f"layer {i}, {kind.__name__}, is not known to it"
    if found[-1].drop:
        return found, "Dropout on the outputs is not known to it"
    return found, ""


def refuse_loss(loss: Loss) -> str:
    """Return why a loss is not known, or ""."""
    if loss.name.partition(":")[0] in _LOSSES and loss.built_in:
        return ""
    return f"loss {loss.name} is not one of {', '.join(_LOSSES)}"


def refuse_optimizer(optimizer: Optimizer) -> str:
    """Return why an optimizer is not known, or ""."""
    if type(optimizer) not in (SGD, Adam):
        return f"optimizer {type(optimizer).__name__} is neither SGD nor Adam"
    for name in ("l1", "max_norm", "clip_norm", "layer_rates", "frozen"):
        value = getattr(optimizer, name)
        if any(value) if isinstance(value, Sequence) else value:
            return f"{name} is known to the loop alone"
    if getattr(optimizer, "eps", 1.0) == 0:
        return "eps is 0, and 0 / 0 is no number"  # in the padding of rows
    return ""


class Layout(NamedTuple):
    """Where things stand: a table of layers, and the lengths of flat arrays."""

    table: Array
    size: int  # parameters of one member, padded
    row: int  # numbers of one example in the work space


def layout(net: Network) -> Layout:
    """Return the places of a network's numbers; see `tables.Plan.table`."""
    rows, _ = rows_of(net)
    sizes = [(row.dense.n_in, row.dense.n_out) for row in rows]
    drops = [row.drop > 0 for row in rows]
    return lay_out(sizes, [row.function for row in rows], drops, net.dtype)


def lay_out(
    sizes: list[tuple[int, int]], kinds: list[int], drops: list[bool], dtype: Any
) -> Layout:
    """Return the places of the numbers of a row of dense layers.

    Parameters
    ----------
    sizes : list of (n_in, n_out)
    kinds : list of int
        Each layer's activation.
    drops : list of bool
        Whether dropout follows it.
    """
    step = lanes(dtype)
    table = np.zeros((len(sizes), 10), np.int64)
    place = room = draws = 0
    for t, (n_in, n_out), kind, drop in zip(table, sizes, kinds, drops, strict=True):
        width = -(-n_out // step) * step
        # Rows a power of two apart would fall into few places of the cache.
        part, width = width, width + step if width % (4 * step) == 0 else width
        t[:5] = n_in, n_out, width, place, place + n_in * width
        t[5:] = kind, room, draws, 0, part
        draws += n_out if drop else 0
        place += (n_in + 1) * width
        room += width
    return Layout(table, place, room)


def tensors(net: Network, table: Array) -> list[tuple[str, str, Array]]:
    """Return (name of W, name of b, the layer's row of the table)."""
    rows, _ = rows_of(net)
    return [
        (f"{row.at}.W", f"{row.at}.b", t) for row, t in zip(rows, table, strict=True)
    ]


def read(flat: Array, arrays: Any, names: Any, i: int | None) -> None:
    """Copy a member's tensors into its flat array; what pads its rows is 0."""
    flat[:] = 0.0  # after a divergence it may not be
    for w, b, (n_in, n_out, n, W, B, *_) in names:
        w, b = (arrays[name] if i is None else arrays[name][i] for name in (w, b))
        flat[W : W + n_in * n].reshape(n_in, n)[:, :n_out] = w
        flat[B : B + n_out] = b


def write(flat: Array, arrays: Any, names: Any, i: int | None) -> None:
    """Copy a member's flat array into its tensors, in place."""
    for w, b, (n_in, n_out, n, W, B, *_) in names:
        w, b = (arrays[name] if i is None else arrays[name][i] for name in (w, b))
        w[...] = flat[W : W + n_in * n].reshape(n_in, n)[:, :n_out]
        b[...] = flat[B : B + n_out]


def softening(loss: Loss, n_out: int) -> list[float]:
    """Return (a, b): what the loss makes of a target t is a t + b."""
    smoothing = float(loss.name.partition(":")[2] or 0.0)
    rest = 0.5 if _LOSSES[loss.name.partition(":")[0]] == functions.BINARY else 1.0
    rest = rest if rest == 0.5 else 1.0 / n_out
    return [1.0 - smoothing, smoothing * rest]


def loss_kind(loss: Loss, n_out: int) -> tuple[int, float]:
    """Return the loss's number and the factor of a squared error."""
    name = loss.name.partition(":")[0]
    factors = {"half_squared_error": 0.5, "mean_squared_error": 1.0 / n_out}
    return _LOSSES[name], factors.get(name, 1.0)


class Settings(NamedTuple):
    """An optimizer as numbers."""

    kind: int
    slots: tuple[str, ...]
    betas: tuple[float, float] = (0.0, 0.0)

    def correction(self, t: Any) -> Any:
        """Return Adam's correction of its start at zero in step t, or in many."""
        if self.kind != functions.ADAM:
            return 1.0
        b1, b2 = self.betas
        return np.sqrt(1.0 - b2**t) / (1.0 - b1**t)


def settings(optimizer: Optimizer) -> Settings:
    """Return the kind of an optimizer and what it remembers."""
    if isinstance(optimizer, Adam):
        betas = (optimizer.beta1, optimizer.beta2)
        return Settings(functions.ADAM, ("mean", "square"), betas)
    slots = tuple(optimizer.slot_names)
    kind = functions.NESTEROV if optimizer.nesterov else functions.MOMENTUM
    return Settings(kind if slots else functions.SGD, slots)


def hyper(optimizer: Optimizer, i: int) -> tuple[list[float], float]:
    """Return member i's numbers for `functions.move`: h and l2."""

    def own(value: Any) -> float:
        return float(value) if not hasattr(value, "__len__") else float(value[i])

    if isinstance(optimizer, Adam):
        b1, b2 = optimizer.beta1, optimizer.beta2
        return [b1, b2, 1.0 - b1, 1.0 - b2, optimizer.eps], own(optimizer.l2)
    return [own(optimizer.momentum), 0, 0, 0, 0], own(optimizer.l2)
