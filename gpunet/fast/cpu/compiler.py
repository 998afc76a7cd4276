"""Compiles the functions of `jit` with numba, imported only when it is needed."""

import contextlib
import gc
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import numpy as np

from . import intrinsics
from .jit import (
    backward,
    dropout,
    first_layer,
    forward,
    functions,
    lane_losses,
    lanes,
    products,
    skipgram,
    slopes,
    span,
)

INSTALL = 'python -m pip install "gpunet[fast]"'
COMPILING, LOADING = 7.0, 0.8  # seconds that a kernel takes, and one from the disk
_FASTMATH = {"contract", "reassoc", "nsz"}  # sums may be reordered; NaN and inf stay
_EXACT = {"contract"}  # sums in their order: members in lanes have the same bits
_MODULES = {
    **dict.fromkeys(
        [backward, dropout, first_layer, forward, products, skipgram, span], _FASTMATH
    ),
    **dict.fromkeys([functions, lane_losses, lanes, slopes], _EXACT),
}
_ready: set[str] = set()  # what this process has compiled or loaded, see `_mark`
_screen = Lock()  # one message at a time
_making = RLock()  # `cache` lets two threads in at once, which would register twice


def _hold_at_forks(lock: Any) -> None:
    """Let a fork wait for a lock: a child would inherit it held, and work half-way."""
    if hasattr(os, "register_at_fork"):
        release = {"after_in_parent": lock.release, "after_in_child": lock.release}
        os.register_at_fork(before=lock.acquire, **release)


_hold_at_forks(_making)


def missing() -> str:
    """Return why numba cannot be used here, or "", without importing it."""
    if importlib.util.find_spec("numba") is None:
        return f"numba is not installed; {INSTALL}"
    return ""


def target() -> str:
    """Return numba's version and what it compiles for: processor and its features.

    Numba's own cache tells compiled code apart by these; features as a short digest.
    """
    numba = importlib.import_module("numba")
    context = importlib.import_module("numba.core.registry").cpu_target.target_context
    _, processor, features = context.codegen().magic_tuple()
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    return f"numba {numba.__version__} {processor} {digest}"


def compiled(kernel: Callable) -> Any:
    """Return a kernel, compiled when first called with a dtype, and cached on disk.

    Where no folder is writable, it is compiled in every process.
    """
    with _making:
        return _compiled(kernel)


@cache
def _compiled(kernel: Callable) -> Any:
    numba = _numba()
    # A copy of the kernel: numba would optimize a function that calls it once more.
    entry = types.FunctionType(kernel.__code__, kernel.__globals__, kernel.__name__)
    # numba names its index by this, and unpickles all of it: an index of other code
    # may name classes that are no more. Of what a kernel calls it knows nothing.
    entry.__qualname__ = f"{kernel.__name__}_{_digest()[:16]}"
    # Without numba's runtime: counting references to arrays, in atomic operations,
    # took four fifths of a step at batch 1. Kernels cannot make or return arrays so.
    settings = {"nogil": True, "error_model": "numpy", "_nrt": False}
    settings["fastmath"] = _FASTMATH
    try:
        return numba.njit(cache=True, **settings)(entry)
    except RuntimeError:  # no folder is writable
        return numba.njit(**settings)(entry)


def seconds_until_ready(kernel: Callable, dtype: Any, index: Any = "") -> float:
    """Return about how long it takes here until a compiled kernel can run.

    0 if this process has compiled or loaded it. numba is not imported. `index` is the
    dtype of `structs.Examples.columns`, if the kernel reads them.
    """
    mark = _mark(kernel, dtype, index)
    if mark in _ready:
        return 0.0
    on_disk = any(os.path.exists(folder / mark) for folder in _cache_folders())
    return LOADING if on_disk else LOADING + COMPILING


@contextlib.contextmanager
def announced(kernel: Callable, dtype: Any, index: Any = "") -> Iterator[None]:
    """Show on a terminal that a kernel is being compiled, while the block does so.

    The block must call the compiled kernel once.
    """
    mark = _mark(kernel, dtype, index)
    if mark in _ready:
        yield
        return
    long = seconds_until_ready(kernel, dtype, index) > LOADING
    collects = long and gc.isenabled()
    with _message() if long else contextlib.nullcontext():
        try:
            if collects:
                gc.disable()  # a tenth of the time: numba makes millions of objects
            yield
        finally:
            if collects:
                gc.enable()
    _ready.add(mark)
    folder: Any = getattr(compiled(kernel).stats, "cache_path", None)
    with contextlib.suppress(OSError, TypeError):  # there is no folder
        Path(folder, mark).touch()


@contextlib.contextmanager
def _message() -> Iterator[None]:
    """Show how long compiling has taken, on standard error if that is a terminal."""
    console = importlib.import_module("rich.console").Console(stderr=True)
    visible = console.is_terminal or console.is_jupyter
    if not visible or not _screen.acquire(blocking=False):
        yield
        return
    rich = importlib.import_module("rich.progress")
    text = f"compiling once, about {COMPILING:.0f} s; later runs load it"
    columns = (rich.SpinnerColumn(), rich.TextColumn(text), rich.TimeElapsedColumn())
    try:
        with rich.Progress(*columns, console=console, transient=True) as bar:
            bar.add_task("")
            yield
    finally:
        _screen.release()


def _mark(kernel: Callable, dtype: Any, index: Any) -> str:
    """Return the name of the empty file beside numba's that marks it as compiled."""
    dtypes = f"{np.dtype(dtype)}{index and f'-{np.dtype(index)}'}"
    return f"gpunet-{kernel.__name__}-{dtypes}-{_stamp(kernel)}.compiled"


@cache
def _stamp(kernel: Callable) -> str:
    """Return a digest of what decides whether numba loads a kernel from the disk."""
    file = os.stat(kernel.__code__.co_filename)
    parts = importlib.metadata.version("numba"), sys.version, _digest()
    text = repr((*parts, file.st_mtime_ns, file.st_size))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cache_folders() -> list[Path]:
    """Return the folders where numba may store compiled code."""
    if folder := os.environ.get("NUMBA_CACHE_DIR"):
        return list(Path(folder).glob("*/"))
    home = Path(os.path.expanduser("~"))
    users = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    roots = [Path(users, "numba"), home / "Library" / "Caches" / "numba"]
    if local := os.environ.get("LOCALAPPDATA"):
        roots.append(Path(local, "numba", "Cache"))
    beside = Path(__file__).parent / "jit" / "__pycache__"
    return [beside, *(folder for root in roots for folder in root.glob("*/"))]


@cache
def _digest() -> str:
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


@cache
def _numba() -> Any:
    # When numba first compiles it loads SciPy, whose OpenBLAS waits forever where
    # memory is short: fail here instead, by asking for as much; then load it.
    np.empty(2**29, np.uint8)
    numba = importlib.import_module("numba")
    importlib.import_module("numba.np.arraymath")
    intrinsics.install()
    part = intrinsics.part_compiler()
    for module, fastmath in _MODULES.items():
        settings = {"fastmath": fastmath, "error_model": "numpy"}
        jitable = numba.extending.register_jitable(**settings, pipeline_class=part)
        for f in vars(module).values():
            if isinstance(f, types.FunctionType) and f.__module__ == module.__name__:
                jitable(f)
    locks = importlib.import_module("numba.core.compiler_lock")
    _hold_at_forks(locks.global_compiler_lock)
    return numba
