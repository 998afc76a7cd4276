"""Layers as JSON: what a model file says of each, and back.

Names are looked up in this table, in those of activations and initializers, and
among the classes that the caller gives: nothing a file says is ever imported or
run.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from gpunet.activations import ActivationFunction
from gpunet.errors import ConfigError
from gpunet.io.json_text import finite_json
from gpunet.layers import Activation, Dense, Dropout, Embedding, Flatten, Layer

_FILE_KEYS = {"weight_init": "weights", "bias_init": "biases"}  # field -> in files
LAYERS = {
    kind.__name__: kind for kind in (Dense, Activation, Dropout, Flatten, Embedding)
}


def layer_to_config(layer: Layer) -> dict[str, Any]:
    """Return what a JSON file keeps of a layer: its kind and its numbers.

    Raises
    ------
    ConfigError
        A custom layer from which no file could bring it back.
    """
    kind = type(layer)
    custom = LAYERS.get(kind.__name__) is not kind
    if custom:
        _check_class(kind)
    config: dict[str, Any] = {"layer": kind.__name__}
    for item in fields(layer):
        if not item.init:
            continue
        value = getattr(layer, item.name)
        if isinstance(value, ActivationFunction) and isinstance(layer, Activation):
            value = value.name
        elif hasattr(value, "shape") and isinstance(layer, Dense | Embedding):
            value = "zeros"  # a given start: the file's tensors replace it
        elif custom:
            value = _as_json(kind, item.name, value)
        key = item.name if custom else _FILE_KEYS.get(item.name, item.name)
        config[key] = list(value) if isinstance(value, tuple) else value
    return config


def check_custom(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse a custom layer that `layer_from_config` could not make again.

    Parameters
    ----------
    layer : Layer
    shapes : dict
        Of its tensors, without a member axis.

    Raises
    ------
    ConfigError
    """
    kind, config = type(layer), layer_to_config(layer)
    said = {name: tuple(shape) for name, shape in layer.shapes().items()}
    if said != shapes:
        raise _unsaved(kind, f"its shapes() is {said}, but its tensors have {shapes}")
    own = {layer.f.name: layer.f} if isinstance(layer, Activation) else {}
    try:
        same = layer_to_config(layer_from_config(config, own, [kind])) == config
    except Exception as error:  # the class is the caller's, and may raise anything
        raise _unsaved(kind, f"{config} does not make it again ({error})") from error
    if not same:
        raise _unsaved(kind, f"{config} makes another layer")


def layer_from_config(
    config: dict[str, Any],
    own: dict[str, ActivationFunction] | None = None,
    layers: Iterable[type[Layer]] = (),
) -> Layer:
    """Return the layer that `layer_to_config` described.

    Parameters
    ----------
    config : dict
    own : dict, optional
        Custom activation functions, by name.
    layers : iterable of class
        Custom layers. Lists become tuples for them.

    Raises
    ------
    ConfigError
        Unknown kind, unknown or missing entry. Nothing but the closed tables
        of this library and what was given is ever looked up.
    """
    entries = dict(config)
    name = entries.pop("layer", None)
    known = {kind.__name__: kind for kind in layers} | LAYERS
    if not isinstance(name, str) or name not in known:
        raise ConfigError(
            f"layer: {name!r:.80}: no such layer; choose from {', '.join(known)}, or "
            "give its class by layers=[...]"
        )
    kind = known[name]
    if name not in LAYERS:
        entries = {key: _tuples(value) for key, value in entries.items()}
    else:
        fields_by_key = {key: field for field, key in _FILE_KEYS.items()}
        entries = {fields_by_key.get(key, key): v for key, v in entries.items()}
    function = entries.get("function")
    if own and isinstance(function, str) and function in own:
        entries["function"] = own[function]
    try:
        return kind(**entries)
    except TypeError as error:
        raise ConfigError(f"layer: {name}: {error}; correct its entries") from None


def check_layer_classes(layers: Any) -> tuple[type[Layer], ...]:
    """Return classes of custom layers as a tuple, or refuse them (ConfigError)."""
    layers = tuple(layers) if hasattr(layers, "__iter__") else (layers,)
    for kind in layers:
        if not isinstance(kind, type) or not issubclass(kind, Layer):
            raise ConfigError(
                f"layers: expected classes derived from gpunet.Layer, got {kind!r:.80}"
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


def _as_json(kind: type[Layer], name: str, value: Any) -> Any:
    """Return a hyper-parameter as JSON brings it back, or refuse it."""
    try:
        if getattr(value, "ndim", 0):
            raise ConfigError("it is an array; make it a tuple, or a tensor")
        json.dumps(value, allow_nan=False, default=lambda number: number.item())
        return finite_json(value)
    except (ConfigError, TypeError, ValueError, AttributeError) as error:
        why = f"JSON cannot hold its hyper-parameter {name}, {value!r:.60} ({error})"
        raise _unsaved(kind, why) from error


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _unsaved(kind: type, why: str) -> ConfigError:
    return ConfigError(f"layer: {kind.__qualname__} cannot be saved: {why}")
