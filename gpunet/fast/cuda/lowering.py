"""What both CUDA engines ask of a network: layers and a loss that have kernels."""

from collections.abc import Collection
from typing import Any

from ...blocks import dense_blocks
from ...errors import ConfigError
from ...losses import Loss
from ...network import Network

# As numbered in the .cu texts.
ACTIVATIONS = (
    *("identity", "sigmoid", "tanh", "relu", "leaky_relu"),
    *("elu", "gelu", "silu", "softplus"),
)
LOSSES = ("softmax_cross_entropy", "sigmoid_cross_entropy", "squared_error")


def why_unsupported(net: Network, activations: Collection[str]) -> str:
    """Return why there are no kernels for a network and its loss, or ""."""
    try:
        blocks = dense_blocks(net.layers)
    except ConfigError as error:
        return str(error)
    for block in blocks:
        if block.f.kind not in activations or not block.f.built_in:
            return f"there is no kernel for the activation {block.f.name}"
    if not net.loss.built_in or loss_kind(net.loss) not in LOSSES:
        return f"there is no kernel for the loss {net.loss.name}"
    return ""


def loss_kind(loss: Loss) -> str:
    """Return which of `LOSSES` computes a loss, if one does."""
    return "squared_error" if loss.square_factor else loss.kind


def square_factor(net: Network) -> float:
    """Return the factor of a squared error; 0 for the other losses."""
    factor: Any = net.loss.square_factor
    return float(factor(net.n_out)) if factor else 0.0
