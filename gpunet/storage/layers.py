"""Layers as JSON: what a model file says of each, and back.

Names are looked up in this table and in those of activations and initializers:
nothing a file says is ever imported or run.
"""

from dataclasses import fields
from typing import Any

from gpunet.activations import ActivationFunction
from gpunet.errors import ConfigError
from gpunet.layers import Activation, Dense, Dropout, Embedding, Flatten, Layer

LAYERS = {
    kind.__name__: kind for kind in (Dense, Activation, Dropout, Flatten, Embedding)
}


def layer_to_config(layer: Layer) -> dict[str, Any]:
    """Return what a JSON file keeps of a layer: its kind and its numbers."""
    config: dict[str, Any] = {"layer": type(layer).__name__}
    for item in fields(layer):
        if not item.init:
            continue
        value = getattr(layer, item.name)
        if isinstance(value, ActivationFunction):
            value = value.name
        elif hasattr(value, "shape"):
            value = "zeros"  # a given start: the file's tensors replace it
        config[item.name] = list(value) if isinstance(value, tuple) else value
    return config


def layer_from_config(
    config: dict[str, Any], own: dict[str, ActivationFunction] | None = None
) -> Layer:
    """Return the layer that `layer_to_config` described.

    Parameters
    ----------
    config : dict
    own : dict, optional
        Activation functions of the user's own, by name.

    Raises
    ------
    ConfigError
        Unknown kind, unknown or missing entry. Nothing but the closed tables
        of this library is ever looked up.
    """
    entries = dict(config)
    kind = entries.pop("layer", None)
    if not isinstance(kind, str) or kind not in LAYERS:
        raise ConfigError(
            f"layer: {kind!r}: no such layer; choose from {', '.join(LAYERS)}"
        )
    function = entries.get("function")
    if own and isinstance(function, str) and function in own:
        entries["function"] = own[function]
    try:
        return LAYERS[kind](**entries)
    except TypeError as error:
        raise ConfigError(f"layer: {kind}: {error}; correct its entries") from None
