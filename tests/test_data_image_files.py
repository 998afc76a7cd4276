"""Pictures from files, bytes and arrays, and the sentence where there is none."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from drawn_digits import ROUND, Picture, draw

from gpunet.data import is_image, read_digit
from gpunet.data.image_files import read_pixels
from gpunet.errors import ConfigError, DataError

Image = pytest.importorskip("PIL.Image")
SEVEN = draw(ROUND[7])
EXPECTED = read_digit(SEVEN)


def encoded(pixels, kind="PNG", **options):
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, kind, **options)
    return memory.getvalue()


def close(x, tolerance=0.01):
    return np.mean(np.abs(x - EXPECTED)) < tolerance


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM"])
def test_formats_paths_bytes_files_and_images_are_alike(kind, tmp_path):
    path = tmp_path / f"seven.{kind.lower()}"
    path.write_bytes(encoded(SEVEN, kind))
    assert is_image(path) and is_image(str(path).upper())
    with open(path, "rb") as file, Image.open(path) as image:
        same = read_digit(path, str(path), path.read_bytes(), file, image)
    assert same.shape == (5, 784) and np.all(same == same[0])
    assert close(same[0], 0.03 if kind == "JPEG" else 0.01)


def test_modes_of_pillow():
    image = Image.fromarray(SEVEN)
    for mode in ("1", "P", "RGB", "CMYK", "LA", "RGBA", "I", "F", "I;16"):
        assert close(read_digit(image.convert(mode)), 0.02), mode
    deep = Image.fromarray(SEVEN.astype(np.uint16) * 257)  # convert("L") would cut it
    memory = io.BytesIO()
    deep.save(memory, "PNG")
    assert close(read_digit(memory.getvalue()))


@pytest.mark.parametrize("ink", [0, 128, 255])
def test_transparent_pictures_show_their_ink(ink):
    alpha = 255 - SEVEN
    color = np.full((*SEVEN.shape, 3), ink, np.uint8)
    assert close(read_digit(encoded(np.dstack([color, alpha]))))
    card = np.dstack([SEVEN, SEVEN, SEVEN, np.full_like(SEVEN, 255)])
    whole = np.zeros_like(card)  # transparent, and black where nobody sees it
    whole[15:-15, 15:-15] = card[15:-15, 15:-15]
    assert close(read_digit(whole))


def test_photographs_are_turned_upright_and_averaged_down():
    how = Picture(900, 700, top=250, left=250, size=450, pen=45)
    photo = draw(ROUND[7], how)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to see it
    turned = encoded(np.rot90(photo).copy(), "JPEG", exif=exif)
    assert close(read_digit(turned), 0.06)  # 0.14 if not turned
    assert max(read_pixels(photo, "photo", 320).shape) == 300  # by 3
    assert max(read_pixels(turned, "photo", 320).shape) <= 320


def test_the_first_of_several_pages_is_read():
    pages = [Image.fromarray(page) for page in (draw(ROUND[2]), draw(ROUND[8]))]
    for kind in ("GIF", "TIFF"):
        memory = io.BytesIO()
        Image.fromarray(SEVEN).save(memory, kind, save_all=True, append_images=pages)
        assert close(read_digit(memory.getvalue()))


def bomb(width, height):
    """Return a PNG file of so many pixels, though it has none."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


WRONG = {
    "not an image": (b"size,color\n1,2\n", "is not a PNG, .* or PPM picture"),
    "nothing": (b"", "is not a PNG"),
    "vectors": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not a PNG"),
    "another format": (encoded(SEVEN, "PCX"), "is not a PNG"),
    "half a file": (encoded(SEVEN)[:200], "is damaged"),
    "damaged": (encoded(SEVEN)[:60] + bytes(90) + encoded(SEVEN)[150:], "is damaged"),
    "large": (bomb(10_000, 10_000), "more than 50,000,000 pixels; save it smaller"),
    "huge": (bomb(60_000, 60_000), "more than 50,000,000 pixels; save it smaller"),
    "text file": (io.StringIO("a"), "opened as text"),
    "row": (np.zeros(784), r"has shape \(784,\), not \(h, w\).*read_digit\(\*images\)"),
    "stack": (np.zeros((9, 28, 28)), r"has shape \(9, 28, 28\)"),
    "empty": (np.zeros((0, 5)), r"has shape \(0, 5\)"),
    "list of names": (["a.png"], r"has shape \(1,\)"),
    "ragged": ([[0, 1], [0]], "image: list 1: "),
    "negative": (np.eye(28) - 0.5, "numbers from 0 to 65,535; scale them"),
    "not a number": (np.full((9, 9), np.nan), "numbers from 0 to 65,535"),
    "words": (np.full((9, 9), "a"), "numbers from 0 to 65,535"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_picture_is_refused_in_one_line(name):
    content, reason = WRONG[name]
    with pytest.raises(DataError, match=reason) as caught:
        read_digit(content)
    message = str(caught.value)
    assert message.startswith("image: ") and message.isprintable() and "; " in message


def test_errors_name_the_file(tmp_path):
    with pytest.raises(DataError, match=r"image: .*none\.png: No such file"):
        read_digit(tmp_path / "none.png")
    with pytest.raises(DataError, match="is a folder"):
        read_digit(str(tmp_path))


def test_without_pillow_arrays_are_still_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert close(read_digit(SEVEN))
    with pytest.raises(ConfigError, match=r'pip install "gpunet\[plot\]"'):
        read_digit(b"\x89PNG")
