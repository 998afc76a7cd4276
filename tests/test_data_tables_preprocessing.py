"""A table's cells become inputs; the preprocessing is kept as JSON."""

import json

import numpy as np
import pytest
from tables import SIZES, refusal, write

from gpunet.data import MatrixRows, Preprocessing, read_for, read_splits, read_table
from gpunet.errors import GpunetError, ModelFileError
from gpunet.io import arrays


def test_unseen_category_is_refused_or_all_zero(tmp_path):
    path = write(tmp_path, SIZES)
    write(tmp_path, ["kind,size,color,const", "a,1,pink,0.1"], "new.csv")
    for unknown in ("refuse", "zeros"):
        splits = read_splits(path, "kind", test_size=0, unknown=unknown)
        new = read_for(splits.table, tmp_path / "new.csv")
        if unknown == "refuse":
            line = refusal(splits.table.features, new)
            assert "new.csv:2:3: 1 cell is of categories not seen" in line
            assert "(color: 'pink' 1); correct them, or use unknown='zeros'" in line
        else:
            assert splits.table.features(new)[0, 1:4].tolist() == [0, 0, 0]


def test_json_says_all_of_it(tmp_path):
    lines = [*SIZES, ",,0.1,a"]
    path = write(tmp_path, lines)
    how = {"impute": "mean", "unknown": "zeros", "missing": ["?"]}
    table = read_splits(path, "kind", **how).table
    text = json.dumps(table.to_json(), allow_nan=False)
    again = Preprocessing.from_json(json.loads(text), "here")
    assert json.dumps(again.to_json()) == text
    raw = read_for(again, path)
    assert np.array_equal(again.features(raw), table.features(read_table(path)))
    assert again.inputs == table.inputs
    assert vars(again.target) == vars(table.target)
    mean, factor = again.input_scaling()
    assert len(mean) == len(factor) == 5 and factor[4] == 0 and mean[1] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0]},
        {"mean": "x"},
        {"mean": [None] * 3},
        {"scale": [[1.0]] * 3},
        {"target": None},
        {"target": {"name": "y", "classes": None, "mean": 0, "scale": 0}},
        {"categories": [1]},
        {"names": ["a"]},
        {"missing": 3},
        {"missing": [3]},
        {"names": []},
        {"names": [1, 2, 3]},
        {"names": "abc"},
        {"categories": {"color": "red"}},
        {"categories": {"color": ["red", "red"]}},
        {"unknown": "guess"},
        {"target": {"name": 0, "classes": None, "mean": 0, "scale": 1}},
        {"target": {"name": ["y"], "classes": None, "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": [], "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": "ab", "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": [["a"]], "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": [True, 2], "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": ["a", "a"], "mean": 0, "scale": 1}},
        {"target": {"name": "y", "classes": None, "mean": 0, "scale": np.inf}},
    ],
    ids=range(24),
)
def test_json_that_describes_no_table_is_refused(tmp_path, change):
    data = read_splits(write(tmp_path, SIZES), "kind").table.to_json()
    with pytest.raises(ModelFileError, match="here: describes no table"):
        Preprocessing.from_json(data | change, "here")
    with pytest.raises(ModelFileError):
        Preprocessing.from_json([], "here")


def test_rows_on_disk_are_those_in_memory(tmp_path, monkeypatch):
    rng = np.random.Generator(np.random.PCG64(0))
    x = rng.normal(2, 3, (500, 4))
    x[:, 2] = 5
    x[3, 0] = np.nan
    x = np.column_stack([x, np.arange(500) % 3])
    np.save(tmp_path / "x.npy", x)
    whole = read_splits(tmp_path / "x.npy", "-1", impute="mean")
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    monkeypatch.setattr("gpunet.data.rows.BLOCK", 64)
    disk = read_splits(tmp_path / "x.npy", "-1", impute="mean")
    for a, b in ((whole.train, disk.train), (whole.test, disk.test)):
        assert isinstance(b.x, MatrixRows) and b.x.shape == a.x.shape
        assert np.array_equal(b.x.load(), a.x) and np.array_equal(a.t, b.t)
        assert np.array_equal(b.x[3:9, ...].load(), a.x[3:9])
        assert np.array_equal(b.take(np.array([5, 2])).x.load(), a.x[[5, 2]])
        assert b.x.astype("float64").dtype == np.float64 and len(b.x) == len(a.x)
    assert disk.train.x.data != disk.test.x.data and len(disk.train.x.data) == 32
    assert "use mean" in refusal(
        read_splits, tmp_path / "x.npy", "-1", impute="median", kind=GpunetError
    )
    x[77, 1] = 1e39
    np.save(tmp_path / "x.npy", x)
    line = refusal(read_splits, tmp_path / "x.npy", "-1", impute="mean")
    assert "[77, 1]: 1e+39 is beyond float32" in line
