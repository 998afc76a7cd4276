"""IDX files written whole, and pairs of files that belong together."""

import gzip
import os

import numpy as np
import pytest

from gpunet.data.idx import read_idx, read_images_and_labels, write_idx
from gpunet.errors import DataError, WriteError

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
IMAGES_FILE = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, *range(24)])


def test_write_idx_gives_the_documented_bytes(tmp_path):
    write_idx(tmp_path / "a", IMAGES)
    assert (tmp_path / "a").read_bytes() == IMAGES_FILE
    write_idx(tmp_path / "a", np.array([258, -2], ">i2"))
    expected = bytes([0, 0, 11, 1, 0, 0, 0, 2, 1, 2, 255, 254])
    assert (tmp_path / "a").read_bytes() == expected
    assert os.listdir(tmp_path) == ["a"]


def test_write_idx_compresses_by_name_without_time_or_name(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, IMAGES)
    packed = (tmp_path / "a.gz").read_bytes()
    assert packed == (tmp_path / "b.gz").read_bytes()
    assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert gzip.decompress(packed) == IMAGES_FILE


@pytest.mark.parametrize("make", [np.asfortranarray, lambda a: a[::-1, :, ::2]])
def test_write_idx_takes_any_memory_order(tmp_path, make):
    array = make(IMAGES)
    write_idx(tmp_path / "a", array)
    assert np.array_equal(read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3, np.int64),
        np.zeros(3, np.uint16),
        np.zeros(3, bool),
        np.zeros(3, complex),
        np.array(["a"]),
        np.array([None]),
        np.float32(1),
        np.zeros((0, 3), np.uint8),
        np.zeros((1,) * 9, np.uint8),
    ],
)
def test_write_idx_refuses_what_idx_cannot_hold(tmp_path, array):
    with pytest.raises(DataError, match=r"; (convert|reshape)"):
        write_idx(tmp_path / "a", array)
    assert os.listdir(tmp_path) == []


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    write_idx(tmp_path / "a", IMAGES)

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(WriteError, match="No space left"):
        write_idx(tmp_path / "a", IMAGES[:1])
    assert np.array_equal(read_idx(tmp_path / "a"), IMAGES)
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(WriteError, match="cannot write"):
        write_idx(tmp_path / "none" / "a", IMAGES)


def pair(tmp_path, images, labels):
    write_idx(tmp_path / "images", images)
    write_idx(tmp_path / "labels", labels)
    return tmp_path / "images", tmp_path / "labels"


def test_images_and_labels_come_back_together(tmp_path):
    labels = np.array([7, 9], np.uint8)
    got = read_images_and_labels(*pair(tmp_path, IMAGES, labels))
    assert np.array_equal(got[0], IMAGES) and np.array_equal(got[1], labels)
    colored = np.zeros((2, 3, 4, 3), np.uint8)
    got = read_images_and_labels(*pair(tmp_path, colored, labels.astype(np.int32)))
    assert got[0].shape == (2, 3, 4, 3) and got[1].dtype == np.int32


def test_swapped_files_are_recognized(tmp_path):
    images, labels = pair(tmp_path, IMAGES, np.array([7, 9], np.uint8))
    with pytest.raises(DataError, match=r"looks like the labels file; check") as caught:
        read_images_and_labels(labels, images)
    assert str(labels) in str(caught.value)
    with pytest.raises(DataError, match="looks like the images file"):
        read_images_and_labels(images, images)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (IMAGES.astype(np.int8), np.zeros(2, np.uint8)),
        (IMAGES.astype(np.float32), np.zeros(2, np.uint8)),
        (IMAGES[0], np.zeros(3, np.uint8)),
        (IMAGES, np.zeros(2, np.float32)),
        (IMAGES, np.zeros((2, 1), np.uint8)),
    ],
)
def test_invalid_pair_is_refused(tmp_path, images, labels):
    with pytest.raises(DataError, match="must be") as caught:
        read_images_and_labels(*pair(tmp_path, images, labels))
    assert "looks like" not in str(caught.value)


def test_counts_that_differ_are_both_named(tmp_path):
    for n in (1, 3):
        with pytest.raises(DataError, match=f"has {n} labels? for 2 images"):
            read_images_and_labels(*pair(tmp_path, IMAGES, np.zeros(n, np.uint8)))


def test_digest_of_each_file_of_a_pair_is_checked(tmp_path):
    paths = pair(tmp_path, IMAGES, np.array([7, 9], np.uint8))
    for wrong in (("0" * 64, None), (None, "0" * 64)):
        with pytest.raises(DataError, match="another SHA-256"):
            read_images_and_labels(*paths, sha256=wrong)
