"""Digits as PNG files: one byte a pixel, exactly the bytes of the data set."""

import io
from math import ceil, sqrt
from typing import Any

import numpy as np

from ..errors import ConfigError


def gray_png(pixels: Any) -> bytes:
    """Return an 8-bit gray PNG file of exactly these pixels.

    Parameters
    ----------
    pixels : uint8 array, shape (height, width)

    Raises
    ------
    ConfigError
        Pillow, which comes with matplotlib, is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ConfigError(
            'pictures: Pillow is not installed; python -m pip install "gpunet[plot]"'
        ) from None
    memory = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).save(memory, "PNG")
    return memory.getvalue()


def contact_sheet(images: Any, columns: int | None = None) -> np.ndarray:
    """Return many images as one, in rows, two gray pixels apart.

    Parameters
    ----------
    images : uint8 array, shape (n, height, width)
    columns : int, optional
        None makes it about square.

    Returns
    -------
    sheet : uint8 array
    """
    n, height, width = images.shape
    columns = columns or ceil(sqrt(n))
    rows = ceil(n / columns)
    sheet = np.full((rows * (height + 2) - 2, columns * (width + 2) - 2), 96, np.uint8)
    for k, image in enumerate(images):
        top, left = k // columns * (height + 2), k % columns * (width + 2)
        sheet[top : top + height, left : left + width] = image
    return sheet
