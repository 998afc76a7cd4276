"""Random numbers: drawn on the host, keyed by seed and purpose.

One seed, one run, on whichever device; and a resumed run needs no generator
state. A network's numbers depend on its own seed alone, so member i of a
population sees exactly what the single network with its seed sees.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import index
from typing import Any, Protocol

import numpy as np

from .backend import Array, Backend, HostArray
from .errors import ConfigError, OutOfMemory

HostGenerator = np.random.Generator

_FEW = 200_000  # numbers that one thread shuffles as soon as several


_PURPOSES = {"init": 0, "shuffle": 1, "dropout": 2, "split": 3, "check": 4, "text": 5}


def host_rng(seed: int, purpose: str, *keys: int) -> HostGenerator:
    """Return the host's random generator for one purpose of one seed.

    Every random number of gpunet is drawn on the host from a generator keyed by
    what it is for, and copied to the device: one seed, one run, wherever it
    runs, and a resumed run needs no generator state.

    Parameters
    ----------
    seed : int, at least 0
    purpose : "init", "shuffle", "dropout", "split", "check" or "text"
    *keys : int
        What else sets this draw apart, such as the epoch.

    Examples
    --------
    >>> host_rng(0, "shuffle", 3).permutation(5)
    array([3, 0, 2, 1, 4])
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, purpose, *keys)))


def seed_sequence(seed: int, purpose: str, *keys: int) -> np.random.SeedSequence:
    """Return the key of `host_rng`, for generators of another kind."""
    # NumPy pads keys with zeros: their number keeps (5,) and (5, 0) apart.
    key = (_PURPOSES[purpose], len(keys), *keys)
    return np.random.SeedSequence(seed, spawn_key=key)


def member_seeds(seed: Any, population: int | None) -> tuple[int, ...]:
    """Return the seed of each member: seed, seed + 1, ... or those given."""
    whole = isinstance(population, int) and not isinstance(population, bool)
    if population is not None and (not whole or population < 1):
        raise ConfigError(
            f"population: expected a whole number >= 1, got {population!r}"
        )
    n = population or 1
    check_population_memory(population, 40)  # a seed: an int and its place in the tuple
    try:
        alone = not hasattr(seed, "__len__")
        seeds = [index(seed) + i for i in range(n)] if alone else [*map(index, seed)]
    except TypeError:
        seeds = [-1]
    if isinstance(seed, bool) or not all(0 <= one < 2**63 for one in seeds):
        raise ConfigError(f"seed: expected whole numbers from 0, got {seed!r}")
    if len(seeds) != n:
        raise ConfigError(f"seed: expected {n} (one for each member), got {len(seeds)}")
    return tuple(seeds)


def members_at(i: Any, n: int) -> int | range:
    """Return member i of n, from -n to n - 1, or the members of a slice, at least one.

    Raises
    ------
    IndexError, TypeError
        No such member, or no number.
    """
    try:
        rows = range(n)[i]
    except IndexError:
        raise IndexError(f"member {i}: expected 0 to {n - 1}, or -{n} to -1") from None
    except TypeError:
        raise TypeError(f"member: expected a number or a slice, got {i!r}") from None
    if isinstance(rows, range) and not rows:
        raise IndexError(f"no member of {n} is in {i}")
    return rows


def check_population_memory(population: int | None, member_bytes: int) -> None:
    """Refuse a population at once that would fill the memory only slowly."""
    if population is None:  # the tensors of one network are refused one by one
        return
    try:
        bytes(population * member_bytes)  # claimed, but not filled: bytearray fills
    except (MemoryError, OverflowError):
        raise OutOfMemory(
            f"memory: population: {population:,} networks need at least "
            f"{population * member_bytes:,} bytes; use fewer networks"
        ) from None


def epoch_order(
    seeds: int | Sequence[int], epoch: int, n: int, shuffle: bool = True
) -> HostArray:
    """Return in which order the examples of one epoch come.

    Parameters
    ----------
    seeds : int or sequence of int
        One seed for an order that all share, or the seed of each member.
    epoch, n : int
    shuffle : bool

    Returns
    -------
    order : int64 host array, shape (n,), or (members, n) for a sequence
    """
    if isinstance(seeds, int):
        if not shuffle:
            return np.arange(n)
        return host_rng(seeds, "shuffle", epoch).permutation(n)
    orders = np.empty((len(seeds), n), np.int64)

    def shuffle_member(i: int) -> None:
        orders[i] = epoch_order(seeds[i], epoch, n, shuffle)

    if orders.size < _FEW:
        for i in range(len(seeds)):
            shuffle_member(i)
        return orders
    # NumPy shuffles without holding Python's lock: two cores need 0.7 of the time that
    # one does, 0.13 s for 256 orders of 50,000. A GPU waits for that at each epoch.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(shuffle_member, range(len(seeds))))
    return orders


class Draws(Protocol):
    """Where a layer's random numbers come from while training."""

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """Return numbers in [0, 1) for a layer's (batch, n), on the device."""


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
        self._generators: list[HostGenerator] = []
        self._epoch = self._step = 0

    def at(self, epoch: int, step: int) -> "DropoutDraws":
        """Return these draws, set to the beginning of one step."""
        self._epoch, self._step, self._generators = epoch, step, []
        return self

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """Return numbers in [0, 1), shape (batch, n) or (P, batch, n), float32."""
        if not self._generators:
            counter = [0, 0, self._step, self._epoch]
            self._generators = [
                np.random.Generator(np.random.Philox(key=key, counter=counter))
                for key in self.keys
            ]
        draws = [g.random(tuple(shape), dtype=np.float32) for g in self._generators]
        return self._bk.array(np.stack(draws) if self._population else draws[0])
