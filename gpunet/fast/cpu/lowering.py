"""A network and its optimizer as the numbers that the kernels read."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array, Params
from ...blocks import dense_blocks
from ...errors import ConfigError
from ...losses import Loss
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from .jit import functions
from .jit.structs import LoweredNetwork
from .jit.vectors import lanes

ACTIVATIONS = {
    "identity": functions.IDENTITY,
    "relu": functions.RELU,
    "leaky_relu": functions.LEAKY,
    "sigmoid": functions.SIGMOID,
    "tanh": functions.TANH,
}
LOSSES = {
    "softmax_cross_entropy": functions.SOFTMAX,
    "sigmoid_cross_entropy": functions.BINARY,
    "squared_error": functions.SQUARES,
    "half_squared_error": functions.SQUARES,
    "mean_squared_error": functions.SQUARES,
}


def why_unsupported(net: Network) -> str:
    """Return why compiled code cannot compute a network and its loss, or ""."""
    try:
        blocks = dense_blocks(net.layers)
    except ConfigError as error:
        return str(error)
    for block in blocks:
        if block.f.kind not in ACTIVATIONS or not block.f.built_in:
            return f"activation {block.f.name} is not one of {', '.join(ACTIVATIONS)}"
        if block.f.kind == "leaky_relu" and block.f.parameter <= 0:
            return f"{block.f.name} has no slope below 0"
    if blocks[-1].dropout:
        return "Dropout on the outputs is not supported"
    if net.loss.kind not in LOSSES or not net.loss.built_in:
        return f"loss {net.loss.name} is not one of {', '.join(LOSSES)}"
    return ""


def why_unsupported_optimizer(optimizer: Optimizer) -> str:
    """Return why compiled code has no kernel for an optimizer, or ""."""
    if type(optimizer) not in (SGD, Adam):
        return f"optimizer {type(optimizer).__name__} is neither SGD nor Adam"
    for name in ("l1", "max_norm", "clip_norm", "layer_rates", "frozen"):
        value = getattr(optimizer, name)
        if any(value) if isinstance(value, Sequence) else value:
            return f"{name} is supported by the loop alone"
    if getattr(optimizer, "eps", 1.0) == 0:
        return "eps is 0, and 0 / 0 is not a number"  # in the padding of rows
    return ""


class Layout(NamedTuple):
    """Where numbers are in flat arrays."""

    indices: Sequence[int]  # of the dense layers: layer i has the tensors "i.W", "i.b"
    layers: Array  # see `structs.LoweredNetwork`
    size: int  # parameters of one member, padded
    row_size: int  # numbers of one example in the workspace


def layout(net: Network) -> Layout:
    """Return where a network's numbers are."""
    blocks = dense_blocks(net.layers)
    sizes = [(block.dense.n_in, block.dense.n_out) for block in blocks]
    activations = [ACTIVATIONS[block.f.kind] for block in blocks]
    dropouts = [block.dropout > 0 for block in blocks]
    indices = [block.index for block in blocks]
    return lay_out(sizes, activations, dropouts, net.dtype)._replace(indices=indices)


def lay_out(
    sizes: Sequence[tuple[int, int]],
    activations: Sequence[int],
    dropouts: Sequence[bool],
    dtype: Any,
) -> Layout:
    """Return where the numbers of dense layers of sizes (n_in, n_out) are."""
    step, layers = lanes(dtype), np.zeros((len(sizes), 10), np.int64)
    size = row_size = draws = 0
    rows = zip(layers, sizes, activations, dropouts, strict=True)
    for layer, (n_in, n_out), activation, has_dropout in rows:
        used = -(-n_out // step) * step
        # Rows a power of two apart would share few sets of the cache.
        width = used + step if used % (4 * step) == 0 else used
        layer[:5] = n_in, n_out, width, size, size + n_in * width
        layer[5:] = activation, row_size, draws, 0, used
        draws += n_out if has_dropout else 0
        size += (n_in + 1) * width
        row_size += width
    return Layout(range(len(sizes)), layers, size, row_size)


def pack(flat: Array, params: Params, layout: Layout, i: int | None) -> None:
    """Copy member i's tensors into its flat array; what pads its rows is 0."""
    flat[:] = 0.0  # after a divergence it may not be
    for view, tensor in _views(flat, params, layout, i):
        view[...] = tensor


def unpack(flat: Array, params: Params, layout: Layout, i: int | None) -> None:
    """Copy member i's flat array into its tensors, in place."""
    for view, tensor in _views(flat, params, layout, i):
        tensor[...] = view


def _views(
    flat: Array, params: Params, layout: Layout, i: int | None
) -> Iterator[tuple[Array, Array]]:
    """Yield (view of a flat array, member i's tensor) of each W and b."""
    for index, row in zip(layout.indices, layout.layers, strict=True):
        n_in, n_out, width, w, b = row[:5]
        W, bias = params[f"{index}.W"], params[f"{index}.b"]
        member = ... if i is None else i
        yield flat[w : w + n_in * width].reshape(n_in, -1)[:, :n_out], W[member]
        yield flat[b : b + n_out], bias[member]


def lower(
    net: Network, optimizer: Optimizer, layers: Array, **settings: bool
) -> LoweredNetwork:
    """Return a network, its loss and its optimizer as the kernels read them.

    `layers` are of `workspace.layers_for`, `settings` other fields of the result.
    """
    blocks, loss = dense_blocks(net.layers), net.loss
    n_out = blocks[-1].dense.n_out
    factor = float(loss.square_factor(n_out)) if loss.square_factor else 1.0
    return LoweredNetwork(
        layers=layers,
        alphas=np.asarray([block.f.parameter for block in blocks], net.dtype),
        dropout=np.asarray([block.dropout for block in blocks], np.float64),
        loss=LOSSES[loss.kind],
        optimizer=optimizer_kind(optimizer),
        smoothing=np.asarray(_smoothing(loss, n_out)),
        square_factor=factor,
        slope_factor=2.0 * factor if loss.square_factor else 1.0,
        **settings,
    )


def _smoothing(loss: Loss, n_out: int) -> list[float]:
    if loss.square_factor:
        return [1.0, 0.0]
    share = 0.5 if LOSSES[loss.kind] == functions.BINARY else 1.0 / n_out
    return [1.0 - loss.parameter, loss.parameter * share]


def optimizer_kind(optimizer: Optimizer) -> int:
    """Return the number of an optimizer's update rule."""
    if isinstance(optimizer, Adam):
        return functions.ADAM
    if isinstance(optimizer, SGD) and optimizer.slot_names:
        return functions.NESTEROV if optimizer.nesterov else functions.MOMENTUM
    return functions.SGD


def adam_correction(t: Any, beta1: float, beta2: float) -> Any:
    """Return Adam's correction of its start at zero in step t, or in many steps."""
    return np.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)


def hyper_parameters(optimizer: Optimizer, i: int) -> tuple[list[float], list[float]]:
    """Return member i's numbers for `functions.apply_gradient`: hyper and l2."""

    def of_member(value: Any) -> float:
        return float(value[i] if hasattr(value, "__len__") else value)

    if isinstance(optimizer, Adam):
        b1, b2 = optimizer.beta1, optimizer.beta2
        return [b1, b2, 1.0 - b1, 1.0 - b2, optimizer.eps], [of_member(optimizer.l2)]
    momentum = optimizer.momentum if isinstance(optimizer, SGD) else 0.0
    return [of_member(momentum), 0, 0, 0, 0], [of_member(optimizer.l2)]
