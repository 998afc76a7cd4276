"""numba, met only when a compiled engine is wanted."""

import hashlib
import importlib
import importlib.util
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from . import draws, examples, functions, kernels, products, vectors

INSTALL = 'python -m pip install "gpunet[fast]"'
_LOOSE = {"contract", "reassoc", "nsz"}  # sums may be reordered; NaN and inf stay


def missing() -> str:
    """Return why numba cannot be used here, or ""; numba is not imported."""
    if importlib.util.find_spec("numba") is None:
        return f"numba is not installed; {INSTALL}"
    return ""


def target() -> str:
    """Return numba's version and what it compiles for: processor and its features.

    As numba's own cache tells compiled code apart; the features as a short digest.
    """
    numba = importlib.import_module("numba")
    context = importlib.import_module("numba.core.registry").cpu_target.target_context
    _, processor, features = context.codegen().magic_tuple()
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    return f"numba {numba.__version__} {processor} {digest}"


@cache
def compiled(kernel: Callable) -> Any:
    """Return a kernel, compiled when first called with a dtype and kept on disk.

    Where no folder can be written, it is compiled in every process.
    """
    numba = _numba()
    entry = _entry(kernel, _digest())
    settings = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **settings)(entry)
    except RuntimeError:  # there is no folder to keep it in
        return numba.njit(**settings)(entry)


def _entry(kernel: Callable, digest: str) -> Callable:
    def entry(*task):
        # numba's cache knows a function by its own file and what it closes over;
        # with the digest a change of any kernel's file is not overlooked.
        return kernel(*task) if digest else None

    return entry


@cache
def _digest() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


@cache
def _numba() -> Any:
    # Where SciPy is, numba loads it when it first compiles, and its OpenBLAS waits for
    # ever for memory that is not to be had: ask for as much, and load it, now.
    np.empty(2**29, np.uint8)
    numba = importlib.import_module("numba")
    importlib.import_module("numba.np.arraymath")
    vectors.install(numba)
    functions.install(numba)
    for module in (draws, examples, functions, products, kernels):
        for name, f in vars(module).items():
            own = isinstance(f, types.FunctionType) and f.__module__ == module.__name__
            if own and name not in ("install", "power"):
                numba.extending.register_jitable(fastmath=_LOOSE, error_model="numpy")(
                    f
                )
    return numba
