"""A person's own digit, made into what a network trained on MNIST knows.

Such a network has only seen bright ink on black, in a box of 20 x 20 pixels, with
its mass in the middle of 28 x 28. A photograph that is merely resized is nothing
like it: the paper is the brighter part, and the digit is small and off center.
"""

import os
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..io.messages import Path, counted, data_error
from .augment import center_of_mass
from .image_files import read_pixels

_SIDE, _BOX, _PEN = 28, 20, 1.8  # pixels; pens of MNIST have 2 in the median
_LONGEST = 320  # pixels: a picture is averaged down to this, 16 for one of the box
_STRONG, _FAINT = 0.4, 0.05  # of full ink: what is a stroke, and what is none at all
_REMEDY = "show one digit with paper around it, all dark on light or all light on dark"


def read_digit(*images: Any) -> np.ndarray:
    """Return pictures of a digit as a network trained on MNIST expects them.

    A picture may have any size and color, be dark on light or light on dark, have
    wide margins or none, or be a photograph in uneven light. The paper's shade is
    taken away, fine strokes are thickened, the ink is put into a box of 20 x 20 pixels,
    keeping its proportions, and the box into 28 x 28 by its center of mass.

    Parameters
    ----------
    *images : str or os.PathLike, bytes, binary file, PIL.Image, or array
        One digit each. An array has shape (h, w), (h, w, 3) or (h, w, 4), with values
        from 0 to 1 or to 255; all others need Pillow (extra `plot`). Of a file with
        several pages the first is read.

    Returns
    -------
    x : array of float32, shape (n, 784), from 0 (paper) to 1 (ink)
        One picture a row, for `net.predict` and `net.classify`.

    Raises
    ------
    DataError
        If a picture cannot be read, is blank, or shows several digits.
    ConfigError
        If no picture is given, or Pillow is not installed.

    Examples
    --------
    A dark bar on light paper, too small and in a corner:

    >>> picture = np.full((50, 40), 230, np.uint8)
    >>> picture[3:13, 5:7] = 20
    >>> x = read_digit(picture)
    >>> x.shape, int(np.sum(x.reshape(28, 28).any(axis=1)))  # it is 20 rows high now
    ((1, 784), 20)

    Source: http://yann.lecun.com/exdb/mnist, "size-normalized and centered".
    """
    if not images:
        raise ConfigError("read_digit: images must be at least one, got none")
    rows = []
    for k, image in enumerate(images, 1):
        is_path = isinstance(image, str | os.PathLike)
        name = getattr(image, "name", f"{type(image).__name__} {k}")
        where = image if is_path else str(name)
        rows.append(_normalize(read_pixels(image, where, _LONGEST), where))
    return np.concatenate(rows)


