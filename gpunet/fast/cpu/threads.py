"""How many threads take one network's steps, and how they run."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from threading import Lock
from typing import Any

from ...backend import Array
from ...backend.threads import usable_threads
from .lowering import Layout

_lock = Lock()  # two spans whose threads wait for each other would wait forever
_MIN_WORK = 1_500_000  # weights times examples: a step of some 80 us on one core
_MIN_BATCH = 32  # with fewer examples a step, waiting costs more than threads save


def threads_for(layout: Layout, batch_size: int) -> int:
    """Return how many threads share one network's steps."""
    if batch_size < _MIN_BATCH or batch_size * layout.size < _MIN_WORK:
        return 1
    return usable_threads() if os.name == "posix" else 1  # they wait by usleep


@cache
def pool(n: int) -> ThreadPoolExecutor:
    """Return a pool of n threads, made once."""
    return ThreadPoolExecutor(n, thread_name_prefix="gpunet")


def run_threads(
    kernel: Callable[..., None], n_threads: int, sync: Array, task: tuple[Any, ...]
) -> None:
    """Call kernel(*task, thread, n_threads) in several threads, this one among them.

    They meet at `sync`, int64, shape (16,).
    """
    if n_threads == 1:
        kernel(*task, 0, 1)
        return
    sync[:] = 0
    with _lock:
        others = []
        try:
            for k in range(1, n_threads):
                args = (*task, k, n_threads)
                others.append(pool(n_threads - 1).submit(_run, kernel, sync, args))
            kernel(*task, 0, n_threads)
            for other in others:
                other.result()
        finally:
            sync[8] = 1  # after any error here, no thread waits for this one
            wait(others)  # a thread that has not seen it must not meet the next span


def _run(kernel: Callable[..., None], sync: Array, task: tuple[Any, ...]) -> None:
    try:
        kernel(*task)
    except BaseException:
        sync[8] = 1  # no thread waits for one that failed
        raise


def _after_fork() -> None:
    """Forget what a forked child does not have: pools' threads, the lock's holder."""
    global _lock
    _lock = Lock()
    pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
