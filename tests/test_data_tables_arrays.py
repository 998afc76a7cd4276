"""Tables in npy and npz files."""

import numpy as np
import pytest

from gpunet.data.tables.arrays import read_arrays
from gpunet.errors import DataError
from gpunet.io import arrays

X = np.arange(12.0).reshape(4, 3)


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_arrays(path)
    return str(caught.value)


def test_matrix_and_columns_of_an_npz(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=X, y=np.array(["a", "b", "a", "b"]), z=np.arange(4)[:, None])
    table = read_arrays(path)
    assert np.array_equal(table.matrix, X) and not table.on_disk
    assert table.columns["y"].tolist() == ["a", "b", "a", "b"]
    assert table.columns["z"].tolist() == [0.0, 1.0, 2.0, 3.0]
    np.savez(path, a=X[:, 0], b=np.arange(4))
    assert read_arrays(path).matrix is None


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"x": X, "z": X}, "contains several matrices: x, z"),
        ({"x": X, "y": np.zeros(3)}, "must be arrays of one length"),
        ({"x": X[:0], "y": np.zeros(0)}, "must be arrays of one length"),
        ({"x": np.zeros((4, 3, 2))}, "must be a column of shape (n,)"),
        (
            {"a": np.array([2**53 + 1, 0]), "b": np.zeros(2)},
            "row 0 is 9007199254740993",
        ),
    ],
    ids=range(5),
)
def test_arrays_that_make_no_table_are_refused(tmp_path, members, why):
    np.savez(tmp_path / "d.npz", **members)
    assert why in refusal(tmp_path / "d.npz")


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0))])
def test_npy_that_is_no_matrix_is_refused(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    assert "(rows, columns)" in refusal(tmp_path / "x.npy")


def test_matrix_of_a_large_npy_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 100)
    np.save(tmp_path / "x.npy", X)
    table = read_arrays(tmp_path / "x.npy")
    assert table.on_disk and isinstance(table.matrix, np.memmap)
    assert np.array_equal(table.matrix, X)
