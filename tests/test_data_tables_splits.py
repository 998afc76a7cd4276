"""From a file to training, validation and test samples."""

import numpy as np
import pytest
from tables import SIZES, refusal, write

from gpunet.data import read_splits, read_table
from gpunet.errors import ConfigError


def test_columns_become_inputs(tmp_path):
    path = write(tmp_path, SIZES)
    splits = read_splits(path, "kind", test_size=5, validation=3)
    table = splits.table
    assert table.inputs == ["size", "color=blue", "color=green", "color=red", "const"]
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [
        12,
        3,
        5,
    ]
    assert splits.n_classes == 2 and table.target.classes == ("a", "b")
    assert splits.train.x.dtype == np.float32 and splits.train.scale == 1.0
    raw = read_table(path)
    x = table.features(raw, None, "float64")
    assert np.all(x[:, 4] == 0)  # the constant column, exactly
    assert np.array_equal(x[:, 1:4].sum(1), np.ones(20)) and x[0, 3] == x[1, 2] == 1
    assert np.array_equal(splits.train.t, splits.train.t.astype(int))


def test_split_is_the_same_each_time_and_takes_no_row_twice(tmp_path):
    path = write(tmp_path, SIZES)
    a, b = (read_splits(path, "size", task="regress") for _ in range(2))
    assert np.array_equal(a.train.x, b.train.x) and np.array_equal(a.test.t, b.test.t)
    whole = np.concatenate([p.t for p in (a.train, a.validation, a.test)])
    assert sorted(a.table.target.decode(whole)[:, 0].round(9)) == list(range(20))


def test_test_part_may_be_a_file_of_its_own(tmp_path):
    path = write(tmp_path, SIZES)
    other = write(tmp_path, ["note,kind,const,color,size", "hi,b,0.1,red,3"], "t.csv")
    splits = read_splits(path, "kind", test=str(other), validation=0)
    assert len(splits.train) == 20 and len(splits.test) == 1
    assert splits.test.t.tolist() == [1] and splits.test.x[0, 3] == 1
    assert splits.test.x[0, 0] == pytest.approx((3 - 9.5) / np.arange(20).std())
    write(tmp_path, ["kind,const,size", "b,0.1,3"], "t.csv")
    assert "lacks the column color" in refusal(
        read_splits, path, "kind", test=str(other)
    )
    write(tmp_path, ["kind,const,size,color", "b,0.1,x,red"], "t.csv")
    line = refusal(read_splits, path, "kind", test=str(other))
    assert "t.csv:2:3: 1 cell is not a number (size: 'x' 1)" in line


USAGE = [
    ({"target": "kinds"}, "has no such column; choose from size, color"),
    ({"target": None}, "target must be the column of the table to predict"),
    ({"drop": ["kinds"]}, "drop: 'kinds'"),
    ({"drop": ["kind"]}, "drop: 'kind'"),
    ({"categories": ["x"]}, "categories: 'x'"),
    ({"impute": "zero"}, "impute: 'zero': choose from mean, median"),
    ({"unknown": "guess"}, "unknown: 'guess'"),
    ({"task": "cluster"}, "task: 'cluster'"),
    ({"test": "x.txt"}, "x.txt"),
    ({"test_size": -1}, "test_size"),
    ({"test_size": 20}, "20"),
    ({"test_size": 18, "validation": 5}, "split"),
]


@pytest.mark.parametrize(("options", "why"), USAGE, ids=range(len(USAGE)))
def test_options_that_cannot_work_are_refused(tmp_path, options, why):
    options = {"target": "kind"} | options
    path = write(tmp_path, SIZES)
    assert why in refusal(read_splits, path, kind=ConfigError, **options)
