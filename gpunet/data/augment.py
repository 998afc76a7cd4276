"""Images moved by whole pixels: more digits to train on, drawn ones centered.

Source: `expand_mnist.py` of Nielsen's book shifts each digit by one pixel up,
down, left and right; LeCun's description of MNIST centers each by its mass.
"""

from typing import Any

import numpy as np

from ..backend.inputs import numeric_array
from ..errors import ConfigError


def shift_images(x: Any, shifts: Any, side: int = 28) -> np.ndarray:
    """Return a moved copy of every image for each shift, padded with 0.

    Parameters
    ----------
    x : array, shape (n, side * side) or (n, side, side)
    shifts : sequence of (down, right) pairs of int
        Nielsen's are (1, 0), (-1, 0), (0, 1), (0, -1); (0, 0) is a plain copy.

    Returns
    -------
    moved : array, shape (len(shifts) * n, side * side), type of x
        All by the first shift, then all by the second, and so on; the labels
        are ``np.tile(t, len(shifts))``.
    """
    images = _as_images(x, side)
    pairs = np.asarray(shifts)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise ConfigError(f"shifts must be pairs of integers, got {shifts!r}")
    return np.concatenate([_move(images, *p) for p in pairs]).reshape(-1, side * side)


def center_of_mass(x: Any, side: int = 28) -> np.ndarray:
    """Return the images moved so that their mass is in the middle, as MNIST's.

    The middle is pixel side // 2, counted from 0: by this rule 69,998 of the
    70,000 digits of MNIST stay in place. An image of zeros stays, too.
    x is as in `shift_images`, with values >= 0; the result has one image a row.
    """
    images = _as_images(x, side)
    position = np.arange(side) - side // 2
    sums = [np.sum(images, axis=axis, dtype=np.float64) for axis in (2, 1)]
    mass = np.sum(sums[0], axis=1)
    offset = np.stack([s @ position for s in sums], axis=1)  # (n, 2)
    offset = offset / np.where(mass > 0, mass, 1.0)[:, None]
    # rint takes halves to even numbers, so a moved copy would end elsewhere.
    shift = -np.floor(offset + 0.5).astype(int)
    centered = np.zeros_like(images)
    for pair in np.unique(shift, axis=0):
        rows = np.flatnonzero((shift == pair).all(axis=1))
        centered[rows] = _move(images[rows], *pair)
    return centered.reshape(-1, side * side)


def _as_images(x: Any, side: int) -> np.ndarray:
    """Return x as (n, side, side)."""
    x = numeric_array(x, "images", "x")
    if x.shape[1:] not in ((side * side,), (side, side)):
        raise ConfigError(f"images must be {side} x {side}, got x of shape {x.shape}")
    return x.reshape(-1, side, side)


def _move(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the images moved by whole pixels; what leaves the frame is lost."""
    side = images.shape[-1]
    down, right = (max(-side, min(side, int(k))) for k in (down, right))
    widths = [(max(k, 0), max(-k, 0)) for k in (down, right)]
    padded = np.pad(images, [(0, 0), *widths])
    return padded[:, max(-down, 0) :, max(-right, 0) :][:, :side, :side]
