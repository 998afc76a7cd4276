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

if TYPE_CHECKING:  # for editors and type checkers; __getattr__ loads them
    from . import show
    from .activations import get_activation as activation
    from .backend import Backend, namespace, open_backend, scatter_add
    from .blocks import mlp
    from .checks import check_gradients, explain
    from .data import Dataset, Splits, load_mnist, read_digit
    from .errors import GpunetError, GpunetWarning
    from .fast import predictor
    from .layers import Activation, Dense, Dropout, Embedding, Flatten, Layer
    from .losses import Loss
    from .losses import get_loss as loss
    from .network import Network
    from .optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp
    from .optimizers import get_optimizer as optimizer
    from .runs.listing import list_runs
    from .runs.progress import ProgressBar
    from .storage import load_network, save_network
    from .storage.export import export
    from .training import Callback, EarlyStopping, History, Settings, evaluate, fit
    from .training.diagnosis import diagnose
    from .training.schedules import get_schedule as schedule
    from .updates import Optimizer

__version__ = "0.1.0"

# Written out, because type checkers read it.
__all__ = ["SGD", "Activation", "AdaGrad", "Adam", "AdamW", "Backend", "Callback"]
__all__ += ["Dataset", "Dense", "Dropout", "EarlyStopping", "Embedding", "Flatten"]
__all__ += ["GpunetError", "GpunetWarning", "History", "Layer", "Loss", "Network"]
__all__ += ["Optimizer", "ProgressBar", "RMSProp", "Settings", "Splits", "activation"]
__all__ += ["check_gradients", "diagnose", "evaluate", "explain", "export", "fit"]
__all__ += ["load_mnist", "load_network", "loss", "mlp", "namespace", "open_backend"]
__all__ += ["optimizer", "predictor", "read_digit", "save_network", "scatter_add"]
__all__ += ["list_runs", "schedule", "show"]

_MODULES = {
    "activations": "activation",
    "backend": "Backend namespace open_backend scatter_add",
    "blocks": "mlp",
    "checks": "check_gradients explain",
    "data": "Dataset Splits load_mnist read_digit",
    "errors": "GpunetError GpunetWarning",
    "fast": "predictor",
    "layers": "Activation Dense Dropout Embedding Flatten Layer",
    "losses": "Loss loss",
    "network": "Network",
    "optimizers": "SGD AdaGrad Adam AdamW RMSProp optimizer",
    "runs.listing": "list_runs",
    "runs.progress": "ProgressBar",
    "show": "show",
    "storage": "load_network save_network",
    "storage.export": "export",
    "training": "Callback EarlyStopping History Settings evaluate fit",
    "training.diagnosis": "diagnose",
    "training.schedules": "schedule",
    "updates": "Optimizer",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}
_FULL_NAMES = {
    name: f"get_{name}" for name in ("activation", "loss", "optimizer", "schedule")
}


if not TYPE_CHECKING:  # which would believe that every name is here

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'gpunet' has no attribute {name!r}")
        value = load(_HOME[name])
        if _HOME[name] != name:  # a room, such as gpunet.show, is one of the names too
            value = getattr(value, _FULL_NAMES.get(name, name))
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