def _normalize(pixels: np.ndarray, where: Path) -> np.ndarray:
    """Return one picture, shape (h, w, channels), as (1, 784)."""
    height, width, _ = pixels.shape
    if height * width < 25:
        reason = f"has {width} x {height} pixels, too few for a digit"
        raise data_error("image", where, reason, "give a larger picture")
    ink = _thickened(_cut_out(_ink(pixels, where), where))
    box = _resize(_resize(ink, max(ink.shape)).T, max(ink.shape)).T
    margins = [((_SIDE - n) // 2, _SIDE - n - (_SIDE - n) // 2) for n in box.shape]
    return center_of_mass(np.pad(box / box.max(), margins)[None])


def _ink(pixels: np.ndarray, where: Path) -> np.ndarray:
    """Return how far each pixel is from paper, 0, to ink, usually 1; shape (h, w).

    Ink is what differs from the paper in the direction, between the colors, of the
    strongest differences: so its color does not matter, nor which of them is darker.
    """
    difference = pixels - _paper(pixels)
    strength = np.max(np.abs(difference), axis=2, keepdims=True)
    direction = np.sum(difference * strength**3, axis=(0, 1))
    length = np.linalg.norm(direction) * pixels.shape[2] ** 0.5
    ink = difference @ (direction / max(float(length), 1e-9))
    full = np.median(ink[ink >= ink.max() / 2])
    # Three quarters of a picture may be ink; the rest tells the noise of the paper.
    noise = 3.1 * np.quantile(np.abs(ink), 0.25)
    if full < max(0.04, 5 * noise):
        raise data_error("image", where, "is blank: no digit stands out", _REMEDY)
    return ink / full * (ink > 3 * noise)


def _paper(pixels: np.ndarray) -> np.ndarray:
    """Return the shade of the paper under each pixel, shape (h, w, channels).

    The commonest shade of the rim is the first guess. A constant, then a plane, then
    a quadratic surface is fitted to the pixels close to the last guess: a lamp's
    light and a lens's dark corners are that smooth.
    """
    height, width, channels = pixels.shape
    y, x = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
    )
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    basis = np.float32(terms).reshape(-1, 6)
    flat = pixels.reshape(-1, channels)
    rim = flat[(np.maximum(np.abs(x), np.abs(y)) > 0.85).reshape(-1)]
    rim = rim[:: 1 + len(rim) // 400]
    alike = np.max(np.abs(rim[:, None] - rim), axis=2) < 0.1
    surface, spread = rim[np.argmax(np.sum(alike, axis=0))], 0.1
    for n_terms in (1, 3, 3, 3, 3, 6, 6, 6, 6):
        off = np.max(np.abs(flat - surface), axis=1, keepdims=True)
        part = basis[:, :n_terms]
        weighted = part.T / (1 + (off.T / spread) ** 2) ** 2
        surface = part @ np.linalg.lstsq(weighted @ part, weighted @ flat)[0]
        off = np.max(np.abs(flat - surface), axis=1)
        spread = max(2 * np.quantile(off, 0.25), 0.02)
    return surface.reshape(pixels.shape)


def _cut_out(ink: np.ndarray, where: Path) -> np.ndarray:
    """Return the box around the digit, without specks and what enters from outside."""
    labels, mass, is_inside = _strokes(ink)
    if not is_inside:  # a digit cropped tightly, or one that a shadow goes through
        flat = _without_plains(ink)
        flat_labels, flat_mass, is_inside = _strokes(flat, 0.5)
        if is_inside:
            ink, labels, mass = flat, flat_labels, flat_mass
    ink = np.clip(ink, 0, 1)
    mask = (mass > 0.04 * mass.max())[labels]
    if np.sum(mask) < 5:
        n = counted(int(np.sum(mask)), "pixel")
        reason = f"has {n} of ink, too few for a digit"
        raise data_error("image", where, reason, "give a larger picture")
    _check_one_digit(mask, where)
    for _ in range(1 + max(_cropped(mask, mask).shape) // _BOX):
        mask = _grow(mask)  # the soft rim of the strokes
    ink = ink * mask
    return _cropped(ink > _FAINT, ink)


def _strokes(
    ink: np.ndarray, least: float = 0.0
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the part of each pixel, the ink of each part, and if a digit is inside.

    The edge of a table or a shadow touches the rim, as a digit cropped tightly does:
    the ink of such parts counts 0 if something of a digit's size is inside, with at
    `least` that share of all ink.
    """
    labels = _parts(ink > _STRONG)
    mass = np.bincount(labels.ravel(), ink.ravel())
    mass[0] = 0  # the paper
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inside = mass.copy()
    inside[edge] = 0
    if inside.sum() > least * mass.sum():
        largest = _cropped(labels == np.argmax(inside), ink)
        if max(largest.shape) >= 0.15 * min(ink.shape):
            return labels, inside, True
    return labels, mass, False


def _without_plains(ink: np.ndarray) -> np.ndarray:
    """Return the ink of strokes alone, without what is as wide as a shadow."""
    steps: list[int] = []
    left = max(ink.shape) // 6
    while left:
        steps.append(min(3 ** len(steps), left))  # 1, 3, 9, ...: a larger one has gaps
        left -= steps[-1]
    plain = -ink
    for step in steps:
        plain = _grow(plain, step)
    plain = -plain
    for step in steps:
        plain = _grow(plain, step)
    strokes = ink - plain
    full = np.median(strokes[strokes >= strokes.max() / 2])
    return strokes / max(float(full), 1e-9)


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Return the digit with strokes of a fine pen made about as thick as MNIST's."""
    while True:
        stroke = np.pad(ink > _STRONG, 1)
        rim = sum(np.count_nonzero(np.diff(stroke, axis=axis)) for axis in (0, 1))
        width = 2 * np.count_nonzero(stroke) / rim
        if (width + 2) * _BOX / max(ink.shape) > _PEN:
            return ink
        ink = _grow(np.pad(ink, 1))  # by 2 pixels


def _check_one_digit(mask: np.ndarray, where: Path) -> None:
    """Refuse what stands side by side, or is too wide."""
    box = _cropped(mask, mask)
    columns = box.any(axis=0)
    starts = np.flatnonzero(np.diff(columns, prepend=False) & columns)
    groups = np.split(box, starts[1:], axis=1)
    heights = [np.ptp(np.flatnonzero(group.any(axis=1))) + 1 for group in groups]
    n = sum(height >= 0.6 * len(box) for height in heights)
    if n > 1 or box.shape[1] > 2 * len(box):
        reason = f"shows {n} digits side by side" if n > 1 else "is wider than a digit"
        raise data_error("image", where, reason, _REMEDY)


def _parts(mask: np.ndarray) -> np.ndarray:
    """Return the number, from 1, of the connected part of each pixel; 0 outside."""
    labels = np.arange(1, mask.size + 1).reshape(mask.shape) * mask
    while not np.array_equal(grown := _grow(labels) * mask, labels):
        labels = grown
    return np.unique(labels * mask, return_inverse=True)[1].reshape(mask.shape)


def _grow(image: np.ndarray, step: int = 1) -> np.ndarray:
    """Return the largest value of each pixel and the eight at `step` around it."""
    padded = np.pad(image, step, mode="edge")
    middle, last = slice(step, -step), slice(2 * step, None)
    first = slice(-2 * step)
    rows = np.maximum(np.maximum(padded[first], padded[middle]), padded[last])
    columns = np.maximum(rows[:, first], rows[:, middle])
    return np.maximum(columns, rows[:, last])


def _cropped(mask: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the smallest box of `image` with all that `mask` marks."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resize(image: np.ndarray, longest: int) -> np.ndarray:
    """Return an image with other rows: so many that `longest` would be 20.

    A new row is the mean over what it covers, or between its neighbors if that is
    less than a row.
    """
    n = len(image)
    count = max(1, round(n * _BOX / longest))
    width = n / count  # of a new row, in old ones
    centers = (np.arange(count)[:, None] + 0.5) * width - 0.5
    cover = (max(1.0, width) + 1) / 2 - np.abs(np.arange(n) - centers)
    weights = np.float32(np.clip(cover, 0, 1))
    return weights / np.sum(weights, axis=1, keepdims=True) @ image
