"""Arrays of other libraries, as scikit-learn's `array_api_dispatch` sees them."""

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse
from sklearn import get_config

from ..backend import Backend, open_backend


def backend_of(x: Any) -> Backend | None:
    """Return the backend of a device array's own device, else None."""
    library = type(x).__module__.partition(".")[0]
    if library == "torch":
        return open_backend(f"torch:{x.device}")
    if library == "cupy":
        return open_backend(f"cuda:{x.device.id}")
    if library == "array_api_strict":
        return replace(open_backend("strict:0"), device=x.device)
    return None


def dispatched_backend(x: Any) -> Backend | None:
    """Return the backend of x where scikit-learn dispatches on arrays, else None."""
    return backend_of(x) if get_config()["array_api_dispatch"] else None


def compute_backend(device: str | Backend | None, x: Any) -> Backend | None:
    """Return where to compute; None is NumPy."""
    bk = dispatched_backend(x) if device is None else open_backend(device)
    return None if bk is None or bk.name == "cpu" else bk


def host_array(x: Any) -> Any:
    """Return x as a host array if scikit-learn dispatches on it, else as it is."""
    bk = dispatched_backend(x)
    return x if bk is None else bk.to_host(x)


def array_like(x: Any, host: np.ndarray) -> Any:
    """Return a host array in the library and on the device of x."""
    bk = dispatched_backend(x)
    # labels that are words fit on no device
    return host if bk is None or host.dtype.kind not in "biuf" else bk.array(host)


def dense_array(x: Any) -> Any:
    """Return x, a sparse one as a dense array."""
    return x.toarray() if scipy.sparse.issparse(x) else x


def library_and_device(x: Any) -> str:
    """Return the library and device that scikit-learn would see x on."""
    bk = dispatched_backend(x)
    return "numpy" if bk is None else f"{bk.name} {bk.device}"


def check_same_device(est: object, x: Any, method: str) -> None:
    """Refuse x from another device than was fitted on, as scikit-learn does."""
    fitted, current = getattr(est, "_fitted_in", "numpy"), library_and_device(x)
    if get_config()["array_api_dispatch"] and fitted != current:
        raise ValueError(
            f"Inputs passed to {type(est).__name__}.{method}() must use the same "
            "namespace and the same device as those passed to fit(). "
            f"Fitted on {fitted}, got {current}; move the input."
        )
