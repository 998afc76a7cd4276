"""Compressed files of strangers: inflated within bounds, or refused with figures."""

import gzip
import random
import tracemalloc
import zlib

import pytest
from test_io_reading import assert_contract, refusal

from gpunet.errors import DataError
from gpunet.io.reading import gunzip_bounded

SMALL = bytes(range(97, 123)) * 3
PACKED = gzip.compress(SMALL, mtime=0)


def test_gunzip_limit_is_inclusive():
    assert gunzip_bounded(PACKED, len(SMALL), "a.gz") == SMALL
    text = refusal(gunzip_bounded, PACKED, len(SMALL) - 1, "a.gz")
    assert "more than 77 bytes" in text and "a.gz" in text


@pytest.mark.parametrize("expected", [0, 100, 400_000, 500_000])
def test_gunzip_in_pieces_reads_all_whatever_size_is_expected(expected):
    noise = random.Random(0).randbytes(400_000)  # four pieces
    packed = gzip.compress(noise, mtime=0)
    content = gunzip_bounded(packed, 400_000, "a.gz", size=expected)
    assert type(content) is bytearray and content == noise
    for limit in (399_999, 200_000, 0):
        text = refusal(gunzip_bounded, packed, limit, "a.gz", expected)
        assert f"more than {limit:,} bytes" in text
    text = refusal(gunzip_bounded, packed + noise, 400_000, "a.gz", expected)
    assert f"400,000 extra bytes at offset {len(packed):,}" in text


def test_gunzip_believes_no_size_that_gzip_cannot_reach():
    tracemalloc.start()
    assert gunzip_bounded(PACKED, 2**40, "a.gz", size=2**40) == SMALL
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_gunzip_of_nothing_inside():
    assert gunzip_bounded(gzip.compress(b""), 0, "a.gz") == b""


def test_gunzip_refuses_every_prefix():
    for n in range(len(PACKED)):
        text = refusal(gunzip_bounded, PACKED[:n], 1000, "a.gz")
        assert "a.gz" in text
        if n == 0:
            assert "is empty" in text
        elif n > 1:
            assert "is truncated" in text


def test_gunzip_refuses_every_flip_of_body_and_trailer():
    text = b"It was the best of times, it was the worst of times, it was the age"
    packed = gzip.compress(text, mtime=0)
    accepted = []
    for at in range(10, len(packed)):
        for bit in range(8):
            flipped = bytearray(packed)
            flipped[at] ^= 1 << bit
            try:
                content = gunzip_bounded(bytes(flipped), 1000, "a.gz")
            except DataError as error:
                assert_contract(error)
            else:
                assert content == text
                accepted.append((at, bit))
    # Deflate ends within a byte: its last bits are filling that means nothing.
    last = len(packed) - 9
    assert all(at == last for at, _ in accepted)
    bits = sorted(bit for _, bit in accepted)
    assert bits == list(range(8 - len(bits), 8)) and len(bits) < 8


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (PACKED[:-3], "is truncated"),
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "incorrect data check"),
        (PACKED[:-1] + b"\7", "incorrect length check"),
        (PACKED[:10] + b"\x07" + PACKED[11:], "invalid block type"),
        (PACKED + b"garbage", f"7 extra bytes at offset {len(PACKED)}"),
        (PACKED + PACKED, "extra bytes"),
        (b"<html>", "3c 68 74 6d"),
        (zlib.compress(SMALL), "does not start as gzip"),
    ],
)
def test_gunzip_names_the_reason(data, reason):
    assert reason in refusal(gunzip_bounded, data, 1000, "a.gz")


@pytest.fixture(scope="module")
def bomb():
    return gzip.compress(bytes(50 * 2**20), mtime=0)


def test_gunzip_never_inflates_a_bomb(bomb):
    assert len(bomb) < 60_000
    tracemalloc.start()
    refusal(gunzip_bounded, bomb, 1000, "bomb.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_gzip_inside_gzip_is_inflated_once(bomb):
    twice = gzip.compress(bomb, mtime=0)
    assert gunzip_bounded(twice, 2**20, "twice.gz") == bomb
