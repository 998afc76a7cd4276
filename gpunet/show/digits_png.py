"""Digits as PNG files: one byte a pixel, exactly the bytes of the data set."""

import struct
import zlib
from math import ceil, sqrt
from typing import Any

import numpy as np


def gray_png(pixels: Any) -> bytes:
    """Return an 8-bit gray PNG file of uint8 pixels, shape (height, width)."""
    height, width = np.shape(pixels)
    rows = np.zeros((height, 1 + width), np.uint8)  # each begins with its filter, none
    rows[:, 1:] = pixels
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    chunks = b"IHDR" + header, b"IDAT" + zlib.compress(rows.tobytes(), 9), b"IEND"
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


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
