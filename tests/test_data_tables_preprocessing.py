"""From a table to inputs and targets: learnt from training rows, kept as JSON."""

import json

import numpy as np
import pytest

from gpunet.data import MatrixRows, Preprocessing, read_for, read_splits
from gpunet.data.rows import moments
from gpunet.data.tables import read_table
from gpunet.errors import ConfigError, DataError, GpunetError, ModelFileError
from gpunet.io import arrays

COLORS = ["red", "green", "blue"]
MIXED = ["size,color,const,kind"]
MIXED += [f"{k},{COLORS[k % 3]},0.1,{'ab'[k % 2]}" for k in range(20)]


def write(tmp_path, lines, name="table.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refusal(call, *args, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        call(*args, **options)
    assert len(str(caught.value)) <= 480
    return str(caught.value)


def test_columns_become_inputs(tmp_path):
    path = write(tmp_path, MIXED)
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


def test_scaling_is_learnt_from_the_training_rows_alone(tmp_path):
    rng = np.random.Generator(np.random.PCG64(1))
    x = rng.normal(5, 3, (200, 2))
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(200) % 2)
    splits = read_splits(tmp_path / "d.npz", "y", dtype="float64")
    mean, scale = splits.table.scaling.mean, splits.table.scaling.scale
    back = splits.train.x * scale + mean
    assert np.allclose(back.mean(0), mean) and np.allclose(back.std(0), scale)
    assert np.allclose(splits.train.x.mean(0), 0) and abs(splits.test.x.mean()) > 1e-3
    both = [splits.train, splits.validation, splits.test]
    again = np.concatenate([p.x * scale + mean for p in both])
    assert np.allclose(np.sort(again[:, 0]), np.sort(x[:, 0]))
    assert np.bincount(splits.test.t).tolist() == [20, 20]


