"""Pictures as arrays of pixels: from files of strangers, from bytes, from arrays.

Pillow decodes, and only the formats named here: some of its others start programs.
A picture is bounded before it is decoded, as a few bytes may stand for gigabytes.
"""

import io
import os
import warnings
from typing import Any

import numpy as np

from ..backend.inputs import host_array
from ..errors import ConfigError, DataError
from ..io.messages import FileFault, Path, data_error, file_errors
from ..io.reading import read_bytes

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm"),
)
_MOST_BYTES, _MOST_PIXELS = 2**27, 50_000_000
_REMEDY = "save it as PNG or JPEG"


def is_image(name: Path) -> bool:
    """Return whether a file's name ends as a picture's does."""
    return os.fsdecode(name).lower().endswith(_ENDINGS)


def read_pixels(image: Any, where: Path, longest: int) -> np.ndarray:
    """Return a picture without its transparency.

    Parameters
    ----------
    image : str or os.PathLike, bytes, binary file, PIL.Image, or array
        An array is (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), the fourth channel its
        opacity; its values are from 0 to 1, to 255 or to 65,535.
    where : str or path-like
        The picture's name, for messages.
    longest : int
        A picture with a longer side is averaged down.

    Returns
    -------
    pixels : array of float32, shape (h, w, 1 or 3), from 0 (black) to 1

    Raises
    ------
    DataError
        If it is not a picture, is damaged, or has over 50 million pixels.
    ConfigError
        If a file needs Pillow and it is not installed.
    """
    if isinstance(image, str | os.PathLike):
        with file_errors("image", where, "check the path", DataError):
            image = read_bytes(image, _MOST_BYTES)
    elif hasattr(image, "read"):
        image = image.read(_MOST_BYTES + 1)
        if isinstance(image, str):
            reason = "is a file opened as text"
            raise data_error("image", where, reason, 'open it with open(path, "rb")')
    if isinstance(image, bytes | bytearray | memoryview):
        image = _decode(bytes(image), where, longest)
    elif hasattr(image, "getbands"):
        image = _channels(image, longest)
    pixels = _check(image, where)
    highest = next(top for top in (1, 255, 65535) if pixels.max() <= top)
    if pixels.shape[2] == 4:
        pixels = _on_paper(pixels / np.float32(highest))
        highest = 1
    return _average(pixels, longest) / np.float32(highest)


def _decode(content: bytes, where: Path, longest: int) -> np.ndarray:
    """Return the pixels of a file's first page, upright, in any range."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ConfigError(
            'images: Pillow is not installed; python -m pip install "gpunet[plot]"'
        ) from None
    with file_errors("image", where, _REMEDY, DataError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata; the pixels are counted here
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                image.draft(None, (2 * longest, 2 * longest))  # of JPEG: decodes less
                _bound(*image.size)
                return _channels(ImageOps.exif_transpose(image), longest)
        except (MemoryError, FileFault):
            raise
        except Image.DecompressionBombError:
            _bound()
        except Image.UnidentifiedImageError:
            known = ", ".join(_FORMATS[:-1])
            raise ValueError(f"is not a {known} or PPM picture") from None
        except Exception as error:  # of any kind: decoders meet any damage
            raise ValueError(f"is damaged ({error})") from error
    raise AssertionError


def _bound(width: int = _MOST_PIXELS, height: int = 2) -> None:
    """Refuse a picture of too many pixels."""
    if width * height > _MOST_PIXELS:
        reason = f"has more than {_MOST_PIXELS:,} pixels"
        raise FileFault(reason, "save it smaller")


def _channels(image: Any, longest: int) -> np.ndarray:
    """Return the pixels of Pillow's image as gray, RGB or RGBA, averaged down."""
    if image.mode.startswith(("I", "F")):  # 16 bits and more, which `convert` cuts off
        return np.asarray(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return np.asarray(image.reduce(-(-max(image.size) // longest)))


def _check(image: Any, where: Path) -> np.ndarray:
    """Return an array of pixels as (h, w, channels)."""
    pixels = host_array(image, "image", where)
    shape = pixels.shape
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        reason = f"has shape {shape}, not (h, w), (h, w, 3) or (h, w, 4)"
        remedy = "give one picture an argument: read_digit(*images)"
        raise data_error("image", where, reason, remedy)
    numbers = pixels.dtype.kind in "buif"
    if not numbers or not (pixels.min() >= 0 and pixels.max() <= 65535):  # or NaN
        reason = "has values other than numbers from 0 to 65,535"
        raise data_error("image", where, reason, "scale them to 0..1 or 0..255")
    return pixels


def _on_paper(pixels: np.ndarray) -> np.ndarray:
    """Return RGBA pixels, from 0 to 1, as RGB: laid on paper that their ink shows on.

    Where the opaque pixels are of about one shade the ink is what is opaque, else
    paper is among them, and what is transparent gets their usual color.
    """
    color, alpha = pixels[..., :3], pixels[..., 3:]
    opaque = color[alpha[..., 0] > 0.9]
    if len(opaque) == 0:
        opaque = color.reshape(-1, 3)
    shades = opaque.mean(axis=1)
    if np.ptp(shades) > 0.3:
        paper = np.median(opaque, axis=0)
    else:
        paper = np.float32(np.median(shades) < 0.5)
    return color * alpha + paper * (1 - alpha)


def _average(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Return means of squares of pixels, so that no side is above `longest`.

    The last rows and columns that fill no square are left out.
    """
    height, width, channels = pixels.shape
    side = min(-(-max(height, width) // longest), height, width)
    height, width = height // side, width // side
    pixels = pixels[: height * side, : width * side]
    squares = pixels.reshape(height, side, width, side, channels)
    return squares.mean(axis=(1, 3), dtype=np.float32)
