"""What of this machine decides the last bits of a run, beside seed and data.

OpenBLAS and NumPy choose their kernels by the processor, and sums are split among
threads. Only these libraries are asked, so that the answer depends on nothing else.
"""

import ctypes
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..backend import Backend
from ..training.engines import compiler_target

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_HOST = ("cpu", "strict:1")  # devices whose matrix products are NumPy's


def blas() -> dict[str, Any]:
    """Return the BLAS that NumPy was built with, and what it chose when loaded.

    These are its name, version, core (the processor its kernels are for) and
    threads; the last two are None where the library does not tell.
    """
    built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    core, threads = _getter("corename"), _getter("num_threads")
    if core is not None:
        core.restype = ctypes.c_char_p
    return {
        "name": built.get("name"),
        "version": built.get("version"),
        "core": core and core().decode(errors="replace"),
        "threads": threads and int(threads()),
    }


def _getter(what: str) -> Any:
    """Return the function openblas_get_`what` of the library in use, or None."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in ("scipy_openblas_get_{}64_", "openblas_get_{}64_"):
            for spelled in (name, name.removesuffix("64_")):
                if function := getattr(library, spelled.format(what), None):
                    return function
    return None


def _libraries() -> list[Path]:
    """Return the files whose names lead to the BLAS that NumPy has loaded.

    NumPy's own module leads to what it is linked with, except on Windows, where
    the library is beside it.
    """
    try:
        module = Path(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except AttributeError:
        return []
    beside = Path(np.__file__).parents[1] / "numpy.libs"
    return [module, *sorted(beside.glob("*openblas*"))]


def fingerprint(bk: Backend, engine: str = "") -> dict[str, Any]:
    """Return what bit-identical runs share; with engine "compiled" numba counts."""
    result = {
        "gpunet": __version__,
        "device": bk.name,
        "library": f"{bk.xp.__name__} {getattr(bk.xp, '__version__', '')}".strip(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": next((os.environ[k] for k in _THREADS if k in os.environ), ""),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
    }
    if bk.name in _HOST:
        library = blas()
        words = [library["name"], library["version"], library["core"]]
        # "1 threads" too: it is compared with what earlier versions wrote.
        words += [f"{n} threads" if (n := library["threads"]) else None]
        result["blas"] = " ".join(word for word in words if word)
        extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
        result["simd"] = " ".join(extensions.get("found", ()))
    if engine:
        result["engine"] = engine
    if engine == "compiled":
        result["compiler"] = compiler_target()
    return result


def differences(old: Any, new: dict[str, Any]) -> list[str]:
    """Return what differs between two fingerprints, a line for each common entry."""
    if not isinstance(old, dict):
        return []
    return [
        f"{key} was {value!r} and is {new[key]!r}: no longer bit for bit the same run"
        for key, value in old.items()
        if key in new and value != new[key]
    ]
