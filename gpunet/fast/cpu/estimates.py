"""Whether compiled code is worth waiting for: how long training takes, roughly.

Fitted to networks from 2-8-8-2 to 784-256-10, batches of 1 to 1,024 and populations
of 1 to 100 on two machines; single figures are off by up to a factor of two.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from ...backend import Array

_LARGE = 4e8  # weights times examples of a step


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
    example = 2e-7 + 1e-10 * n
    member = 1.2e-6 + work.batch * example + (2e-9 * n if work.adam else 0)
    return work.n_steps * member * work.members / min(threads, work.members)


def blas_wins(work: Workload, x: Array, threads: int) -> bool:
    """Return whether BLAS in the loop is faster, by the first of the examples x.

    It multiplies large matrices faster than compiled code does on one core: the loop
    took 0.64 to 0.92 of its time from 7e8 weights times examples on, 1.00 at 3e8.
    """
    if threads > 1:
        return False
    some = np.asarray(x[:1000])
    skipped = 1.0 - np.count_nonzero(some) / some.size  # nearly, of the first layer
    weights = work.n_parameters - skipped * some.shape[1] * work.width
    return bool(work.batch * weights > _LARGE)
