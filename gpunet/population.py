"""Populations: the draws of many seeds at once, and what their results say.

A network's random numbers depend on its own seed alone, so member i of a
population sees exactly what the single network with its seed sees.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import isfinite, sqrt
from typing import Any

import numpy as np

from ._types import Array, HostArray
from .backend import Backend, host_rng, seed_sequence

ORDERS = ("own", "shared", "none")
_FEW = 200_000  # numbers that one thread shuffles as soon as several


def epoch_order(seeds: Sequence[int], epoch: int, n: int, order: str) -> HostArray:
    """Return in which order the examples of one epoch come.

    Parameters
    ----------
    seeds : sequence of int
        The seeds of the members whose order is asked for.
    epoch, n : int
    order : "own", "shared" or "none"
        Each member's own shuffle, the first seed's for all, or none at all.

    Returns
    -------
    order : int64 host array, shape (members, n), or (n,) when it is shared
    """
    if order == "none":
        return np.arange(n)
    if order == "shared":
        return host_rng(seeds[0], "shuffle", epoch).permutation(n)
    orders = np.empty((len(seeds), n), np.int64)

    def draw(i: int) -> None:
        orders[i] = host_rng(seeds[i], "shuffle", epoch).permutation(n)

    if orders.size < _FEW:
        for i in range(len(seeds)):
            draw(i)
        return orders
    # NumPy shuffles without holding Python's lock: two cores need 0.7 of the time that
    # one does, 0.13 s for 256 orders of 50,000. A GPU waits for that at each epoch.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(draw, range(len(seeds))))
    return orders


class DropoutDraws:
    """The uniform numbers of Dropout, keyed by (seed, epoch, step).

    Nothing is remembered between steps, so a step repeated or resumed draws the
    same numbers again.

    Parameters
    ----------
    bk : Backend
    seeds : sequence of int
    population : int or None
        None leaves out the member axis.

    Attributes
    ----------
    keys : list of uint64 host array, shape (2,)
        Each member's key of the Philox generator, whose counter is
        [0, 0, step, epoch].
    """

    def __init__(self, bk: Backend, seeds: Sequence[int], population: int | None):
        self._bk, self._population = bk, population
        self.keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in seeds
        ]
        self._generators: list[Any] = []
        self._place = (0, 0)

    def at(self, epoch: int, step: int) -> "DropoutDraws":
        """Return these draws, set to the beginning of one step."""
        self._place, self._generators = (epoch, step), []
        return self

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """Return numbers in [0, 1), shape (batch, n) or (P, batch, n), float32."""
        if not self._generators:
            epoch, step = self._place
            self._generators = [
                np.random.Generator(
                    np.random.Philox(key=key, counter=[0, 0, step, epoch])
                )
                for key in self.keys
            ]
        draws = [g.random(tuple(shape), dtype=np.float32) for g in self._generators]
        return self._bk.array(np.stack(draws) if self._population else draws[0])


def summary(values: Sequence[float | None]) -> dict[str, Any]:
    """Return mean, standard deviation, best and worst of the members' results.

    Parameters
    ----------
    values : sequence of float or None
        None and NaN (a member that diverged) are left out and counted.

    Returns
    -------
    result : dict
        n, mean, sd (sample, 0 for one), median, best and worst (largest and
        smallest), best_member, worst_member, missing.

    Examples
    --------
    >>> s = summary([0.5, 1.0, None])
    >>> s["mean"], s["best_member"], s["missing"]
    (0.75, 1, [2])
    """
    good = [(v, i) for i, v in enumerate(values) if v is not None and isfinite(v)]
    missing = [i for i in range(len(values)) if i not in {i for _, i in good}]
    if not good:
        return {"n": 0, "missing": missing}
    n = len(good)
    mean = sum(v for v, _ in good) / n
    spread = sqrt(sum((v - mean) ** 2 for v, _ in good) / (n - 1)) if n > 1 else 0.0
    (worst, worst_at), (best, best_at) = min(good), max(good)
    return {
        "n": n,
        "mean": mean,
        "sd": spread,
        "median": float(np.median([v for v, _ in good])),
        "best": best,
        "best_member": best_at,
        "worst": worst,
        "worst_member": worst_at,
        "missing": missing,
    }
