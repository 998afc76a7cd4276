"""Networks as files: `model.safetensors`, read without running anything in it.

The tensors carry the network's parameters; the one JSON string beside them says
which layers they belong to. Names of layers, activations and losses are looked
up in this library's closed tables only.
"""

from gpunet.activations import ActivationFunction
from gpunet.backend import open_backend
from gpunet.errors import ConfigError, ModelFileError
from gpunet.losses import Loss
from gpunet.losses import loss as find_loss
from gpunet.network import Network, check_layers, known_dtype, member_seeds
from gpunet.storage.files import read_tensors, write_tensors
from gpunet.storage.layers import layer_from_config, layer_to_config
from gpunet.storage.messages import one_line


def describe(net):
    """Return what a file says of a network beside its tensors: plain JSON."""
    return {
        "layers": [layer_to_config(layer) for layer in net.layers],
        "loss": net.loss.name,
        "population": net.population,
        "seeds": list(net.seeds),
        "dtype": net.dtype,
    }


def save_network(net, path, **more):
    """Write a network to one file, wholly or not at all.

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
    WriteError
        The system refused; an old file of that name is intact.
    """
    tensors = {name: net.backend.to_host(p) for name, p in net.params.items()}
    write_tensors(path, tensors, {"kind": "model", **more, "network": describe(net)})


def load_network(path, device="cpu", *, activations=(), loss=None):
    """Return the network that a file holds, on a device.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        A model file or a checkpoint.
    device : str or Backend
    activations : sequence of ActivationFunction
        The user's own, where the network has any.
    loss : Loss, optional
        The user's own.

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
    return open_model(path, device, activations=activations, loss=loss)[0]


def open_model(path, device="cpu", *, activations=(), loss=None):
    """Return (network, state): as `load_network`, with what the file says beside.

    Returns
    -------
    net : Network
    state : dict
        Such as "table", the preprocessing of a network trained on one.
    """
    device = open_backend(device)  # its own errors are not the file's
    tensors, state = read_tensors(path)
    prefix = "params." if state.get("kind") == "checkpoint" else ""
    params = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    net = _rebuild(path, state.get("network"), params, device, activations, loss)
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
            raise ModelFileError(one_line("model file", path, f"lacks {name}", cure))
        if name not in wanted:
            why = f"holds {name}, which the network has not"
            raise ModelFileError(one_line("model file", path, why, cure))
        found = (tuple(tensors[name].shape), str(tensors[name].dtype))
        if found != wanted[name]:
            why = (
                f"{name} is {found[1]} of shape {found[0]}, the network's is "
                f"{wanted[name][1]} of shape {wanted[name][0]}"
            )
            raise ModelFileError(one_line("model file", path, why, cure))


def _rebuild(path, network, params, device, activations, loss):
    own = {f.name: f for f in activations if isinstance(f, ActivationFunction)}
    try:
        layers = [layer_from_config(layer, own) for layer in network["layers"]]
        loss = find_loss(loss if isinstance(loss, Loss) else network["loss"])
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
        cure = "give your own activations and loss to load, or another file"
        raise ModelFileError(one_line("model file", path, why, cure)) from error
