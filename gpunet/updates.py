"""What is done to whole gradients and weights, one network at a time.

In a population every member is measured and scaled by itself, so that one that
diverges leaves the others as they are, bit for bit.
"""

from typing import Any

from .backend import Array, Params, namespace


def spread(value: Any, p: Array) -> Any:
    """Return per-member values (P,) with axes after them that fit p (P, ...)."""
    if isinstance(value, float):
        return value
    return namespace(p).reshape(value, (-1, *[1] * (p.ndim - 1)))


def gradient_norm(grads: Params, population: int | None = None) -> Array:
    """Return the length of each network's whole gradient.

    Parameters
    ----------
    grads : dict of str to array
    population : int, optional
        Length of the member axis, None without one.

    Returns
    -------
    norm : array, shape () or (P,)
    """
    total: Any = 0.0
    for g in grads.values():
        axes = tuple(range(1 if population else 0, g.ndim))
        total = total + namespace(g).sum(g * g, axis=axes)
    return namespace(total).sqrt(total)


def clip(grads: Params, longest: float, population: int | None = None) -> Params:
    """Return gradients scaled so that no network's is longer than `longest`.

    Each member is scaled by its own norm, so one that diverges leaves the
    others as they are.
    """
    norm = gradient_norm(grads, population)
    xp = namespace(norm)
    scale = xp.where(norm > longest, longest / norm, xp.ones_like(norm))
    return {
        name: g * (spread(scale, g) if population else scale)
        for name, g in grads.items()
    }


def shorten(W: Array, longest: float) -> None:
    """Scale the weights into each neuron to at most `longest`, in place."""
    xp = namespace(W)
    norm = xp.sqrt(xp.sum(W * W, axis=-2, keepdims=True))  # (..., 1, n_out)
    W *= xp.where(norm > longest, longest / norm, xp.ones_like(norm))