def test_split_is_the_same_each_time_and_takes_no_row_twice(tmp_path):
    path = write(tmp_path, MIXED)
    a, b = (read_splits(path, "size", task="regress") for _ in range(2))
    assert np.array_equal(a.train.x, b.train.x) and np.array_equal(a.test.t, b.test.t)
    whole = np.concatenate([p.t for p in (a.train, a.validation, a.test)])
    assert sorted(a.table.target.decode(whole)[:, 0].round(9)) == list(range(20))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_moments_are_those_of_numpy(seed, scale):
    rng = np.random.Generator(np.random.PCG64(seed))
    x = rng.normal(3, 1, (1000, 4)) * scale
    x[rng.random(x.shape) < 0.1] = np.nan
    blocks = [x[:1], x[1:400], x[400:]]
    mean, spread = moments(blocks, 4, np.finfo(float).eps)
    np.testing.assert_allclose(mean, np.nanmean(x, 0), rtol=1e-12)
    np.testing.assert_allclose(spread, np.nanstd(x, 0), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e30, 1e-30, np.float32(0.1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constant_column_becomes_exactly_zero(tmp_path, value, dtype):
    x = np.full((1000, 2), value, dtype)
    x[:, 1] = np.arange(1000)
    np.save(tmp_path / "x.npy", np.column_stack([x, np.arange(1000) % 2]).astype(dtype))
    splits = read_splits(tmp_path / "x.npy", "-1", dtype=dtype)
    for part in (splits.train, splits.test):
        assert np.all(part.x[:, 0] == 0) and np.std(part.x[:, 1]) > 0.5


def test_nearly_constant_column_does_not_blow_up_rounding(tmp_path):
    for dtype in ("float32", "float64"):
        x = np.full(1000, 0.1, dtype)
        x[::3] = np.nextafter(x[0], x.dtype.type(1))
        x = np.column_stack([x, np.arange(1000), np.arange(1000) % 2]).astype(dtype)
        np.save(tmp_path / "x.npy", x)
        splits = read_splits(tmp_path / "x.npy", "2", dtype=dtype)
        assert np.max(np.abs(splits.train.x[:, 0])) <= 1e-6
    x[:, 0] = 1e6 + np.arange(1000) % 5 * 1e-3  # small beside its size, and real
    np.save(tmp_path / "x.npy", x)
    splits = read_splits(tmp_path / "x.npy", "2", dtype="float64")
    assert np.std(splits.train.x[:, 0]) == pytest.approx(1)


def test_missing_numbers_are_filled_from_the_training_rows(tmp_path):
    lines = ["a,b,y", *(f"{k},{'xyx'[k % 3]},{k % 2}" for k in range(30)), ",,1"]
    path = write(tmp_path, lines)
    line = refusal(read_splits, path, "y", test_size=0, validation=0)
    assert ":32:1: 2 cells are missing (a 1, b 1)" in line
    assert "use impute='median'" in line
    for impute, wanted in (("mean", 14.5), ("median", 14.5)):
        splits = read_splits(path, "y", test_size=0, validation=0, impute=impute)
        scaling = splits.table.scaling
        assert scaling.fill[0] == wanted and splits.table.fills == {"b": "x"}
        assert splits.train.x[-1].tolist() == [0.0, 1.0, 0.0]
    write(tmp_path, ["a,b,y", "1,x,0", "NA,y,1", "7,y,0"])
    splits = read_splits(
        path, "y", test_size=0, validation=0, impute="mean", missing=["NA"]
    )
    assert splits.table.scaling.fill[0] == 4.0
    assert ":3:1: a: 'NA' is not a number" in refusal(read_splits, path, "y")


def test_missing_numbers_of_a_matrix(tmp_path):
    x = np.column_stack([np.arange(40.0), np.ones(40), np.arange(40) % 2])
    x[7, 0], x[:7, 0] = np.nan, 100
    np.save(tmp_path / "x.npy", x)
    whole = {"test_size": 0, "validation": 0}
    assert "x.npy[7, 0]: 1 cell is missing (0 1)" in refusal(
        read_splits, tmp_path / "x.npy", "-1", **whole
    )
    splits = read_splits(tmp_path / "x.npy", "-1", impute="median", **whole)
    assert splits.table.scaling.fill[0] == np.nanmedian(x[:, 0])
    x[9, 0] = np.inf
    np.save(tmp_path / "x.npy", x)
    assert "x.npy[9, 0]: is inf" in refusal(
        read_splits, tmp_path / "x.npy", "-1", impute="mean"
    )


def test_unseen_category_is_refused_or_all_zero(tmp_path):
    path = write(tmp_path, MIXED)
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


def test_number_beyond_the_training_dtype_is_refused(tmp_path):
    path = write(tmp_path, ["a,y", *(f"{k},{k % 2}" for k in range(9)), "1e39,1"])
    whole = {"test_size": 0, "validation": 0}
    line = refusal(read_splits, path, "y", **whole)
    assert ":11:1: 1e+39 is beyond float32" in line and "float64" in line
    assert np.isfinite(read_splits(path, "y", dtype="float64", **whole).train.x).all()
    path = write(tmp_path, ["a,y", "1e308,1", "-1e308,0", "0,1"])
    line = refusal(read_splits, path, "y", dtype="float64", **whole)
    assert "column a spreads beyond what float64 holds" in line


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
def test_labels_that_lie_are_refused(tmp_path, name):
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


def test_test_part_may_be_a_file_of_its_own(tmp_path):
    path = write(tmp_path, MIXED)
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
    path = write(tmp_path, MIXED)
    assert why in refusal(read_splits, path, kind=ConfigError, **options)


def test_column_of_too_many_texts_is_refused(tmp_path):
    lines = ["id,a,y", *(f"n{k},{k},{k % 2}" for k in range(2000))]
    path = write(tmp_path, lines)
    line = refusal(read_splits, path, "y", test_size=0)
    assert ":2:1: id has 1,800 different texts in 1,800 rows" in line
    assert read_splits(path, "y", drop=["id"]).table.inputs == ["a"]
    path = write(tmp_path, ["y,z", "1,2", "2,3"])
    why = refusal(read_splits, path, "y", drop=["z"], test_size=0, validation=0)
    assert "has a target and nothing else" in why


def test_target_of_a_matrix_is_a_number_or_stands_beside_it(tmp_path):
    x = np.arange(40.0).reshape(20, 2)
    t = np.arange(20) % 2
    np.save(tmp_path / "x.npy", np.column_stack([x[:, 0], t, x[:, 1]]))
    np.savez(tmp_path / "x.npz", x=x, t=t)
    a = read_splits(tmp_path / "x.npy", "1")
    b = read_splits(tmp_path / "x.npz", "t")
    assert np.array_equal(a.train.x, b.train.x) and np.array_equal(a.train.t, b.train.t)
    assert read_splits(tmp_path / "x.npy", "-2").table.target.name == 1
    for width, fine in ((2, False), (3, True), (4, False)):
        np.save(tmp_path / "t.npy", np.zeros((5, width)))
        if fine:
            assert len(
                read_splits(tmp_path / "x.npy", "1", test=tmp_path / "t.npy").test
            )
        else:
            call = (read_splits, tmp_path / "x.npy", "1")
            line = refusal(*call, test=tmp_path / "t.npy")
            assert f"has {width} columns, expected 3" in line
    np.save(tmp_path / "y.npy", t)
    np.save(tmp_path / "bare.npy", x)
    c = read_splits(tmp_path / "bare.npy", str(tmp_path / "y.npy"))
    assert np.array_equal(c.train.x, b.train.x) and np.array_equal(c.train.t, b.train.t)
    assert c.table.target.name == "y"
    np.save(tmp_path / "y.npy", t[:-1])
    line = refusal(read_splits, tmp_path / "bare.npy", str(tmp_path / "y.npy"))
    assert "y.npy: has 19 rows" in line and "bare.npy has 20" in line
    for name in ("3", "-4", "x", "1.0", "\u0661"):
        line = refusal(read_splits, tmp_path / "x.npy", name, kind=ConfigError)
        assert "a column's number from 0 to 2" in line
    raw = read_for(a.table, tmp_path / "x.npy")
    assert a.table.features(raw).shape == (20, 2)
    np.save(tmp_path / "raw.npy", x)
    bare = a.table.features(read_for(a.table, tmp_path / "raw.npy"))
    assert np.array_equal(bare, a.table.features(raw))
    np.save(tmp_path / "raw.npy", x[:, :1])
    line = refusal(a.table.features, read_for(a.table, tmp_path / "raw.npy"))
    assert "has 1 columns, the model expects 2 or 3 with the target" in line
    path = write(tmp_path, MIXED)
    assert "columns with names" in refusal(read_for, a.table, path, kind=ConfigError)
    for option in ({"drop": ["0"]}, {"categories": ["0"]}):
        refusal(read_splits, tmp_path / "x.npy", "1", kind=ConfigError, **option)


def test_json_says_all_of_it(tmp_path):
    lines = [*MIXED, ",,0.1,a"]
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
    data = read_splits(write(tmp_path, MIXED), "kind").table.to_json()
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
