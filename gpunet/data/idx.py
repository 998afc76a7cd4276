"""IDX, the format of MNIST: a magic number, the sizes, then the numbers.

Two zero bytes, a code for the type, the number of dimensions, each dimension
as a big-endian uint32, and the elements big-endian in C order
(http://yann.lecun.com/exdb/mnist/). The sizes in a header are a stranger's
claim: they are multiplied as Python integers, because 65536**4 is 0 in int64,
and are compared with the bytes that are really there before any array exists.
"""

import gzip
import hashlib
import io
import math
import os
import zlib
from contextlib import suppress

import numpy as np

from ..errors import WriteError
from ..io.reading import GZIP_MAGIC, data_error, gunzip_bounded, read_regular

MAX_BYTES = 2**30
_MAX_DIMS = 8
_LONGEST_HEADER = 4 + 4 * _MAX_DIMS
_DTYPES = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_LOOKS = (
    (GZIP_MAGIC, "gzip (compressed twice?)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x93NUMPY", "a .npy file"),
    (b"\x89PNG", "a PNG picture"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<", "HTML (an error page?)"),
)


def read_idx(path, *, sha256=None, limit=MAX_BYTES):
    """Return the array that an IDX file holds, plain or compressed by gzip.

    Compression is told by the first two bytes, not by the name.

    Parameters
    ----------
    path : str or path-like
    sha256 : str, optional
        The digest, in hex, that the uncompressed file must have.
    limit : int
        The most bytes that the file and its content may have.

    Returns
    -------
    array : numpy.ndarray
        1 to 8 dimensions, native byte order, writable, at least one element.

    Raises
    ------
    DataError
        If the file cannot be read, is no IDX, or is longer or shorter than
        its header declares, or if its digest is another one.
    """
    content = read_regular(path, limit)
    if content.startswith(GZIP_MAGIC):
        content = _inflate(content, path, limit)
    dtype, shape, offset = _read_header(content, path)
    declared = _declared_bytes(dtype, shape)
    if len(content) != declared:
        lost = len(content) < declared
        why = (
            f"declares {_times(shape)} {dtype.name} = {declared:,} bytes, has "
            f"{len(content):,}: {'ends' if lost else 'extra bytes'} at offset "
            f"{min(len(content), declared):,}"
        )
        raise data_error("IDX file", path, why, "copy the file again")
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        why = f"has another SHA-256 than {sha256[:16]}..., so its content was changed"
        raise data_error("IDX file", path, why, "restore the original file")
    flat = np.frombuffer(content, dtype, offset=offset)
    # A copy, as a read-only array makes torch warn and cannot be shuffled.
    return flat.reshape(shape).astype(dtype.newbyteorder("="))


def _inflate(data, path, limit):
    """Inflate a gzipped IDX file to one byte more than it declares at most."""
    try:
        head = zlib.decompressobj(wbits=31).decompress(data, _LONGEST_HEADER)
    except zlib.error:
        head = b""
    if len(head) < _LONGEST_HEADER:  # damaged, or a file of a few bytes
        return gunzip_bounded(data, _LONGEST_HEADER, path)
    dtype, shape, _ = _read_header(head, path)
    declared = _declared_bytes(dtype, shape)
    if declared > limit:
        why = f"declares {declared:,} bytes, more than the limit of {limit:,}"
        raise data_error("IDX file", path, why, "check that it is the right file")
    return gunzip_bounded(data, declared, path)


def _read_header(content, path):
    """Return (dtype, shape, offset of the first element) as the header claims."""
    copy = "copy the file again"
    if len(content) < 4:
        why = f"has {len(content)} bytes, an IDX header at least 8"
        raise data_error("IDX file", path, why, copy)
    n_dims = content[3]
    if content[:2] != b"\0\0" or content[2] not in _DTYPES or n_dims == 0:
        why = f"starts with {content[:4].hex(' ')}, which is not IDX{_guess(content)}"
        raise data_error("IDX file", path, why, "give an IDX file, plain or .gz")
    if n_dims > _MAX_DIMS:
        why = f"declares {n_dims} dimensions, at most {_MAX_DIMS} are read"
        raise data_error("IDX file", path, why, copy)
    offset = 4 + 4 * n_dims
    if len(content) < offset:
        why = f"has {len(content)} bytes, its header alone {offset}"
        raise data_error("IDX file", path, why, copy)
    shape = tuple(
        int.from_bytes(content[at : at + 4], "big") for at in range(4, offset, 4)
    )
    if 0 in shape:
        why = f"declares {_times(shape)} elements, so it holds no samples"
        raise data_error("IDX file", path, why, "give a file with samples")
    return _DTYPES[content[2]], shape, offset


def _declared_bytes(dtype, shape):
    """Return the length in bytes of the whole file, an int of any size."""
    return 4 + 4 * len(shape) + dtype.itemsize * math.prod(shape)


def _times(shape):
    """Return `shape` as in 60000x28x28."""
    return "x".join(map(str, shape))


def _guess(content):
    """Return what a file with a foreign beginning looks like, or nothing."""
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, name in _LOOKS:
        if start.startswith(magic):
            return f"; it looks like {name}"
    text = start.partition(b"\n")[0].rstrip().decode("ascii", "replace")
    if text and text.isprintable() and text.isascii():
        return f"; it looks like text: {text[:20]!r}"
    return ""


def write_idx(path, array):
    """Write `array` as an IDX file, compressed if the name ends in .gz.

    Equal arrays give equal bytes: the gzip header holds no time and no name.
    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or path-like
    array : array of uint8, int8, int16, int32, float32 or float64
        1 to 8 dimensions, at least one element, any memory order.

    Raises
    ------
    DataError
        If IDX has no code for the type or the shape.
    WriteError
        If the file cannot be written.
    """
    array = np.asarray(array)
    big = array.dtype.newbyteorder(">")
    code = next((code for code, dtype in _DTYPES.items() if dtype == big), None)
    if code is None:
        why = f"IDX has no code for {array.dtype}"
        raise data_error("IDX file", path, why, "convert it, for instance to int32")
    if not 1 <= array.ndim <= _MAX_DIMS or array.size == 0:
        why = f"expected 1 to {_MAX_DIMS} dimensions, none 0, got {array.shape}"
        raise data_error("IDX file", path, why, "reshape the array")
    header = bytes([0, 0, code, array.ndim])
    header += b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = header + array.astype(big).tobytes()
    path = os.fsdecode(path)
    if path.endswith(".gz"):
        buffer = io.BytesIO()
        with gzip.GzipFile("", "wb", 6, buffer, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    _write_whole(path, content)


def _write_whole(path, content):
    """Write `content` to a neighbor first, so that `path` is never partial."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        why = f"cannot be written ({error.strerror})"
        message = data_error("IDX file", path, why, "check the folder and its space")
        raise WriteError(str(message)) from None


def read_images_and_labels(images_path, labels_path, *, sha256=(None, None)):
    """Return the images and the labels of two IDX files that belong together.

    Parameters
    ----------
    images_path, labels_path : str or path-like
    sha256 : pair of str or None
        The digests that the uncompressed files must have, where known.

    Returns
    -------
    images : array of uint8, shape (n, height, width) or more dimensions
    labels : array of an integer type, shape (n,)

    Raises
    ------
    DataError
        If a file is damaged, the two are swapped, or their counts differ.
    """
    images = read_idx(images_path, sha256=sha256[0])
    labels = read_idx(labels_path, sha256=sha256[1])
    swap = "check the order of the two files"
    if images.ndim < 3 or images.dtype != np.uint8:
        why = f"expected images, uint8 and 3-D, got {images.dtype} {images.shape}"
        if images.ndim == 1:
            why += "; it looks like the labels file"
        raise data_error("images file", images_path, why, swap)
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        why = f"expected labels, integer and 1-D, got {labels.dtype} {labels.shape}"
        if labels.ndim >= 3:
            why += "; it looks like the images file"
        raise data_error("labels file", labels_path, why, swap)
    if len(images) != len(labels):
        why = f"has {len(labels):,} labels for {len(images):,} images"
        raise data_error("labels file", labels_path, why, "give files of one split")
    return images, labels
