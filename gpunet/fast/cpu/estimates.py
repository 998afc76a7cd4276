"""Whether compiled code is worth waiting for: how long training takes, roughly.

Fitted to networks from 2-8-8-2 to 784-256-10, batches of 1 to 1,024 and populations
of 1 to 100 on two machines; single figures are off by up to a factor of two.
"""

from typing import NamedTuple

import numpy as np

from ...backend import Array

_MANY, _WIDE = 64, 128
# Dense populations of few weights: on one machine the loop took 0.68 to 0.77 of the
# engine's time with plain SGD at batch 32 and 200, on another 0.9 to 1.1.
_FEW_WEIGHTS, _LARGE_BATCH, _MEMBERS = 10_000, 32, 20


class Workload(NamedTuple):
    """A training run: its steps, and what the time of one depends on."""

    n_steps: float
    batch: int
    members: int
    width: int  # outputs of the first layer
    outputs: int  # of all layers
    n_parameters: int  # of one member
    adam: bool


def loop_seconds(work: Workload) -> float:
    """Return how long the loop takes on one core."""
    n = work.n_parameters
    example = 3e-7 + 5e-9 * work.outputs + 1.35e-10 * n
    member = work.batch * example + n * (5e-9 if work.adam else 1e-9)
    calls = 1.2e-4 if work.adam else 5e-5
    return work.n_steps * (calls + work.members * member)


def compiled_seconds(work: Workload, threads: int) -> float:
    """Return how long compiled code takes, members side by side in threads."""
    n = work.n_parameters
    member = 4e-6 + work.batch * (3.5e-7 + 1e-10 * n) + (2e-9 * n if work.adam else 0)
    return work.n_steps * member * work.members / min(threads, work.members)


def blas_wins(work: Workload, x: Array) -> bool:
    """Return whether BLAS in the loop is faster, by the first of the examples x."""
    single = work.members == 1 and work.batch >= _MANY and work.width < _WIDE
    large, small = work.batch >= _LARGE_BATCH, work.n_parameters < _FEW_WEIGHTS
    population = work.members >= _MEMBERS and large and small and not work.adam
    if not (single or population):
        return False
    some = np.asarray(x[:1000])
    return bool(2 * np.count_nonzero(some) >= some.size)
