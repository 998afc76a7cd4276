"""The seam: the one place that knows which array library is at work.

The same lines run on NumPy, on a CUDA GPU through CuPy, on PyTorch tensors and
on array-api-strict: `open_backend` opens a device, `namespace(x)` finds the
library an array belongs to.
"""

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
