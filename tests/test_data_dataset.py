"""Samples are checked as a whole; each part of a split has its own scale."""

from dataclasses import replace

import numpy as np
import pytest

from gpunet.data import (
    Dataset,
    Splits,
    check_dataset,
)
from gpunet.errors import ConfigError, DataError

X = np.arange(12.0).reshape(4, 3)
T = np.array([0, 1, 1, 2])


def refusal(call, *args, **options):
    """Return the message of the DataError that the call must raise."""
    with pytest.raises(DataError) as caught:
        call(*args, **options)
    text = str(caught.value)
    assert len(text) <= 485 and text.isprintable() and "; " in text
    return text


def test_dataset_takes_rows_with_weights_and_scale():
    data = Dataset(X, T, np.array([1.0, 2, 3, 4]), scale=0.5)
    part = data.take([3, 1])
    assert len(data) == 4 and len(part) == 2
    assert part.x.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert part.t.tolist() == [2, 1] and part.weight.tolist() == [4, 2]
    view = Dataset(X, T).take(slice(2))
    assert view.weight is None and np.shares_memory(view.x, X)
    assert not np.shares_memory(part.x, X)
    assert part.scale == 0.5 and view.scale == 1.0


def test_scaled_multiplies_a_copy_and_shares_what_stays():
    data = Dataset(X.astype(np.uint8), T, scale=1 / 8)
    assert np.array_equal(data.scaled("float32"), X / 8)
    assert data.scaled("float32").dtype == np.float32
    assert np.array_equal(data.x, X)
    assert Dataset(X, T).scaled("float64") is X
    assert np.array_equal(Dataset(X, T, scale=2).scaled("float64"), 2 * X)


def test_splits_leave_each_part_its_own_scale():
    data = Dataset(X, T), Dataset(X, T, scale=0.5), Dataset(X.astype(np.uint8), T)
    pixels = replace(data[2], scale=0.25)
    splits = Splits(*data[:2], pixels, 3, "mine")
    parts = splits.train, splits.validation, splits.test
    assert parts == (*data[:2], pixels)
    assert replace(splits, name="other").test is pixels


def test_splits_push_the_old_scale_into_their_parts():
    data, table = Dataset(X, T), object()
    with pytest.warns(DeprecationWarning, match=r"scale=0\.5") as caught:
        splits = Splits(data, None, Dataset(X, T, scale=2.0), 3, "mine", 0.5, table)
    assert {w.filename for w in caught} == {__file__}
    assert (splits.train.scale, splits.test.scale) == (0.5, 0.5)
    assert splits.validation is None and splits.table is table and data.scale == 1.0
    with pytest.warns(DeprecationWarning, match=r"splits\.train\.scale") as caught:
        assert splits.scale == 0.5
    assert caught[0].filename == __file__


def test_splits_still_take_bytes_to_one_but_say_so():
    pixels = Dataset(X.astype(np.uint8), T)
    with pytest.warns(DeprecationWarning, match=r"bytes become \[0, 1\]"):
        splits = Splits(pixels, None, Dataset(X, T), 3, "mine")
    assert splits.train.scale == 1 / 255 and splits.test.scale == 1.0


def test_dataset_and_splits_are_frozen():
    data = Dataset(X, T)
    splits = Splits(data, None, None, 3, "mine")
    with pytest.raises(AttributeError):
        data.x = X
    with pytest.raises(AttributeError):
        splits.name = "other"


def test_check_dataset_keeps_features_and_casts_labels():
    weight = np.array([0, 1, 2, 3], np.float32)
    got = check_dataset(Dataset(X, T.astype(np.float32), weight), 3)
    assert got.x is X and got.weight is weight
    assert got.t.dtype == np.int64 and got.t.tolist() == T.tolist()
    got = check_dataset(Dataset(X.tolist(), T.tolist()))
    assert np.array_equal(got.x, X) and got.weight is None
    pixels = X.astype(np.uint8).reshape(4, 3, 1)
    assert check_dataset(Dataset(pixels, T)).x is pixels
    scale = check_dataset(Dataset(X, T, scale=np.float32(0.5))).scale
    assert scale == 0.5 and type(scale) is float


@pytest.mark.parametrize("scale", [0, np.nan, np.inf, True, None, "1/255", X])
def test_check_dataset_refuses_scales_that_are_no_factor(scale):
    with pytest.raises(ConfigError, match="my data: scale must be a finite number"):
        check_dataset(Dataset(X, T, scale=scale), where="my data")


