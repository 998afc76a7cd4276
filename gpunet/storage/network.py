"""Networks as files: `model.safetensors`, read without running anything in it.

The tensors carry the network's parameters; the one JSON string beside them says
which layers they belong to. Names of layers, activations and losses are looked
up in this library's closed tables and among what the caller gives.
"""

import warnings

from gpunet.activations import ACTIVATIONS, ActivationFunction
from gpunet.backend import open_backend
from gpunet.errors import ConfigError, ModelFileError
from gpunet.io.messages import message, printable
from gpunet.layers import Activation
from gpunet.losses import LOSSES, Loss, get_loss
from gpunet.network import Network, check_layers, known_dtype
from gpunet.random import member_seeds
from gpunet.storage.layers import (
    LAYERS,
    check_custom,
    check_layer_classes,
    layer_from_config,
    layer_to_config,
)
from gpunet.storage.tensors import read_tensors, write_tensors


def describe(net):
    """Return what a file says of a network beside its tensors: plain JSON.

    Raises
    ------
    ConfigError
        A custom layer, activation or loss that no file can name; see
        `custom_parts`.
    """
    custom_parts(net)
    return {
        "layers": [layer_to_config(layer) for layer in net.layers],
        "loss": net.loss.name,
        "population": net.population,
        "seeds": list(net.seeds),
        "dtype": net.dtype,
    }


def custom_parts(net):
    """Return what `load_network` must be given, beside the file, for a network.

    Returns
    -------
    parts : dict of str to list of str
        Names of custom "layers", "activations" and "loss"; without those that the
        network has none of.

    Raises
    ------
    ConfigError
        A layer from which no file could bring it back, or a name that stands for
        two things.
    """
    found = {"layers": {}, "activations": {}, "loss": {}}
    lead = 1 if net.population else 0
    for layer, own in zip(net.layers, net.params.by_layer, strict=True):
        kind = type(layer)
        if LAYERS.get(kind.__name__) is not kind:
            check_custom(layer, {k: tuple(p.shape[lead:]) for k, p in own.items()})
            _note("layer", found["layers"], kind.__name__, kind)
        if isinstance(layer, Activation) and not layer.f.built_in:
            _check_free("activation", layer.f.name, ACTIVATIONS)
            _note("activation", found["activations"], layer.f.name, layer.f)
    if not net.loss.built_in:
        _check_free("loss", net.loss.name, LOSSES)
        found["loss"][net.loss.name] = net.loss
    return {what: list(names) for what, names in found.items() if names}


def _check_free(what, name, taken):
    if not isinstance(name, str) or name.partition(":")[0] in taken:
        raise ConfigError(
            f"{what}: custom {what} {name!r:.80} cannot be saved: that is the name of "
            "a built-in one, which a file would bring back; give yours another name"
        )


def _note(what, found, name, part):
    if found.setdefault(name, part) != part:
        raise ConfigError(
            f"{what}: two custom ones are called {name!r:.80}, and a file knows them "
            "by name only; rename one"
        )


def save_network(net, path, **more):
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
    write_tensors(path, tensors, {"kind": "model", **more, "network": describe(net)})
    if parts := custom_parts(net):
        warnings.warn(
            f"{printable(path)} keeps custom parts by name only; load it with "
            f"gpunet.load_network(path, {_as_arguments(parts)})",
            stacklevel=2,
        )


def _as_arguments(parts):
    """Return custom parts as a call's arguments: "layers=[Norm], loss=mine"."""
    listed = {what: f"[{', '.join(names)}]" for what, names in parts.items()}
    if "loss" in parts:
        listed["loss"] = parts["loss"][0]
    return ", ".join(f"{what}={names}" for what, names in listed.items())


def load_network(path, device="cpu", *, layers=(), activations=(), loss=None):
    """Return the network that a file holds, on a device.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        A model file or a checkpoint.
    device : str or Backend
    layers : sequence of class
        Custom layers, where the network has any: classes derived from
        `gpunet.Layer`, which the file names by class name.
    activations : sequence of ActivationFunction
        Custom ones, where the network has any.
    loss : Loss, optional
        A custom one.

    Returns
    -------
    net : Network

    Raises
    ------
    ModelFileError
        The file is missing, damaged, or its tensors do not fit its layers.
    DeviceError
        The device cannot be used.
    """
    custom = {"layers": layers, "activations": activations, "loss": loss}
    return open_model(path, device, **custom)[0]


def open_model(path, device="cpu", *, layers=(), activations=(), loss=None):
    """Return (network, state): as `load_network`, with what the file says beside.

    Returns
    -------
    net : Network
    state : dict
        Such as "table", the preprocessing of a network trained on one.
    """
    device = open_backend(device)  # its own errors are not the file's
    kinds = check_layer_classes(layers)
    tensors, state = read_tensors(path)
    prefix = "params." if state.get("kind") == "checkpoint" else ""
    params = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    custom = kinds, activations, loss
    net = _rebuild(path, state.get("network"), params, device, *custom)
    fill(net, params, path)
    return net, state


def fill(net, tensors, path):
    """Put host tensors into a network, all or none.

    Raises
    ------
    ModelFileError
        A tensor is missing, left over, or of another shape or dtype; the
        network is as it was.
    """
    check_fit(
        {name: (tuple(p.shape), net.dtype) for name, p in net.params.items()},
        tensors,
        path,
    )
    with net.backend.use():
        new = {name: net.backend.array(tensors[name]) for name in net.params}
    net.params.update(new)


def check_fit(wanted, tensors, path):
    """Refuse tensors that are not exactly those wanted.

    Parameters
    ----------
    wanted : dict of str to (shape, dtype name)
    tensors : dict of str to numpy array
    path : str, bytes or os.PathLike, for the message
    """
    for name in sorted(wanted.keys() | tensors.keys()):
        cure = "load the file that belongs to this network"
        if name not in tensors:
            raise ModelFileError(message("model file", path, f"lacks {name}", cure))
        if name not in wanted:
            why = f"holds {name}, which the network has not"
            raise ModelFileError(message("model file", path, why, cure))
        found = (tuple(tensors[name].shape), str(tensors[name].dtype))
        if found != wanted[name]:
            why = (
                f"{name} is {found[1]} of shape {found[0]}, the network's is "
                f"{wanted[name][1]} of shape {wanted[name][0]}"
            )
            raise ModelFileError(message("model file", path, why, cure))


def _rebuild(path, network, params, device, kinds, activations, loss):
    own = {f.name: f for f in activations if isinstance(f, ActivationFunction)}
    try:
        layers = [layer_from_config(layer, own, kinds) for layer in network["layers"]]
        loss = get_loss(loss if isinstance(loss, Loss) else network["loss"])
        check_layers(tuple(layers), loss)
        crowd, dtype = network["population"], known_dtype(network["dtype"])
        seeds = member_seeds([int(s) for s in network["seeds"]], crowd)
        lead = (crowd,) if crowd else ()
        wanted = {
            f"{i}.{name}": (lead + shape, dtype)
            for i, layer in enumerate(layers)
            for name, shape in layer.shapes().items()
        }
        check_fit(wanted, params, path)  # before anything of that size is made
        return Network(
            layers,
            loss,
            population=crowd,
            seed=seeds,
            dtype=dtype,
            device=device,
        )
    except ModelFileError:
        raise
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"describes no network that can be built ({error})"
        cure = "give custom layers=, activations= and loss= to load, or another file"
        raise ModelFileError(message("model file", path, why, cure)) from error
