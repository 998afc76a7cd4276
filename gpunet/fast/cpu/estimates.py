"""Whether compiled code is worth waiting for: how long training takes, roughly.

Fitted to networks from 2-8-8-2 to 784-256-10, batches of 1 to 1,024 and populations
of 1 to 100 on two machines; single figures are off by up to a factor of two.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from ...backend import Array

_MANY, _WIDE = 64, 128


class Workload(NamedTuple):
    """A training run: its steps, and what the time of one depends on."""

    n_steps: float
    batch: int
    members: int
    width: int  # outputs of the first layer
    outputs: int  # of all layers
    n_parameters: int  # of one member
    adam: bool
    lanes: int = 0  # members trained together by one core, 0 if each by itself


def loop_seconds(work: Workload) -> float:
    """Return how long the loop takes on one core."""
    n = work.n_parameters
    example = 3e-7 + 5e-9 * work.outputs + 1.35e-10 * n
    member = work.batch * example + n * (5e-9 if work.adam else 1e-9)
    calls = 1.2e-4 if work.adam else 5e-5
    return work.n_steps * (calls + work.members * member)


def compiled_seconds(work: Workload, threads: int) -> float:
    """Return how long compiled code takes, members or groups of them in threads."""
    n = work.n_parameters
    if work.lanes:
        member = 5e-7 + work.batch * 8e-11 * n + (1e-9 * n if work.adam else 0)
        turns = ceil(ceil(work.members / work.lanes) / threads)
        return work.n_steps * member * work.lanes * turns
    member = 4e-6 + work.batch * (3.5e-7 + 1e-10 * n) + (2e-9 * n if work.adam else 0)
    return work.n_steps * member * work.members / min(threads, work.members)


def blas_wins(work: Workload, x: Array) -> bool:
    """Return whether BLAS in the loop is faster, by the first of the examples x."""
    if work.members > 1 or work.batch < _MANY or work.width >= _WIDE:
        return False
    some = np.asarray(x[:1000])
    return bool(2 * np.count_nonzero(some) >= some.size)
