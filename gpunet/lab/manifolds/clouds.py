"""Points in the plane that a network is to separate."""

import numpy as np

from ...random import host_rng

Points = tuple[np.ndarray, np.ndarray]  # x (n, 2), labels (n,)


def _polar(r: np.ndarray, turn: np.ndarray) -> np.ndarray:
    return np.stack([r * np.cos(turn), r * np.sin(turn)], axis=1)


def ring(n: int, seed: int, *, dimensions: int = 2) -> Points:
    """Return a disc (r < 1/3, label 1) in a ring (2/3 < r < 1, label 0), n points each.

    In one dimension the disc is a stretch between two others.
    """
    rng = host_rng(seed, "check", 10 + dimensions)
    even = rng.random(2 * n)
    if dimensions == 1:
        r = np.concatenate([even[:n] / 3, (2 + even[n:]) / 3])
        x = (r * rng.choice([-1.0, 1.0], 2 * n))[:, None]
    else:
        r = np.sqrt(np.concatenate([even[:n] / 9, (4 + 5 * even[n:]) / 9]))
        x = _polar(r, rng.uniform(0, 2 * np.pi, 2 * n))
    return x, np.repeat([1, 0], n)


def moons(n: int, seed: int) -> Points:
    """Return two half moons, n points each, one reaching into the other."""
    rng = host_rng(seed, "check", 13)
    x = _polar(np.ones(2 * n), rng.uniform(0, np.pi, 2 * n))
    x[n:] = [1.0, 0.5] - x[n:]
    x = (x - [0.5, 0.25]) / 1.5 + 0.06 * rng.standard_normal(x.shape)
    return x, np.repeat([0, 1], n)


def spirals(n: int, seed: int) -> Points:
    """Return two spirals of one and a half turns, n points each."""
    rng = host_rng(seed, "check", 14)
    r = np.sqrt(rng.uniform(0.01, 1.0, 2 * n))
    x = _polar(r, 3 * np.pi * r + np.repeat([0.0, np.pi], n))
    return x + 0.02 * rng.standard_normal(x.shape), np.repeat([0, 1], n)


def blobs(n: int, seed: int) -> Points:
    """Return three round clouds, n points each, that barely touch."""
    rng = host_rng(seed, "check", 15)
    turn = np.repeat(np.arange(3) * 2 * np.pi / 3 + np.pi / 2, n)
    x = 0.6 * _polar(np.ones(3 * n), turn)
    return x + 0.2 * rng.standard_normal(x.shape), np.repeat([0, 1, 2], n)
