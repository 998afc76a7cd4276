"""Networks as files: `model.safetensors`, read without running anything in it.

The tensors are the network's parameters; the one JSON string beside them says
which layers they belong to. Names of layers, activations and losses are looked
up in this library's closed tables and among what the caller gives.
"""

import os
import pathlib
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..activations import ACTIVATIONS, ActivationFunction
from ..backend import Backend, open_backend
from ..backend.classes import as_classes, check_classes
from ..errors import ConfigError, ModelFileError
from ..io.messages import Path, message, printable
from ..layers import LAYERS, Activation, Layer
from ..losses import LOSSES, Loss, get_loss
from ..network import Network
from ..parameters import check_layers, known_dtype
from ..random import member_seeds
from .layers import (
    check_custom,
    check_layer_classes,
    layer_from_config,
    layer_to_config,
)
from .tensors import read_tensors, write_tensors

TensorSpecs = dict[str, tuple[tuple[int, ...], str]]  # name -> (shape, dtype name)


def network_to_config(net: Network) -> dict[str, Any]:
    """Return what a file says of a network beside its tensors: plain JSON.

    Custom parts are checked as by `custom_parts`.
    """
    custom_parts(net)
    classes = as_classes(net.classes, "network")
    return {
        "layers": [layer_to_config(layer) for layer in net.layers],
        "loss": net.loss.name,
        "population": net.population,
        "seeds": list(net.seeds),
        "dtype": net.dtype,
        **({"classes": list(classes)} if classes else {}),
    }


def custom_parts(net: Network) -> dict[str, list[str]]:
    """Return what `load_network` needs beside the file of a network.

    These are the names of custom "layers", "activations" and "loss", where it has any.
    A layer that no file could bring back, or a name that stands for two things, is a
    ConfigError.
    """
    parts: dict[str, dict[str, Any]] = {"layers": {}, "activations": {}, "loss": {}}
    lead = 1 if net.population else 0
    for layer, params in zip(net.layers, net.params.by_layer, strict=True):
        kind = type(layer)
        if LAYERS.get(kind.__name__) is not kind:
            check_custom(layer, {k: tuple(p.shape[lead:]) for k, p in params.items()})
            _add(parts["layers"], "layer", kind.__name__, kind)
        if isinstance(layer, Activation) and not layer.f.built_in:
            _add(parts["activations"], "activation", layer.f.name, layer.f, ACTIVATIONS)
    if not net.loss.built_in:
        _add(parts["loss"], "loss", net.loss.name, net.loss, LOSSES)
    return {what: list(names) for what, names in parts.items() if names}


def _add(
    parts: dict[str, Any], what: str, name: Any, part: Any, built_in: Iterable[str] = ()
) -> None:
    """Note a custom part by its name, if the name stands for nothing else."""
    if not isinstance(name, str) or name.partition(":")[0] in built_in:
        raise ConfigError(
            f"{what}: custom {what} {name!r:.80} cannot be saved: that is the name of "
            "a built-in one, which a file would bring back; give yours another name"
        )
    if parts.setdefault(name, part) != part:
        raise ConfigError(
            f"{what}: two custom ones are called {name!r:.80}, and a file knows them "
            "by name only; rename one"
        )


def save_network(net: Network, path: Path, **more: Any) -> None:
    """Write a network to one file, wholly or not at all.

    A custom layer, activation or loss is kept by its name alone: a warning says
    what `load_network` must then be given.

    Parameters
    ----------
    net : Network
    path : str, bytes or os.PathLike
    **more
        What JSON can hold, kept beside the layers.

    Raises
    ------
    ModelFileError
        A parameter is not finite.
    ConfigError
        A custom layer, activation or loss that no file can name, or another
        thread is training the network.
    WriteError
        The system refused; an old file of that name is intact.
    """
    begun = net.params.check_reading("save")
    tensors = {name: net.backend.to_host(p).copy() for name, p in net.params.items()}
    net.params.check_reading("save", begun)
    config = network_to_config(net)
    write_tensors(path, tensors, {"kind": "model", **more, "network": config})
    if parts := custom_parts(net):
        arguments = {what: f"[{', '.join(names)}]" for what, names in parts.items()}
        if "loss" in parts:
            arguments["loss"] = parts["loss"][0]
        listed = ", ".join(f"{what}={names}" for what, names in arguments.items())
        warnings.warn(
            f"{printable(path)} keeps custom parts by name only; load it with "
            f"gpunet.load_network(path, {listed})",
            stacklevel=2,
        )


