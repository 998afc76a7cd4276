"""How many threads compute: as many as the user says, else by the work.

A BLAS thread that waits for another keeps its core busy. On two idle cores the
products of a training step (25 to 270 million multiplications) took 0.7 times as long
by two threads as by one; beside two busy processes, 2 to 16 times as long.
"""

import contextlib
import importlib
import os
from collections.abc import Iterator

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_LARGE = 10**9  # multiplications: some 20 ms on a core, as long as a turn of Linux's


def usable_cores() -> int:
    """Return how many cores this process may use, which may be fewer than exist."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_threads() -> int:
    """Return the number of usable cores, or OMP_NUM_THREADS if that is less."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    cores = usable_cores()
    return min(cores, int(wanted)) if wanted.isdigit() and int(wanted) else cores


def set_threads(threads: int | None, blas: int) -> None:
    """Set the environment of a command; NumPy reads it once, when it is imported.

    Parameters
    ----------
    threads : int, optional
        For everything. None leaves the environment's own settings alone.
    blas : int
        BLAS threads where neither says how many.
    """
    if threads is None and any(name in os.environ for name in VARIABLES):
        return
    for name in VARIABLES:
        if threads is not None or name != "OMP_NUM_THREADS":
            os.environ[name] = str(threads or blas)


@contextlib.contextmanager
def blas_threads(multiplications: int) -> Iterator[None]:
    """Let BLAS use one thread inside the block, unless its products are large.

    The number depends on nothing else, because it changes the last bits of sums. It
    counts for the whole process. An environment variable of `VARIABLES` wins.

    Parameters
    ----------
    multiplications : int
        Of the largest matrix product.
    """
    if multiplications >= _LARGE or any(name in os.environ for name in VARIABLES):
        yield
        return
    control = importlib.import_module("threadpoolctl")
    with control.threadpool_limits(1, user_api="blas"):
        yield
