"""IDX, the format of MNIST (http://yann.lecun.com/exdb/mnist/).

Two zero bytes, a code for the type, the number of dimensions, each dimension as a
big-endian uint32, and the elements big-endian in C order. The sizes in a header
are multiplied as Python integers, because 65536**4 is 0 in int64, and compared
with the bytes that are really there before any array exists.
"""

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from typing import Any

import numpy as np

from ..errors import DataError
from ..io.messages import FileFault, Path, counted, data_error, file_errors
from ..io.reading import GZIP_MAGIC, gunzip_bounded, read_regular
from ..io.writing import write_atomically

MAX_BYTES = 2**30
_MAX_DIMS = 8
_LONGEST_HEADER = 4 + 4 * _MAX_DIMS
_DTYPES: dict[int, np.dtype] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_KNOWN_STARTS = (
    (GZIP_MAGIC, "gzip (compressed twice?)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x93NUMPY", "a .npy file"),
    (b"\x89PNG", "a PNG picture"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<", "HTML (an error page?)"),
)


def read_idx(
    path: Path, *, sha256: str | None = None, limit: int = MAX_BYTES
) -> np.ndarray:
    """Return the array in an IDX file, plain or compressed by gzip.

    Parameters
    ----------
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
        If the file cannot be read, is not IDX, has another length than its header
        declares, or another digest.
    """
    content: bytes | bytearray = (data := read_regular(path, limit))
    with file_errors("IDX file", path, "copy the file again", DataError):
        if data.startswith(GZIP_MAGIC):
            content = _inflate(data, path, limit)
        dtype, shape, offset = _read_header(content)
        declared = offset + dtype.itemsize * math.prod(shape)
        if len(content) != declared:
            end = "ends" if len(content) < declared else "extra bytes"
            raise ValueError(
                f"declares {_times(shape)} {dtype.name} = {declared:,} bytes, has "
                f"{len(content):,}: {end} at offset {min(len(content), declared):,}"
            )
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            reason = f"has another SHA-256 than {sha256[:16]}..., so it was changed"
            raise FileFault(reason, "restore the original file")
        flat = np.frombuffer(content, dtype, offset=offset)
        # Of bytes a copy: a read-only array makes torch warn and cannot be shuffled.
        copy = not flat.flags.writeable
        return flat.reshape(shape).astype(dtype.newbyteorder("="), copy=copy)


def _inflate(data: bytes, path: Path, limit: int) -> bytearray:
    """Inflate a gzipped IDX file to at most one byte more than it declares."""
    try:
        head = zlib.decompressobj(wbits=31).decompress(data, _LONGEST_HEADER)
    except zlib.error:
        head = b""
    if len(head) < _LONGEST_HEADER:  # damaged, or a file of a few bytes
        return gunzip_bounded(data, _LONGEST_HEADER, path)
    dtype, shape, offset = _read_header(head)
    declared = offset + dtype.itemsize * math.prod(shape)
    if declared > limit:
        reason = f"declares {declared:,} bytes, more than the limit of {limit:,}"
        raise FileFault(reason, "check that it is the right file")
    return gunzip_bounded(data, declared, path, size=declared)


def _read_header(content: bytes | bytearray) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return (dtype, shape, offset of the first element) as the header declares."""
    if len(content) < 4:
        raise ValueError(f"has {len(content)} bytes, an IDX header at least 8")
    n_dims = content[3]
    if content[:2] != b"\0\0" or content[2] not in _DTYPES or n_dims == 0:
        start = content[:4].hex(" ")
        reason = f"starts with {start}, which is not IDX{_guess(content)}"
        raise FileFault(reason, "give an IDX file, plain or .gz")
    if n_dims > _MAX_DIMS:
        raise ValueError(f"declares {n_dims} dimensions, at most {_MAX_DIMS} are read")
    offset = 4 + 4 * n_dims
    if len(content) < offset:
        raise ValueError(f"has {len(content)} bytes, its header alone {offset}")
    shape = struct.unpack(f">{n_dims}I", content[4:offset])
    if 0 in shape:
        reason = f"declares {_times(shape)} elements, so it contains no samples"
        raise FileFault(reason, "give a file with samples")
    return _DTYPES[content[2]], shape, offset


def _times(shape: tuple[int, ...]) -> str:
    """Return `shape` as in 60000x28x28."""
    return "x".join(map(str, shape))


def _guess(content: bytes | bytearray) -> str:
    """Return what a file that does not start as IDX looks like, or ""."""
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, name in _KNOWN_STARTS:
        if start.startswith(magic):
            return f"; it looks like {name}"
    text = start.partition(b"\n")[0].rstrip().decode("ascii", "replace")
    if text and text.isprintable() and text.isascii():
        return f"; it looks like text: {text[:20]!r}"
    return ""


def write_idx(path: Path, array: Any) -> None:
    """Write `array` as an IDX file, compressed if the name ends in .gz.

    Equal arrays become equal bytes: the gzip header holds no time and no name.

    Parameters
    ----------
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
        reason = f"IDX has no code for {array.dtype}"
        raise data_error("IDX file", path, reason, "convert it, for instance to int32")
    if not 1 <= array.ndim <= _MAX_DIMS or array.size == 0:
        reason = f"must have 1 to {_MAX_DIMS} dimensions, none 0, got {array.shape}"
        raise data_error("IDX file", path, reason, "reshape the array")
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    content = header + array.astype(big).tobytes()
    path = os.fsdecode(path)
    if path.endswith(".gz"):
        buffer = io.BytesIO()  # gzip.compress writes another byte by platform
        with gzip.GzipFile("", "wb", 6, buffer, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    write_atomically(path, content)


def read_images_and_labels(
    images_path: Path,
    labels_path: Path,
    *,
    sha256: tuple[str | None, str | None] = (None, None),
) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 (n, height, width), and labels (n,) of two IDX files.

    `sha256` has the digests of the uncompressed files, where known. Damaged or swapped
    files, and counts that differ, are a DataError.
    """
    images = read_idx(images_path, sha256=sha256[0])
    labels = read_idx(labels_path, sha256=sha256[1])
    swap = "check the order of the two files"
    if images.ndim < 3 or images.dtype != np.uint8:
        reason = f"must be images, uint8 and 3-D, got {images.dtype} {images.shape}"
        if images.ndim == 1:
            reason += "; it looks like the labels file"
        raise data_error("images file", images_path, reason, swap)
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        reason = f"must be labels, integer and 1-D, got {labels.dtype} {labels.shape}"
        if labels.ndim >= 3:
            reason += "; it looks like the images file"
        raise data_error("labels file", labels_path, reason, swap)
    if len(images) != len(labels):
        n = counted(len(labels), "label")
        reason = f"has {n} for {counted(len(images), 'image')}"
        raise data_error("labels file", labels_path, reason, "give files of one split")
    return images, labels
