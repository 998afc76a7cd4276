"""The program that writes digits as PNG files: row S0.1 of the notes' table."""

import gzip
import json
import shutil
import sys

import numpy as np
import pytest
from helpers import ROOT

from gpunet.cli import main
from gpunet.data import read_mnist, write_idx

Image = pytest.importorskip("PIL.Image")


def run(*words):
    return main(["images", *map(str, words)])


def pixels(path):
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image).copy()


def one_line_error(capsys):
    err = capsys.readouterr().err.strip()
    assert err.startswith("gpunet: error: ") and "\n" not in err and len(err) <= 500
    return err


@pytest.mark.parametrize("split", ["train", "test"])
def test_pixels_read_back_equal_the_idx_bytes(tmp_path, split):
    assert run("--split", split, "--range", "40:60", "--out", tmp_path) == 0
    part = getattr(read_mnist(), split)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"{i:05d}-{part.t[i]}.png" for i in range(40, 60)]
    for i, name in zip(range(40, 60), names, strict=True):
        found = pixels(tmp_path / name)
        assert found.dtype == np.uint8
        assert np.array_equal(found, part.x[i].reshape(28, 28))


def test_index_and_label_make_the_name(tmp_path):
    assert run("--range", "42:43", "--out", tmp_path) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["00042-7.png"]


def test_digit_and_count_choose(tmp_path, capsys):
    assert run("--digit", 7, "--count", 5, "--out", tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    wanted = np.flatnonzero(read_mnist().train.t == 7)[:5]
    assert found["files"] == [f"{i:05d}-7.png" for i in wanted]
    assert sorted(found["files"]) == sorted(p.name for p in tmp_path.iterdir())


def test_sheet_holds_every_image_at_its_place(tmp_path):
    assert run("--range", ":7", "--sheet", "--out", tmp_path) == 0
    (path,) = tmp_path.iterdir()
    sheet = pixels(path)
    assert sheet.shape == (3 * 30 - 2, 3 * 30 - 2)
    x = read_mnist().train.x
    for k in range(7):
        top, left = k // 3 * 30, k % 3 * 30
        cut = sheet[top : top + 28, left : left + 28]
        assert np.array_equal(cut, x[k].reshape(28, 28))


@pytest.mark.parametrize(
    "words",
    [
        ("--range", "5"),
        ("--range", "5:5"),
        ("--range", "9:3"),
        ("--range", "0:60001"),
        ("--range", "-1:4"),
        ("--digit", "11"),
        ("--digit", "x"),
        ("--count", "0"),
        ("--split", "validation"),
        ("--out", ""),
        ("--data", "../x"),
    ],
)
def test_bad_options_end_with_2(tmp_path, capsys, words):
    out = () if "--out" in words else ("--out", tmp_path)
    assert run(*words, *out) == 2
    one_line_error(capsys)


def small_set(folder, n=12, side=28):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
        labels = (np.arange(n) % 3).astype(np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    return folder


def test_own_set_is_read(tmp_path):
    folder = small_set(tmp_path)
    assert run("--data-dir", folder, "--out", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").iterdir())) == 12


@pytest.mark.parametrize("part", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", ["short", "long", "magic", "empty", "gone", "zip"])
def test_damaged_idx_ends_with_3(tmp_path, capsys, part, damage):
    path = small_set(tmp_path) / part
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "short": data[:-1],
                "long": data + b"\0",
                "magic": b"\1" + data[1:],
                "empty": b"",
                "zip": gzip.compress(data)[:-9],
            }[damage]
        )
    assert run("--data-dir", tmp_path, "--out", tmp_path / "out") == 3
    one_line_error(capsys)
    assert list((tmp_path / "out").iterdir()) == []


def test_folder_of_no_set_ends_with_3(tmp_path, capsys):
    assert run("--data-dir", tmp_path / "none", "--out", tmp_path / "out") == 3
    one_line_error(capsys)


def test_unwritable_folder_ends_with_8(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("--out", tmp_path / "file") == 8
    one_line_error(capsys)


def test_images_are_written_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert run("--count", 1, "--out", tmp_path) == 0


def test_script_is_the_command():
    source = (ROOT / "scripts" / "output_mnist_images.py").read_text()
    assert 'main(["images", *sys.argv[1:]])' in source


def test_fashion_is_written_where_it_is(tmp_path):
    if not shutil.os.path.isdir("/usr/share/datasets/fashion-mnist"):
        pytest.skip("no Fashion-MNIST here")
    assert run("--data", "fashion-mnist", "--count", 3, "--out", tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 3
