"""Layers as JSON: what a model file says of each, and back.

Names are looked up in this table, in those of activations and initializers, and
among the classes that the caller gives: nothing a file says is imported or run.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from ..activations import ActivationFunction
from ..errors import ConfigError
from ..io.json_text import finite_json
from ..io.messages import choices
from ..layers import LAYERS, Activation, Dense, Embedding, Layer

# What files call two of the fields, since version 0.1.0.
_FILE_KEYS = {"weight_init": "weights", "bias_init": "biases"}
_FIELDS = {key: name for name, key in _FILE_KEYS.items()}


def layer_to_config(layer: Layer) -> dict[str, Any]:
    """Return what a JSON file keeps of a layer: its kind and its numbers.

    A custom layer from which no file could bring it back is a ConfigError.
    """
    kind = type(layer)
    custom = LAYERS.get(kind.__name__) is not kind
    if custom:
        _check_class(kind)
    config: dict[str, Any] = {"layer": kind.__name__}
    for item in fields(layer):  # type: ignore[arg-type]  # checked, or built in
        if not item.init:
            continue
        key, value = item.name, getattr(layer, item.name)
        if isinstance(value, ActivationFunction) and isinstance(layer, Activation):
            value = value.name
        elif hasattr(value, "shape") and isinstance(layer, Dense | Embedding):
            value = "zeros"  # an array as start: the file's tensors replace it
        elif custom:
            value = _json_value(kind, key, value)
        if not custom:
            key = _FILE_KEYS.get(key, key)
        config[key] = list(value) if isinstance(value, tuple) else value
    return config


def layer_from_config(
    config: dict[str, Any],
    activations: dict[str, ActivationFunction] | None = None,
    layers: Iterable[type[Layer]] = (),
) -> Layer:
    """Return the layer that `layer_to_config` described.

    `activations` and `layers` are the custom ones that a file may name. An unknown
    kind, and an unknown or missing entry, are a ConfigError.
    """
    entries = dict(config)
    name = entries.pop("layer", None)
    known = {kind.__name__: kind for kind in layers} | LAYERS
    if not isinstance(name, str) or name not in known:
        raise ConfigError(
            f"layer: {name!r:.80}: no such layer; "
            f"{choices(name, known, 'or give its class by layers=[...]')}"
        )
    if name in LAYERS:
        entries = {_FIELDS.get(key, key): value for key, value in entries.items()}
    else:
        entries = {key: _tuples(value) for key, value in entries.items()}
    function = entries.get("function")
    if activations and isinstance(function, str) and function in activations:
        entries["function"] = activations[function]
    try:
        return known[name](**entries)
    except TypeError as error:
        raise ConfigError(f"layer: {name}: {error}; correct its entries") from None


def check_custom(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse a custom layer that `layer_from_config` could not make again.

    `shapes` are those of its tensors, without a member axis (errors: ConfigError).
    """
    kind, config = type(layer), layer_to_config(layer)
    declared = {name: tuple(shape) for name, shape in layer.shapes().items()}
    if declared != shapes:
        reason = f"its shapes() is {declared}, but its tensors have {shapes}"
        raise _unsaved(kind, reason)
    functions = {layer.f.name: layer.f} if isinstance(layer, Activation) else {}
    try:
        again = layer_to_config(layer_from_config(config, functions, [kind]))
    except Exception as error:  # the class is the caller's, and may raise anything
        raise _unsaved(kind, f"{config} does not make it again ({error})") from error
    if again != config:
        raise _unsaved(kind, f"{config} makes another layer")


def check_layer_classes(layers: Any) -> tuple[type[Layer], ...]:
    """Return classes of custom layers as a tuple, or refuse them (ConfigError)."""
    layers = tuple(layers) if hasattr(layers, "__iter__") else (layers,)
    for kind in layers:
        if not isinstance(kind, type) or not issubclass(kind, Layer):
            raise ConfigError(
                f"layers must be classes derived from gpunet.Layer, got {kind!r:.80}"
            )
        if LAYERS.get(kind.__name__, kind) is not kind:
            raise ConfigError(
                f"layers: {kind.__qualname__} has the name of a built-in layer; "
                "rename it"
            )
    return layers


def _check_class(kind: type[Layer]) -> None:
    if kind.__name__ in LAYERS:
        raise _unsaved(kind, "it has the name of a built-in layer; rename it")
    if "<locals>" in kind.__qualname__:
        raise _unsaved(
            kind, "it is defined inside a function; define it in a module of its own"
        )
    if not is_dataclass(kind):
        raise _unsaved(kind, "it is not a dataclass; put @dataclass(frozen=True) on it")


def _json_value(kind: type[Layer], name: str, value: Any) -> Any:
    """Return a hyper-parameter as JSON brings it back, or refuse it."""
    try:
        if getattr(value, "ndim", 0):
            raise ConfigError("it is an array; make it a tuple, or a tensor")
        json.dumps(value, allow_nan=False, default=lambda number: number.item())
        return finite_json(value)
    except (ConfigError, TypeError, ValueError, AttributeError) as error:
        reason = f"JSON cannot hold its hyper-parameter {name}, {value!r:.60} ({error})"
        raise _unsaved(kind, reason) from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _unsaved(kind: type, reason: str) -> ConfigError:
    return ConfigError(f"layer: {kind.__qualname__} cannot be saved: {reason}")
