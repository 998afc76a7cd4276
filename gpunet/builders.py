"""Builders: whole networks from a list of sizes."""

from collections.abc import Sequence
from typing import Any

from .activations import ActivationFunction
from .errors import ConfigError
from .layers import Activation, Dense, Dropout, Layer
from .losses import Loss
from .network import Network


def mlp(
    sizes: Sequence[int],
    activation: "str | ActivationFunction | Sequence" = "relu",
    *,
    output: "str | ActivationFunction" = "identity",
    loss: "str | Loss" = "softmax_cross_entropy",
    weights: Any = None,
    biases: Any = "zeros",
    dropout: float = 0.0,
    **network: Any,
) -> Network:
    """Return a multi-layer perceptron: dense layers with activations between.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer, input first: [784, 16, 16, 10].
    activation : str, ActivationFunction or a sequence of them
        Of the hidden layers; a sequence gives each its own.
    output : str or ActivationFunction
        Of the last layer; "identity" for losses on logits.
    loss : str or Loss
    weights : str, float or array, optional
        Start of the weights. None takes He's for the ReLU family and LeCun's
        1/sqrt(n_in) for the others.
    biases : str, float or array
    dropout : float
        Rate of a Dropout after each hidden activation.
    **network
        population, seed, device, dtype of `Network`.

    Raises
    ------
    ConfigError
        Fewer than two sizes, or as many activations as there are not layers.

    Examples
    --------
    >>> mlp([2, 3, 1], "tanh", output="sigmoid", loss="squared_error").n_parameters
    13
    """
    sizes = list(sizes)
    if len(sizes) < 2:
        raise ConfigError(f"mlp: sizes: expected two or more layers, got {sizes}")
    n_hidden = len(sizes) - 2
    if isinstance(activation, str | ActivationFunction):
        activation = [activation] * n_hidden
    if len(activation) != n_hidden:
        raise ConfigError(
            f"mlp: activation: expected {n_hidden} (one for each hidden layer), "
            f"got {len(activation)}"
        )
    layers: list[Layer] = []
    for k, function in enumerate([*activation, output]):
        start = weights
        if start is None:
            name = str(getattr(function, "name", function))
            family = ("relu", "leaky_relu", "elu", "gelu", "silu")
            start = "he_normal" if name.split(":")[0] in family else "lecun_normal"
        layers.append(Dense(sizes[k], sizes[k + 1], start, biases))
        if function != "identity":
            layers.append(Activation(function))
        if dropout and k < n_hidden:
            layers.append(Dropout(dropout))
    return Network(layers, loss, **network)
