"""Dense neural networks from first principles, on NumPy or a CUDA GPU.

>>> import gpunet
>>> net = gpunet.mlp([784, 16, 16, 10])
>>> net.n_parameters
13002

A name is loaded when it is first used, so that `import gpunet` is instant and
the commands can answer `--help`, or pin BLAS threads, before NumPy starts.
"""

from typing import TYPE_CHECKING, Any

from ._lazy import load

if TYPE_CHECKING:  # for editors; __getattr__ loads them
    from .activations import get_activation as activation
    from .backend import Backend, namespace, open_backend, scatter_add
    from .blocks import mlp
    from .checks import check_gradients
    from .data import Dataset, Splits, load_mnist
    from .errors import GpunetError, GpunetWarning
    from .fast import predictor
    from .layers import Activation, Dense, Dropout, Embedding, Flatten, Layer
    from .losses import Loss
    from .losses import get_loss as loss
    from .network import Network
    from .optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
    from .optimizers import get_optimizer as optimizer
    from .storage import load_network, save_network
    from .training import Callback, EarlyStopping, History, Settings, evaluate, fit
    from .training.schedules import get_schedule as schedule
    from .updates import Optimizer

__version__ = "0.1.0"

_HOME = {
    "SGD": "optimizers",
    "Activation": "layers",
    "AdaGrad": "optimizers",
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "Backend": "backend",
    "Callback": "training",
    "Dataset": "data",
    "Dense": "layers",
    "Dropout": "layers",
    "EarlyStopping": "training",
    "Embedding": "layers",
    "Flatten": "layers",
    "GpunetError": "errors",
    "GpunetWarning": "errors",
    "History": "training",
    "Layer": "layers",
    "Loss": "losses",
    "Network": "network",
    "Optimizer": "updates",
    "RMSProp": "optimizers",
    "Settings": "training",
    "Splits": "data",
    "activation": "activations",
    "check_gradients": "checks",
    "evaluate": "training",
    "fit": "training",
    "load_mnist": "data",
    "load_network": "storage",
    "loss": "losses",
    "mlp": "blocks",
    "namespace": "backend",
    "open_backend": "backend",
    "optimizer": "optimizers",
    "predictor": "fast",
    "save_network": "storage",
    "scatter_add": "backend",
    "schedule": "training.schedules",
}

_FULL_NAMES = {
    name: f"get_{name}" for name in ("activation", "loss", "optimizer", "schedule")
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gpunet' has no attribute {name!r}")
    value = getattr(load(_HOME[name]), _FULL_NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
