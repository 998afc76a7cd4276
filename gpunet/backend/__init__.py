"""The seam: the one place that knows which array library is at work.

The same lines run on NumPy, on a CUDA GPU through CuPy, on PyTorch tensors and
on array-api-strict: `open_backend` opens a device, `namespace(x)` finds the
library an array belongs to. Names are loaded when they are first used, so that a
command can import `backend.threads` and pin the threads before NumPy starts.
"""

from typing import TYPE_CHECKING, Any

from .._lazy import load

if TYPE_CHECKING:  # for editors; __getattr__ loads them
    from .arrays import (
        Array,
        HostArray,
        Params,
        namespace,
        numpy_namespace,
        scatter_add,
    )
    from .devices import DEVICES, Backend, open_backend

__all__ = [
    "DEVICES",
    "Array",
    "Backend",
    "HostArray",
    "Params",
    "namespace",
    "numpy_namespace",
    "open_backend",
    "scatter_add",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    devices = name in ("DEVICES", "Backend", "open_backend")
    value = getattr(load("backend.devices" if devices else "backend.arrays"), name)
    globals()[name] = value
    return value