def load_network(
    path: Path,
    device: str | Backend = "cpu",
    *,
    layers: Iterable[type[Layer]] = (),
    activations: Iterable[ActivationFunction] = (),
    loss: str | Loss | None = None,
) -> Network:
    """Return the network in a model file, checkpoint or run folder, on a device.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    device : str or Backend
    layers : sequence of class
        The custom layers that the file names, derived from `gpunet.Layer`.
    activations : sequence of ActivationFunction
        The custom ones that the file names.
    loss : Loss or str, optional
        The custom one, or another to use in its place.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or its tensors do not fit its layers.
    DeviceError
        The device cannot be used.
    """
    custom = {"layers": layers, "activations": activations, "loss": loss}
    return open_model(path, device, **custom)[0]


def model_file(path: Path) -> pathlib.Path:
    """Return the model file of a run folder, or the file itself as a path."""
    place = pathlib.Path(os.fsdecode(path))
    file = place / "model.safetensors"
    if not os.path.isdir(path):
        return place
    try:
        if file.name in os.listdir(place):
            return file
    except OSError:  # reading the file says why
        return file
    checkpoints = sorted(place.glob("checkpoints/step-*.safetensors"))
    reason, remedy = "holds no model.safetensors", "name a model file or a run folder"
    if checkpoints:
        reason += ": its run has not ended"
        remedy = f"resume it, or name a checkpoint such as {checkpoints[-1].name}"
    raise ModelFileError(message("model file", place, reason, remedy))


def open_model(
    path: Path, device: str | Backend = "cpu", **custom: Any
) -> tuple[Network, dict[str, Any]]:
    """Return (network, state): as `load_network`, with what the file says beside.

    The state has such as "table", the preprocessing of a network trained on one.
    """
    backend = open_backend(device)  # its own errors are not the file's
    custom["layers"] = check_layer_classes(custom.get("layers", ()))
    custom["activations"] = _by_name(custom.get("activations", ()))
    if custom.get("loss") is not None:
        custom["loss"] = get_loss(custom["loss"])
    path = model_file(path)
    tensors, state = read_tensors(path)
    prefix = "params." if state.get("kind") == "checkpoint" else ""
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    try:
        net = _build(path, state.get("network"), tensors, backend, **custom)
    except ModelFileError:
        raise
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"does not describe a network that can be built ({error})"
        remedy = "give custom layers=, activations= and loss= to load, or another file"
        raise ModelFileError(message("model file", path, reason, remedy)) from error
    with backend.use():
        net.params.update({k: backend.array(tensors[k]) for k in net.params})
    return net, state


def _by_name(functions: Any) -> dict[str, ActivationFunction]:
    functions = functions if hasattr(functions, "__iter__") else [functions]
    for f in functions:
        if not isinstance(f, ActivationFunction):
            raise ConfigError(
                "activations must be what gpunet.activation(name, value, slope) "
                f"returned, got {f!r:.60}"
            )
    return {f.name: f for f in functions}


def _build(
    path: Path,
    config: Any,
    tensors: dict[str, np.ndarray],
    backend: Backend,
    *,
    layers: tuple[type[Layer], ...],
    activations: dict[str, ActivationFunction],
    loss: Loss | None = None,
) -> Network:
    """Return the network that a config describes, if the tensors fit it."""
    if config is None:
        reason, remedy = "does not describe a network", "name a model file"
        raise ModelFileError(message("model file", path, reason, remedy))
    row = [layer_from_config(layer, activations, layers) for layer in config["layers"]]
    loss = loss or get_loss(config["loss"])
    check_layers(tuple(row), loss)
    population, dtype = config["population"], known_dtype(config["dtype"])
    seeds = member_seeds([int(seed) for seed in config["seeds"]], population)
    lead = (population,) if population else ()
    specs = {
        f"{i}.{name}": (lead + shape, dtype)
        for i, layer in enumerate(row)
        for name, shape in layer.shapes().items()
    }
    check_tensors(specs, tensors, path)  # before anything of that size is made
    net = Network(
        row, loss, population=population, seed=seeds, dtype=dtype, device=backend
    )
    net._trained = True  # as far as a file can tell
    if classes := config.get("classes"):
        net.classes = check_classes(classes, net.n_out, "network")
    return net


def check_tensors(
    specs: TensorSpecs, tensors: dict[str, np.ndarray], path: Path
) -> None:
    """Refuse tensors that are not exactly those of a network (ModelFileError)."""
    remedy = "load the file that belongs to this network"
    for name in sorted(specs.keys() | tensors.keys()):
        if name not in tensors:
            reason = f"lacks {name}"
        elif name not in specs:
            reason = f"contains {name}, which this network does not have"
        else:
            shape, dtype = tuple(tensors[name].shape), str(tensors[name].dtype)
            if (shape, dtype) == specs[name]:
                continue
            reason = (
                f"{name} is {dtype} of shape {shape}, the network's is "
                f"{specs[name][1]} of shape {specs[name][0]}"
            )
        raise ModelFileError(message("model file", path, reason, remedy))
