"""numba, met only when a compiled engine is wanted."""

import importlib
import importlib.util
import types
from functools import cache
from typing import Any

from . import functions, kernels, products, vectors

INSTALL = 'python -m pip install "gpunet[fast]"'


def missing() -> str:
    """Return why numba cannot be used here, or ""; numba is not imported."""
    if importlib.util.find_spec("numba") is None:
        return f"numba is not installed; {INSTALL}"
    return ""


@cache
def compiled(name: str) -> Any:
    """Return the kernel of that name, compiled when first called, kept on disk."""
    numba = _numba()
    return numba.njit(cache=True, nogil=True, error_model="numpy")(
        getattr(kernels, name)
    )


@cache
def _numba() -> Any:
    numba = importlib.import_module("numba")
    vectors.install(numba)
    functions.install(numba)
    taught = {vectors: ("lanes",), functions: ("power",)}
    for module in (functions, products, kernels):
        for name, f in vars(module).items():
            own = isinstance(f, types.FunctionType) and f.__module__ == module.__name__
            if own and name not in ("install", *taught.get(module, ())):
                numba.extending.register_jitable(
                    fastmath={"contract", "reassoc", "nsz"}, error_model="numpy"
                )(f)
    return numba
