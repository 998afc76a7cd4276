"""Where an estimator computes: its `device`, or where the array it is given lies."""

from dataclasses import replace
from typing import Any

from sklearn import get_config

from ..backend import Backend, open_backend


def backend_of(x: Any) -> Backend | None:
    """Return the backend of a device array's own device; None for all else."""
    library = type(x).__module__.partition(".")[0]
    if library == "torch":
        return open_backend(f"torch:{x.device}")
    if library == "cupy":
        return open_backend(f"cuda:{x.device.id}")
    if library == "array_api_strict":
        return replace(open_backend("strict:0"), device=x.device)
    return None


def given_place(x: Any) -> Backend | None:
    """Return the backend of x where scikit-learn dispatches on arrays, or None."""
    return backend_of(x) if get_config()["array_api_dispatch"] else None


def place(device: "str | Backend | None", x: Any) -> Backend | None:
    """Return where to compute; None is NumPy."""
    bk = given_place(x) if device is None else open_backend(device)
    return None if bk is None or bk.name == "cpu" else bk


def on_host(x: Any) -> Any:
    """Return x as a host array if scikit-learn dispatches on it, else as it is."""
    bk = given_place(x)
    return x if bk is None else bk.to_host(x)


def beside(host: Any, x: Any) -> Any:
    """Return a host array in the library and on the device of x."""
    bk = given_place(x)
    # labels that are words can lie on no device
    return host if bk is None or host.dtype.kind not in "biuf" else bk.array(host)


def where(x: Any) -> str:
    """Return the library and device that scikit-learn would see x on."""
    bk = given_place(x)
    return "numpy" if bk is None else f"{bk.name} {bk.device}"


def check_place(est: Any, x: Any, method: str) -> None:
    """Refuse x from elsewhere than what was fitted, as scikit-learn does."""
    fitted, here = getattr(est, "_fitted_in", "numpy"), where(x)
    if get_config()["array_api_dispatch"] and fitted != here:
        raise ValueError(
            f"Inputs passed to {type(est).__name__}.{method}() must use the same "
            "namespace and the same device as those passed to fit(). "
            f"Fitted on {fitted}, got {here}; move the input."
        )
