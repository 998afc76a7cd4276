"""The column to predict: classes, numbers, and where it is."""

import numpy as np
import pytest
from tables import SIZES, error_of, refusal, write

from gpunet.data import read_for, read_splits
from gpunet.errors import ConfigError

LABELS = {
    "one class": (["1"] * 6, None, "the only class is 1"),
    "one text": (["x"] * 6, None, "the only class is 'x'"),
    "1.9": (["0", "1", "1.9", "0"], "classify", ":4:2: the class 1.9 is not a whole"),
    "missing": (["0", "1", "", "0"], None, ":4:2: the target is missing in 1 of"),
    "missing text": (["a", "b", "", "a"], None, ":4:2: the target is missing"),
    "NaN": (["0", "1", "nan", "0"], None, ":4:2: y: 'nan' is not written as"),
    "infinite": (["0", "1", "1e999", "0"], None, ":4:2: y: '1e999' is beyond"),
    "texts to regress": (["a", "b"], "regress", ":2:2: 'a' is a text"),
    "constant to regress": (["5"] * 9, "regress", "the target is 5 throughout"),
    "too many": ([f"t{k}" for k in range(2000)], None, "has 2,000 classes"),
    "huge": (["0", "1", "1e300", "0"] * 9, "classify", None),
}


@pytest.mark.parametrize("name", LABELS)
def test_invalid_labels_are_refused(tmp_path, name):
    labels, task, why = LABELS[name]
    path = write(tmp_path, ["a,y", *(f"{k},{v}" for k, v in enumerate(labels))])
    if why is None:  # odd, and a name like any other
        splits = read_splits(path, "y", task=task)
        assert splits.table.target.classes == (0, 1, int(1e300))
        return
    assert why in refusal(read_splits, path, "y", task=task, test_size=0, validation=0)


def test_gapped_and_negative_classes_keep_their_names(tmp_path):
    labels = [255, -1, 7, 255, -1, 7] * 4
    path = write(tmp_path, ["a,y", *(f"{k},{v}" for k, v in enumerate(labels))])
    splits = read_splits(path, "y", test_size=6, validation=0)
    assert splits.table.target.classes == (-1, 7, 255) and splits.n_classes == 3
    assert sorted(set(splits.train.t.tolist())) == [0, 1, 2]
    write(tmp_path, ["y,a", "-1,3", "8,4"], "test.csv")
    line = refusal(read_splits, path, "y", test=str(tmp_path / "test.csv"))
    assert "test.csv:3:1: 8 is none of the classes -1, 7, 255" in line


def test_task_is_guessed_from_the_target(tmp_path):
    for values, classes in (
        (["0", "1"] * 10, (0, 1)),
        (["x", "y"] * 10, ("x", "y")),
        ([f"{k / 2}" for k in range(20)], None),
        ([f"{k}" for k in range(30)], None),
    ):
        path = write(tmp_path, ["a,y", *(f"{k},{v}" for k, v in enumerate(values))])
        assert read_splits(path, "y").table.target.classes == classes


def test_regression_learns_scaled_numbers(tmp_path):
    lines = ["a,y", *(f"{k},{1000 + 3 * k}" for k in range(50))]
    splits = read_splits(write(tmp_path, lines), "y", dtype="float64")
    t, target = splits.train.t, splits.table.target
    assert splits.n_classes is None and t.shape == (len(splits.train), 1)
    assert abs(t.mean()) < 1e-12 and t.std() == pytest.approx(1)
    raw = 3 * (splits.train.x[:, 0] * splits.table.scaling.scale[0])
    raw += 3 * splits.table.scaling.mean[0] + 1000
    assert np.allclose(target.decode(t)[:, 0], raw)


@pytest.fixture
def matrix(tmp_path):
    """Return a folder with a matrix whose column 1 is the target, and x and t."""
    x, t = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    np.save(tmp_path / "x.npy", np.column_stack([x[:, 0], t, x[:, 1]]))
    return tmp_path, x, t


def test_target_of_a_matrix_is_a_number(matrix):
    path = matrix[0] / "x.npy"
    assert read_splits(path, "-2").table.target.name == 1
    np.save(matrix[0] / "t.npy", np.zeros((5, 3)))
    assert len(read_splits(path, "1", test=matrix[0] / "t.npy").test)
    for width in (2, 4):
        np.save(matrix[0] / "t.npy", np.zeros((5, width)))
        line = refusal(read_splits, path, "1", test=matrix[0] / "t.npy")
        assert f"has {width} columns, the model expects 3" in line
    for name in ("3", "-4", "x", "1.0", "\u0661", "--1"):
        line = refusal(read_splits, path, name, kind=ConfigError)
        assert "a column's number from 0 to 2" in line
    for option in ({"drop": ["0"]}, {"categories": ["0"]}):
        refusal(read_splits, path, "1", kind=ConfigError, **option)


def test_target_of_a_matrix_may_be_beside_it(matrix):
    folder, x, t = matrix
    a = read_splits(folder / "x.npy", "1")
    np.savez(folder / "x.npz", x=x, t=t)
    np.save(folder / "y.npy", t)
    np.save(folder / "bare.npy", x)
    b = read_splits(folder / "x.npz", "t")
    c = read_splits(folder / "bare.npy", str(folder / "y.npy"))
    for other in (b, c):
        assert np.array_equal(other.train.x, a.train.x)
        assert np.array_equal(other.train.t, a.train.t)
    assert c.table.target.name == "y"
    np.save(folder / "y.npy", t[:-1])
    line = refusal(read_splits, folder / "bare.npy", str(folder / "y.npy"))
    assert "y.npy: has 19 rows" in line and "bare.npy has 20" in line


def test_new_rows_of_a_matrix_need_no_target(matrix):
    folder, x, _ = matrix
    table = read_splits(folder / "x.npy", "1").table
    with_target = table.features(read_for(table, folder / "x.npy"))
    assert with_target.shape == (20, 2)
    np.save(folder / "raw.npy", x)
    bare = table.features(read_for(table, folder / "raw.npy"))
    assert np.array_equal(bare, with_target)
    np.save(folder / "raw.npy", x[:, :1])
    line = refusal(table.features, read_for(table, folder / "raw.npy"))
    assert "has 1 column, the model expects 2 or 3 with the target" in line
    path = write(folder, SIZES)
    assert "columns with names" in refusal(read_for, table, path, kind=ConfigError)


def test_rows_without_a_target_are_left_out_when_asked(tmp_path):
    rows = [f"{k},{'' if k in (3, 7) else k % 2}" for k in range(30)]
    path = write(tmp_path, "\n".join(["a,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert ":5:2: the target is missing in 2 of 30 rows" in str(error)
    assert error.settings == {"missing_target": "drop"}
    splits = read_splits(path, "y", missing_target="drop", validation=0.1)
    parts = (splits.train, splits.validation, splits.test)
    assert sum(map(len, parts)) == 28
    assert splits.notes == ("2 of 30 rows have no target: left out",)
    splits = read_splits(path, "y", missing_target="drop", test=path)
    assert len(splits.test) == 28 and len(splits.notes) == 2
    x = np.array([[k, np.nan if k == 4 else k % 3, k % 2] for k in range(30)])
    x[9, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    error = error_of(read_splits, tmp_path / "x.npy", "2", missing_target="drop")
    assert "x.npy[4, 1]: 1 cell is missing (1 1)" in str(error)
    path = write(tmp_path, "a,y\n1,\n2,\n")
    error_of(read_splits, path, "y", missing_target="drop")
