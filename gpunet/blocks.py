"""Blocks: a dense layer with its activation and dropout, and networks of them.

`mlp` builds a network from a list of sizes; `dense_blocks` finds the blocks again,
for whatever knows networks of this kind alone: engines, exports, explanations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from .activations import ActivationFunction, get_activation
from .errors import ConfigError, renamed_keywords
from .io.messages import choices
from .layers import Activation, Dense, Dropout, Embedding, Flatten, Layer
from .losses import Loss
from .network import Network
from .random import member_seeds

Function = str | ActivationFunction
INITS = ("per_member", "shared")


@renamed_keywords(weights="weight_init", biases="bias_init")
def mlp(
    sizes: Sequence[int],
    activation: "Function | Sequence[Function]" = "relu",
    *,
    output: Function = "identity",
    loss: "str | Loss" = "softmax_cross_entropy",
    weight_init: Any = None,
    bias_init: Any = "zeros",
    dropout: float = 0.0,
    init: str = "per_member",
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
    weight_init : str, float or array, optional
        Start of the weights. None uses what suits the activation: He's for the
        ReLU family and LeCun's 1/sqrt(n_in) for the others.
    bias_init : str, float or array
    dropout : float
        Rate of a Dropout after each hidden activation.
    init : "per_member" or "shared"
        Each member of a population starts from weights of its own seed; or all
        start from those of the first seed, and their own seeds draw the rest: the
        order of the examples and what Dropout drops.
    **network
        population, seed, device, dtype of `Network`.

    Raises
    ------
    ConfigError
        Fewer than two sizes, or as many activations as there are not layers, or
        an unknown `init`.

    Examples
    --------
    >>> mlp([2, 3, 1], "tanh", output="sigmoid", loss="squared_error").n_parameters
    13
    """
    layers = mlp_layers(sizes, activation, output, weight_init, bias_init, dropout)
    return network_of(layers, loss, init, **network)


def network_of(
    layers: Sequence[Layer],
    loss: "str | Loss",
    init: str,
    *,
    population: int | None = None,
    seed: Any = 0,
    **network: Any,
) -> Network:
    """Return a network whose members start apart, or with init "shared" alike."""
    check_init(init)
    seeds = member_seeds(seed, population)
    start = seeds if init == "per_member" else seeds[:1] * len(seeds)
    net = Network(layers, loss, population=population, seed=start, **network)
    net.seeds = seeds
    return net


def check_init(init: str) -> None:
    """Refuse what does not say where members start (ConfigError)."""
    if init not in INITS:
        raise ConfigError(f"init: {init!r}: {choices(init, INITS)}")


def mlp_layers(
    sizes: Sequence[int],
    activation: "str | ActivationFunction | Sequence",
    output: "str | ActivationFunction",
    weight_init: Any,
    bias_init: Any,
    dropout: float,
) -> list[Layer]:
    """Return the layers of `mlp`, nothing drawn yet."""
    sizes = [  # t.max() + 1 is a whole number of NumPy; `Dense` refuses bools
        int(n) if isinstance(n, Integral) and not isinstance(n, bool) else n
        for n in sizes
    ]
    if len(sizes) < 2:
        raise ConfigError(f"mlp: sizes: expected two or more layers, got {sizes}")
    n_hidden = len(sizes) - 2
    if isinstance(activation, str | ActivationFunction) or callable(activation):
        activation = [activation] * n_hidden
    if len(activation) != n_hidden:
        raise ConfigError(
            f"mlp: activation: expected {n_hidden} (one for each hidden layer), "
            f"got {len(activation)}"
        )
    layers: list[Layer] = []
    for k, function in enumerate([*activation, output]):
        start = weight_init
        if start is None:
            start = get_activation(function).weight_init
        layers.append(Dense(sizes[k], sizes[k + 1], start, bias_init))
        if function != "identity":
            layers.append(Activation(function))
        if dropout and k < n_hidden:
            layers.append(Dropout(dropout))
    return layers


_IDENTITY = get_activation("identity")


@dataclass(frozen=True)
class DenseBlock:
    """A Dense layer with the activation and the Dropout that follow it.

    Attributes
    ----------
    index : int
        Of the Dense layer: its tensors are f"{index}.W" and f"{index}.b".
    """

    index: int
    dense: Dense
    f: ActivationFunction = _IDENTITY
    dropout: float = 0.0


def dense_blocks(layers: Sequence[Layer]) -> list[DenseBlock]:
    """Return a row of layers as blocks: Dense, Activation if any, Dropout if any.

    Raises
    ------
    ConfigError
        The layers are not such a row; the message is the reason.
    """
    blocks: list[DenseBlock] = []
    for i, layer in enumerate(layers):
        kind = type(layer)  # a derived class may compute anything
        last = blocks[-1] if blocks else None
        if isinstance(layer, Dense) and kind is Dense:
            blocks.append(DenseBlock(i, layer))
        elif last is None:
            raise ConfigError(f"the first layer is {kind.__name__}, not Dense")
        elif (
            isinstance(layer, Activation) and kind is Activation and i == last.index + 1
        ):
            blocks[-1] = replace(last, f=layer.f)
        elif isinstance(layer, Dropout) and kind is Dropout and not last.dropout:
            blocks[-1] = replace(last, dropout=float(layer.rate))
        else:
            raise ConfigError(
                f"layer {i}, {kind.__name__}, does not belong to a block of Dense, "
                "Activation and Dropout"
            )
    return blocks


def layer_title(layer: Layer) -> str:
    """Return a layer in a word: "Dense(784, 16)", or the name of an activation."""
    if isinstance(layer, Activation):
        return layer.f.name
    names = {
        Dense: ("n_in", "n_out"),
        Dropout: ("rate",),
        Embedding: ("n_words", "n_features"),
    }.get(type(layer), ())
    sizes = (
        layer.shape
        if isinstance(layer, Flatten)
        else [getattr(layer, n) for n in names]
    )
    return type(layer).__name__ + (f"({', '.join(map(str, sizes))})" if sizes else "")
