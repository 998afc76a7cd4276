"""IDX files are read exactly, or refused with figures, and never inflated blindly."""

import gzip
import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpunet.data.idx import read_idx, write_idx
from gpunet.errors import DataError

ITEM_SIZES = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
IMAGES_FILE = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, *range(24)])
LABELS_FILE = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])


def header(code, *shape):
    sizes = b"".join(n.to_bytes(4, "big") for n in shape)
    return bytes([0, 0, code, len(shape)]) + sizes


def refusal(path, content=None):
    """Return the message of the DataError that the content must raise."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    text = str(caught.value)
    assert str(path) in text and "; " in text
    assert len(text) <= 485 and text.isprintable()
    return text


@pytest.fixture
def path(tmp_path):
    return tmp_path / "f"


@pytest.mark.parametrize(
    ("code", "body", "values", "dtype"),
    [
        (0x08, "00 ff 80", [0, 255, 128], np.uint8),
        (0x09, "00 ff 80", [0, -1, -128], np.int8),
        (0x0B, "0102 fffe 8000", [258, -2, -32768], np.int16),
        (0x0C, "00010203 fffffffe 80000000", [66051, -2, -(2**31)], np.int32),
        (0x0D, "3fc00000 c0000000 00000001", [1.5, -2, 2**-149], np.float32),
        (0x0E, "3ff8000000000000 7ff0000000000000", [1.5, np.inf], np.float64),
    ],
)
def test_each_type_is_read_as_native_numbers(path, code, body, values, dtype):
    path.write_bytes(header(code, len(values)) + bytes.fromhex(body))
    array = read_idx(path)
    assert array.dtype == np.dtype(dtype) and array.dtype.isnative
    assert array.tolist() == values
    array[0] = 1  # writable, for shuffling and for torch


def test_images_are_read_in_c_order(path):
    path.write_bytes(IMAGES_FILE)
    assert np.array_equal(read_idx(path), IMAGES)
    assert read_idx(str(path))[1, 2, 3] == 23


def test_compression_is_told_by_bytes_not_by_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(IMAGES_FILE)
    (tmp_path / "packed").write_bytes(gzip.compress(IMAGES_FILE))
    assert np.array_equal(read_idx(tmp_path / "plain.gz"), IMAGES)
    assert np.array_equal(read_idx(tmp_path / "packed"), IMAGES)


@pytest.mark.parametrize("content", [IMAGES_FILE, LABELS_FILE])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_prefix_and_up_to_64_extra_bytes_are_refused(path, content, pack):
    for n in range(len(content)):
        text = refusal(path, pack(content[:n]))
        if n >= 16:
            assert f"{len(content):,}" in text and f"has {n}:" in text
            assert f"ends at offset {n}" in text
    for extra in range(1, 65):
        for filling in (b"\0", b"\x1f"):
            text = refusal(path, pack(content + filling * extra))
            assert f"extra bytes at offset {len(content)}" in text
    path.write_bytes(pack(content))
    assert read_idx(path).size == len(content) - 4 - 4 * content[3]


def test_prefix_of_compressed_file_is_refused(path):
    packed = gzip.compress(IMAGES_FILE)
    for n in range(len(packed)):
        refusal(path, packed[:n])
    for extra in range(1, 65):
        refusal(path, packed + b"\0" * extra)


def test_every_value_of_every_magic_byte_is_checked(path):
    for at, value in itertools.product(range(4), range(256)):
        content = bytearray(IMAGES_FILE)
        content[at] = value
        # int8 is as long as uint8, so one variant remains a valid file.
        if bytes(content[:4]) in (b"\0\0\x08\x03", b"\0\0\x09\x03"):
            path.write_bytes(content)
            assert read_idx(path).dtype == ("u1", "i1")[content[2] - 8]
        else:
            refusal(path, bytes(content))


def test_code_between_the_known_ones_is_refused(path):
    for code in range(256):
        path.write_bytes(header(code, 1) + bytes(ITEM_SIZES.get(code, 1)))
        if code in ITEM_SIZES:
            assert read_idx(path).tolist() == [0]
        else:
            assert "not IDX" in refusal(path)


def test_eight_dimensions_are_read_and_nine_are_not(path):
    path.write_bytes(header(8, *[1] * 8) + b"\5")
    assert read_idx(path).shape == (1,) * 8
    for n in (9, 255):
        assert f"{n} dimensions" in refusal(path, header(8, *[1] * n) + b"\5")
    assert "not IDX" in refusal(path, header(8) + b"\5")


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0), (2**32 - 1, 0)])
def test_no_samples_are_refused(path, shape):
    assert "no samples" in refusal(path, header(8, *shape))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "shape", [(65536,) * 4, (2**32 - 1,) * 3, (2**31, 2**31, 4), (2**32 - 1,) * 8]
)
@pytest.mark.parametrize("code", [0x08, 0x0E])
def test_sizes_that_overflow_are_refused_without_memory(path, pack, shape, code):
    content = header(code, *shape)
    path.write_bytes(pack(content + bytes(max(0, 36 - len(content)))))
    tracemalloc.start()
    text = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    declared = 4 + 4 * len(shape) + ITEM_SIZES[code] * math.prod(shape)
    assert f"{declared:,}" in text
    assert peak < 2**20


def test_bomb_behind_an_honest_header_is_not_inflated(path):
    path.write_bytes(gzip.compress(header(8, 100) + bytes(50 * 2**20)))
    tracemalloc.start()
    assert "more than 108 bytes" in refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_declared_size_above_the_limit_is_refused_before_inflation(path):
    path.write_bytes(gzip.compress(header(8, 5000) + bytes(5000)))
    with pytest.raises(DataError, match="declares 5,008 bytes, more than the limit"):
        read_idx(path, limit=5007)
    assert len(read_idx(path, limit=5008)) == 5000


def test_plain_file_above_the_limit_is_refused(path):
    path.write_bytes(IMAGES_FILE)
    with pytest.raises(DataError, match="limit of 39"):
        read_idx(path, limit=39)
    assert len(read_idx(path, limit=40)) == 2


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        (
            gzip.compress(gzip.compress(IMAGES_FILE, mtime=0), mtime=0),
            "gzip (compressed twice?)",
        ),
        (b"<!DOCTYPE html><html>404</html>", "HTML"),
        (b"\xef\xbb\xbf\r\n <html>", "HTML"),
        (gzip.compress(b"<html><body>Not found</body></html>" * 9, mtime=0), "HTML"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"\x93NUMPY" + bytes(40), "a .npy file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"label,pixel0\n5,0\n", "text"),
        (b"5, 0, 4", "text: '5, 0, 4'"),
    ],
)
def test_wrong_file_is_recognized(path, content, guess):
    text = refusal(path, content)
    assert f"looks like {guess}" in text
    assert "not IDX" in text


def test_unknown_bytes_give_no_guess(path):
    text = refusal(path, b"\x01\x02\xff\xfe" * 20)
    assert "01 02 ff fe" in text and "looks" not in text


def test_digest_is_that_of_the_uncompressed_content(path):
    digest = "6b413bc4e4b437a09780b06c8c43c748d2546f2be2f36913c8dfdb95fac3a083"
    path.write_bytes(gzip.compress(LABELS_FILE))
    assert read_idx(path, sha256=digest).tolist() == [7, 9]
    path.write_bytes(LABELS_FILE[:-1] + b"\x08")
    with pytest.raises(DataError, match=f"another SHA-256 than {digest[:16]}"):
        read_idx(path, sha256=digest)


no_time_limit = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
arrays = st.sampled_from(["u1", "i1", "<i2", ">i4", "<f4", ">f8"]).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=1, max_dims=8, min_side=1, max_side=3)
    )
)


@no_time_limit
@given(array=arrays, name=st.sampled_from(["a", "a.gz"]))
def test_any_valid_array_makes_the_round_trip(tmp_path, array, name):
    write_idx(tmp_path / name, array)
    got = read_idx(tmp_path / name)
    assert got.dtype == array.dtype.newbyteorder("=")
    assert got.shape == array.shape
    assert got.astype(array.dtype).tobytes() == array.tobytes()


@no_time_limit
@given(
    start=st.sampled_from(
        [b"", b"\0\0\x08\1", b"\0\0\x0d\2\0\0\0\1", b"\x1f\x8b\x08\0"]
    ),
    rest=st.binary(max_size=80),
    pack=st.sampled_from([bytes, gzip.compress]),
)
@example(start=b"\0\0\x08\1", rest=b"\0\0\0\1\5", pack=bytes)
def test_arbitrary_bytes_raise_nothing_but_data_error(tmp_path, start, rest, pack):
    path = tmp_path / "f"
    path.write_bytes(pack(start + rest))
    try:
        array = read_idx(path)
    except DataError as error:
        assert len(str(error)) <= 485 and str(error).isprintable()
    else:
        assert array.nbytes + 4 + 4 * array.ndim == len(start + rest)
