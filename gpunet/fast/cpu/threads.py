"""Threads: how many, and how several of them take one network's steps."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from threading import Lock
from typing import Any

from ...backend import Array
from ...backend.threads import usable_threads
from .lowering import Layout

_ONE = Lock()  # two teams that wait for each other's threads would wait for ever
_SHARED = 1_500_000  # weights times examples: a step of some 80 us on one core
_ROWS = 32  # fewer examples a step: threads wait for each other longer than they save


def team_for(where: Layout, batch: int) -> int:
    """Return how many threads take one network's steps together."""
    n = usable_threads() if os.name == "posix" else 1  # they wait by usleep
    return n if batch >= _ROWS and batch * where.size >= _SHARED else 1


@cache
def pool(n: int) -> ThreadPoolExecutor:
    """Return a pool of n threads, made once."""
    return ThreadPoolExecutor(n, thread_name_prefix="gpunet")


def together(kernel: Callable, team: int, sync: Array, task: tuple[Any, ...]) -> None:
    """Let a team's threads take a span, this one among them.

    Parameters
    ----------
    kernel : callable
        kernel(*task, me, team).
    sync : int array, shape (16,)
        Where the threads meet.
    """
    if team == 1:
        kernel(*task, 0, 1)
        return
    sync[:] = 0
    with _ONE:
        others = []
        try:
            for k in range(1, team):
                work = (_help, kernel, sync, (*task, k, team))
                others.append(pool(team - 1).submit(*work))
            kernel(*task, 0, team)
            for other in others:
                other.result()
        finally:
            sync[8] = 1  # whatever broke in, nobody waits for us
            wait(others)  # who has not seen it yet must not meet the next span


def _help(kernel: Callable, sync: Array, task: tuple[Any, ...]) -> None:
    try:
        kernel(*task)
    except BaseException:
        sync[8] = 1  # nobody waits for a thread that fell
        raise


def _after_fork() -> None:
    """Forget what a forked child does not have: the pools' threads, _ONE's holder."""
    global _ONE
    _ONE = Lock()
    pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