def test_check_dataset_accepts_targets():
    targets = np.array([[0.5, 1], [2, 3], [4, 5], [6, 7]])
    assert check_dataset(Dataset(X, targets)).t is targets
    assert check_dataset(Dataset(X, targets), 2).t is targets
    assert "(n, 3)" in refusal(check_dataset, Dataset(X, targets), 3)
    targets[2, 1] = np.nan
    text = refusal(check_dataset, Dataset(X, targets))
    assert text.startswith("targets: data: row 2, column 1 is nan")
    refusal(check_dataset, Dataset(X, targets[:, :, None]))
    refusal(check_dataset, Dataset(X, targets[:, :0]))


def test_single_sample_with_targets_is_fine():
    data = check_dataset(Dataset(np.zeros((1, 1)), np.zeros((1, 1))))
    assert len(data) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_features_that_are_not_finite_are_named_by_row_and_column(value, dtype):
    x = X.astype(dtype)
    x[2, 1] = value
    text = refusal(check_dataset, Dataset(x, T), 3, "my.csv")
    assert f"features: my.csv: row 2, column 1 is {value}" in text
    text = refusal(check_dataset, Dataset(x.reshape(4, 1, 3), T))
    assert "row 2, column (0, 1) is" in text


def test_last_row_of_a_large_table_is_looked_at(monkeypatch):
    monkeypatch.setattr("gpunet.data.checks._BLOCK", 7)
    x = np.zeros((50, 3))
    t = np.arange(50) % 2
    check_dataset(Dataset(x, t))
    for row in (0, 1, 2, 3, 48, 49):
        x[:] = 0
        x[row, 2] = np.nan
        assert f"row {row}, column 2" in refusal(check_dataset, Dataset(x, t))


@pytest.mark.parametrize(
    ("x", "t", "shown"),
    [
        (X[:0], T[:0], "got (0, 3)"),
        (X[:, :0], T, "got (4, 0)"),
        (X[:, 0], T, "got (4,)"),
        (X, T[:3], "has 4 rows of features and 3 labels"),
        (X, X[:3], "has 4 rows of features and 3 labels"),
        (X.astype(str), T, "must be numbers"),
        (X + 1j, T, "must be numbers, got complex128"),
        (np.full_like(X, 10**30, object), T, "must be numbers, got object"),
        (X, T * 3, "label 1 is 3, outside 0..2 (3 such)"),
    ],
)
def test_invalid_data_set_is_refused(x, t, shown):
    assert shown in refusal(check_dataset, Dataset(x, t), 3 if t.ndim == 1 else None)


@pytest.mark.parametrize(
    ("weight", "shown"),
    [
        ([1, 2, -1, 0], "weight 2 is -1"),
        ([1, np.nan, 1, 1], "weight 1 is nan"),
        ([1, 1, 1, np.inf], "weight 3 is inf"),
        ([0, 0, 0, 0], "all are 0"),
        ([1, 1, 1], "got (3,)"),
        ([[1]] * 4, "got (4, 1)"),
        (["a"] * 4, "must be numbers"),
    ],
)
def test_invalid_weights_are_refused(weight, shown):
    assert shown in refusal(check_dataset, Dataset(X, T, np.array(weight)), 3)


def test_repr_is_sizes_and_classes():
    data = Dataset(X, T)
    assert repr(data) == "4 x 3, 3 classes"
    assert repr(Dataset(X, T * 1.5)) == "4 x 3, 1 target"
    assert repr(Dataset(zip(X, X, strict=True), T)) == "Dataset(zip, ndarray)"
    assert repr(Dataset(X, [[1], [1, 2]])) == "Dataset(ndarray, list)"
    assert repr(Dataset(X, None)) == "Dataset(ndarray, NoneType)"
    assert repr(Dataset(X.tolist(), np.ones((4, 2)))) == "4, 2 targets"
    images = np.zeros((2000, 28, 28))
    assert repr(Dataset(images, np.zeros(2000, int))) == "2,000 x 28 x 28, 1 class"
    assert repr(Splits(data, data, None, 10, "a\n")) == "a\\n: 4 + 4 x 3, 10 classes"
    assert list(Splits(data, None, data, 3, "a").parts) == ["train", "test"]
