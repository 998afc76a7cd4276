"""Digits as PNG files: one byte a pixel, exactly the bytes of the data set."""

import io
from math import ceil, sqrt
from typing import Any

import numpy as np

from ..errors import ConfigError


def gray_png(pixels: Any) -> bytes:
    """Return an 8-bit gray PNG file of uint8 pixels, shape (height, width)."""
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
    """Return many uint8 images, (n, height, width), as one, two gray pixels apart.

    `columns` None makes it about square.
    """
    n, height, width = images.shape
    columns = columns or ceil(sqrt(n))
    rows = ceil(n / columns)
    sheet = np.full((rows * (height + 2) - 2, columns * (width + 2) - 2), 96, np.uint8)
    for k, image in enumerate(images):
        top, left = k // columns * (height + 2), k % columns * (width + 2)
        sheet[top : top + height, left : left + width] = image
    return sheet
