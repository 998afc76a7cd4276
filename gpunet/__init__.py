"""Dense neural networks from first principles, on NumPy or a CUDA GPU.

>>> import gpunet
>>> net = gpunet.mlp([784, 16, 16, 10])
>>> net.n_parameters
13002

Importing gpunet loads the lesson alone (backend to network); what stands above
it (data, files, training) is loaded when its name is first used.
"""

import importlib
from typing import Any

from .activations import activation
from .backend import Backend, namespace, open_backend, scatter_add
from .builders import mlp
from .errors import GpunetError
from .layers import Activation, Dense, Dropout, Embedding, Flatten, Layer
from .losses import Loss, loss
from .network import Network
from .optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp, optimizer
from .schedules import schedule

__version__ = "0.1.0"

_UPSTAIRS = {
    "Callback": "training",
    "Dataset": "data",
    "EarlyStopping": "training",
    "History": "training",
    "Splits": "data",
    "check_gradients": "gradcheck",
    "fit": "training",
    "load_mnist": "data",
    "load_network": "storage",
    "save_network": "storage",
}

__all__ = [
    "SGD",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Backend",
    "Callback",
    "Dataset",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "GpunetError",
    "History",
    "Layer",
    "Loss",
    "Network",
    "Optimizer",
    "RMSProp",
    "Splits",
    "activation",
    "check_gradients",
    "fit",
    "load_mnist",
    "load_network",
    "loss",
    "mlp",
    "namespace",
    "open_backend",
    "optimizer",
    "save_network",
    "scatter_add",
    "schedule",
]


def __getattr__(name: str) -> Any:
    if name not in _UPSTAIRS:
        raise AttributeError(f"module 'gpunet' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_UPSTAIRS[name]}", __name__), name)
    globals()[name] = value
    return value


def _save(net: Network, path: Any) -> None:
    """Write the network to one file, atomically; see `gpunet.save_network`."""
    __getattr__("save_network")(net, path)


def _load(path: Any, device: "str | Backend" = "cpu", **own: Any) -> Network:
    """Return the network a file holds; see `gpunet.load_network`."""
    return __getattr__("load_network")(path, device, **own)


# Files live upstairs and the lesson never looks up, so the door hangs these on.
Network.save = _save
Network.load = staticmethod(_load)
