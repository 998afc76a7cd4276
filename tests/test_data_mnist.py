"""MNIST from the package, and other sets of its form from folders."""

import gzip
import hashlib
import os
import shutil
import tracemalloc

import numpy as np
import pytest

from gpunet.data import (
    Dataset,
    Splits,
    mnist,
    nielsen_split,
    read_mnist,
    write_idx,
)
from gpunet.errors import ConfigError, DataError

# The digests that LeCun's page and Nielsen's readers know the files by.
MD5 = {
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.fixture(scope="module")
def splits():
    return read_mnist()


@pytest.fixture
def no_root(monkeypatch):
    monkeypatch.delenv("GPUNET_DATA", raising=False)
    monkeypatch.setattr(mnist, "SYSTEM_FOLDERS", {})


def write_set(folder, dot="-", gz=".gz", n_train=6, n_test=3, side=2, first=0):
    """Write a small set of four files; its pixels count up from `first`."""
    folder.mkdir(exist_ok=True)
    for part, n in (("train", n_train), ("t10k", n_test)):
        pixels = np.arange(first, first + n * side * side).astype(np.uint8)
        images = pixels.reshape(n, side, side)
        labels = (np.arange(n) % 3).astype(np.uint8)
        write_idx(folder / f"{part}-images{dot}idx3-ubyte{gz}", images)
        write_idx(folder / f"{part}-labels{dot}idx1-ubyte{gz}", labels)
    return folder


def test_embedded_digits_are_those_of_the_book(splits):
    assert splits.train.x.shape == (60000, 784) and splits.train.x.dtype == np.uint8
    assert splits.test.x.shape == (10000, 784) and splits.test.x.dtype == np.uint8
    assert splits.train.t.dtype == splits.test.t.dtype == np.int64
    assert splits.train.t[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert splits.test.t[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(splits.train.t).tolist() == counts
    assert splits.n_classes == 10 and splits.name == "mnist"
    assert splits.train.scale == splits.test.scale == 1 / 255
    assert splits.validation is None
    assert splits.train.weight is None
    # The mean and deviation that everybody normalizes MNIST by.
    assert round(float(np.mean(splits.train.x)) / 255, 4) == 0.1307
    assert splits.train.x.flags.c_contiguous and splits.train.x.flags.writeable


def test_images_are_flattened_row_by_row(splits):
    digit = splits.test.x[0].reshape(28, 28)  # a seven: its bar is on top
    assert np.argmax(np.sum(digit, axis=1, dtype=int)) == 8
    assert digit[7, 6] == 84 and digit[6, 7] == 0


def test_pinned_digests_and_the_known_md5s_agree_with_the_files():
    for name, md5 in MD5.items():
        content = gzip.decompress((mnist.EMBEDDED / name).read_bytes())
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == md5
        stem = name.partition("-idx")[0]
        assert hashlib.sha256(content).hexdigest() == mnist.SHA256[stem]
    assert len(mnist.SHA256) == 4


def test_loading_holds_nothing_but_the_arrays():
    read_mnist()  # what is imported on the way does not count
    tracemalloc.start()
    splits = read_mnist()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    arrays = sum(a.nbytes for p in (splits.train, splits.test) for a in (p.x, p.t))
    assert held < arrays + 200_000
    assert peak < 2.5 * arrays


@pytest.mark.parametrize("stem", list(mnist.SHA256))
def test_one_changed_byte_in_the_embedded_set_is_refused(tmp_path, monkeypatch, stem):
    for name in MD5:
        shutil.copy(mnist.EMBEDDED / name, tmp_path)
    (path,) = tmp_path.glob(f"{stem}*")
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1  # the length stays right, and a label stays within 0..9
    path.unlink()
    path.write_bytes(content)
    monkeypatch.setattr(mnist, "EMBEDDED", tmp_path)
    with pytest.raises(DataError, match="another SHA-256") as caught:
        read_mnist()
    assert str(path) in str(caught.value)


def test_error_page_saved_as_gz_is_refused(tmp_path, monkeypatch):
    page = b"<!DOCTYPE html><html><title>404 Not Found</title></html>"
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(page)
    for name in list(MD5)[1:]:
        shutil.copy(mnist.EMBEDDED / name, tmp_path)
    monkeypatch.setattr(mnist, "EMBEDDED", tmp_path)
    with pytest.raises(DataError, match="looks like HTML"):
        read_mnist()


def test_partial_download_is_refused(tmp_path):
    folder = write_set(tmp_path / "set")
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match="is truncated") as caught:
        read_mnist(folder)
    assert "t10k-images" in str(caught.value)


@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_folder_is_read_under_the_usual_names(tmp_path, dot, gz):
    got = read_mnist(write_set(tmp_path / "zalando", dot, gz))
    assert got.train.x.tolist() == np.arange(24).reshape(6, 4).tolist()
    assert got.test.x.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert got.train.t.tolist() == [0, 1, 2, 0, 1, 2]
    assert got.test.t.tolist() == [0, 1, 2]
    assert (got.n_classes, got.name, got.train.scale) == (3, "mnist", 1 / 255)
    assert read_mnist(str(tmp_path / "zalando"), name="kuzushiji").name == "kuzushiji"


@pytest.mark.parametrize("missing", range(4))
def test_missing_file_lists_the_names_looked_for(tmp_path, missing):
    folder = write_set(tmp_path / "set")
    victim = sorted(folder.iterdir())[missing]
    victim.unlink()
    with pytest.raises(DataError) as caught:
        read_mnist(folder)
    text = str(caught.value)
    stem = victim.name.removesuffix(".gz")
    dotted = stem.replace("-idx", ".idx")
    for name in (stem, f"{stem}.gz", dotted, f"{dotted}.gz"):
        assert name in text
    assert str(folder) in text and len(text) <= 485


def test_folder_that_is_missing_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    odd = (tmp_path / "a\0b", tmp_path / "\ud800")  # no names of files
    for path in (tmp_path / "none", tmp_path / "file", *odd):
        with pytest.raises(DataError, match="is not a folder"):
            read_mnist(path)
    with pytest.raises(DataError, match="contains none of"):
        read_mnist(tmp_path)


def test_files_of_different_sets_are_refused(tmp_path):
    folder = write_set(tmp_path / "set", side=4)
    other = write_set(tmp_path / "other", side=2)
    shutil.copy(other / "t10k-images-idx3-ubyte.gz", folder)
    with pytest.raises(DataError, match=r"\(4, 4\), test images \(2, 2\)"):
        read_mnist(folder)
    folder = write_set(tmp_path / "set")
    shutil.copy(
        folder / "train-labels-idx1-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz"
    )
    with pytest.raises(DataError, match="6 labels for 3 images"):
        read_mnist(folder)


def test_flat_images_of_equal_size_but_other_shape_are_refused(tmp_path):
    folder = write_set(tmp_path / "set", side=4)
    write_idx(folder / "t10k-images-idx3-ubyte.gz", np.zeros((3, 2, 8), np.uint8))
    with pytest.raises(DataError, match="test images"):
        read_mnist(folder)


def test_labels_of_the_parts_must_agree(tmp_path):
    folder = write_set(tmp_path / "set")
    path = folder / "t10k-labels-idx1-ubyte.gz"
    write_idx(path, np.array([0, 3, 2], np.uint8))
    with pytest.raises(DataError, match=r"label 1 is 3, outside 0\.\.2"):
        read_mnist(folder)
    write_idx(path, np.array([2, 2, 2], np.uint8))
    assert read_mnist(folder).test.t.tolist() == [2, 2, 2]
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.full(6, 2, np.uint8))
    with pytest.raises(DataError, match="only class 2 occurs"):
        read_mnist(folder)


def test_other_sets_are_found_by_name(tmp_path, monkeypatch, no_root):
    write_set(tmp_path / "system", first=100)
    monkeypatch.setattr(mnist, "SYSTEM_FOLDERS", {"fashion-mnist": tmp_path / "system"})
    assert read_mnist(name="fashion-mnist").train.x[0, 0] == 100
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("GPUNET_DATA", str(root))
    assert read_mnist(name="fashion-mnist").train.x[0, 0] == 100
    write_set(root, dot=".", gz="", first=50)
    assert read_mnist(name="fashion-mnist").train.x[0, 0] == 50
    write_set(root / "fashion-mnist", first=7)
    assert read_mnist(name="fashion-mnist").train.x[0, 0] == 7
    assert read_mnist(name="fashion-mnist").name == "fashion-mnist"


def test_mnist_stays_the_embedded_one(tmp_path, monkeypatch):
    monkeypatch.setenv("GPUNET_DATA", str(write_set(tmp_path / "root")))
    assert len(read_mnist().train) == 60000


def test_known_system_folder():
    folder = mnist.SYSTEM_FOLDERS["fashion-mnist"]
    assert folder.as_posix() == "/usr/share/datasets/fashion-mnist"


def test_set_that_is_nowhere_lists_the_folders_looked_in(
    tmp_path, monkeypatch, no_root
):
    with pytest.raises(DataError, match=r"\$GPUNET_DATA is not set"):
        read_mnist(name="fashion-mnist")
    monkeypatch.setenv("GPUNET_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        read_mnist(name="fashion-mnist")
    assert os.path.join(tmp_path, "fashion-mnist") in str(caught.value)


@pytest.mark.parametrize("name", ["../mnist", "a/b", "", ".", "a b", "/etc", "a\n"])
def test_name_cannot_be_a_path(name):
    with pytest.raises(ConfigError, match="plain name"):
        read_mnist(name=name)


def test_nielsen_split_holds_out_the_last_ten_thousand(splits):
    got = nielsen_split(splits)
    assert (len(got.train), len(got.validation), len(got.test)) == (50000, 10000, 10000)
    assert np.array_equal(got.validation.t, splits.train.t[50000:])
    assert np.array_equal(got.train.x[-1], splits.train.x[49999])
    assert np.shares_memory(got.train.x, splits.train.x)
    assert (got.n_classes, got.name, got.train.scale) == (10, "mnist", 1 / 255)
    assert splits.validation is None
    with pytest.raises(ConfigError, match="no validation part"):
        nielsen_split(got)


def test_nielsen_split_keeps_a_validation_part_that_is_there(splits):
    parted = Splits(splits.train, splits.test, None, 10, "mnist")
    with pytest.raises(ConfigError, match="no validation part"):
        nielsen_split(parted)


def test_nielsen_split_is_for_sixty_thousand_rows():
    for n in (59999, 60001):
        data = Dataset(np.zeros((n, 1)), np.zeros(n, np.int64))
        with pytest.raises(ConfigError, match=f"got {n} rows"):
            nielsen_split(Splits(data, None, None, 2, "other"))


def test_misspelled_name_of_a_set_is_answered_with_the_nearest(no_root):
    for name, near in (("minst", "mnist"), ("fashon-mnist", "fashion-mnist")):
        with pytest.raises(DataError, match=rf"not found; .*did you mean {near}\?"):
            read_mnist(name=name)
    with pytest.raises(DataError, match=r"; give its folder$"):
        read_mnist(name="unlike")
