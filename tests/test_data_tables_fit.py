"""What is learnt from the training rows: scales, fills, categories."""

import numpy as np
import pytest
from tables import error_of, refusal, write

from gpunet.data import read_splits
from gpunet.data.rows import moments


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


def test_number_beyond_the_training_dtype_is_refused(tmp_path):
    path = write(tmp_path, ["a,y", *(f"{k},{k % 2}" for k in range(9)), "1e39,1"])
    whole = {"test_size": 0, "validation": 0}
    line = refusal(read_splits, path, "y", **whole)
    assert ":11:1: 1e+39 is beyond float32" in line and "float64" in line
    assert np.isfinite(read_splits(path, "y", dtype="float64", **whole).train.x).all()
    path = write(tmp_path, ["a,y", "1e308,1", "-1e308,0", "0,1"])
    line = refusal(read_splits, path, "y", dtype="float64", **whole)
    assert "column a spreads beyond what float64 holds" in line


def test_column_of_too_many_texts_is_refused(tmp_path):
    lines = ["id,a,y", *(f"n{k},{k},{k % 2}" for k in range(2000))]
    path = write(tmp_path, lines)
    line = refusal(read_splits, path, "y", test_size=0)
    assert ":2:1: id has 1,800 different texts in 1,800 rows" in line
    assert read_splits(path, "y", drop=["id"]).table.inputs == ["a"]
    path = write(tmp_path, ["y,z", "1,2", "2,3"])
    why = refusal(read_splits, path, "y", drop=["z"], test_size=0, validation=0)
    assert "has a target and nothing else" in why


def test_columns_of_too_many_texts_are_reported_at_once(tmp_path):
    rows = [f"p{k},{k},q{k},{k % 2}" for k in range(2000)]
    path = write(tmp_path, "\n".join(["a,n,b,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert error.settings == {"drop": ["a", "b"]}
    assert read_splits(path, "y", **error.settings).table.inputs == ["n"]
