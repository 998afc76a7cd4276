"""Samples are judged as a whole, and splits keep every class in proportion."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpunet.data import (
    Dataset,
    Splits,
    check_dataset,
    random_split,
    split_validation,
    stratified_split,
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
        (X.astype(str), T, "expected numbers"),
        (X + 1j, T, "expected numbers, got complex128"),
        (X.astype(object) * 10**30, T, "expected numbers, got object"),
        (X, T * 3, "label 1 is 3, outside 0..2 (3 such)"),
    ],
)
def test_unfit_data_set_is_refused(x, t, shown):
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
        (["a"] * 4, "expected numbers"),
    ],
)
def test_unfit_weights_are_refused(weight, shown):
    assert shown in refusal(check_dataset, Dataset(X, T, np.array(weight)), 3)


def parts(n, train, validation):
    """Assert that the two index arrays are sorted and part 0 .. n - 1."""
    for index in (train, validation):
        assert index.dtype == np.int64 and np.all(np.diff(index) > 0)
    assert sorted([*train, *validation]) == list(range(n))


def test_stratified_split_by_largest_remainder():
    # 10 of 24 rows: 10 * (12, 7, 5) / 24 = 5.00, 2.92, 2.08 -> 5, 3, 2
    labels = np.array([0] * 12 + [1] * 7 + [2] * 5)[
        np.random.default_rng(0).permutation(24)
    ]
    train, validation = stratified_split(labels, 10, np.random.default_rng(1))
    parts(24, train, validation)
    assert np.bincount(labels[validation]).tolist() == [5, 3, 2]


def test_equal_remainders_go_to_the_lower_class():
    labels = np.repeat([7, 3, 5], 2)
    for count, expected in ((1, [3]), (2, [3, 5])):
        _, held = stratified_split(labels, count, np.random.default_rng(0))
        assert sorted(labels[held]) == expected


def test_class_of_one_row_stays_in_train():
    labels = [0] * 10 + [1] + [2] * 10
    for seed in range(5):
        train, held = stratified_split(labels, 0.5, np.random.default_rng(seed))
        assert 10 in train and len(held) == 11  # 10.5 is rounded up


def test_every_class_keeps_a_row_in_train():
    labels = np.array([0, 0, 0, 1, 1, 2])
    train, held = stratified_split(labels, 3, np.random.default_rng(0))
    assert sorted(labels[train]) == [0, 1, 2] and len(held) == 3
    with pytest.raises(ConfigError, match="at most 3 rows to hold out"):
        stratified_split(labels, 4, np.random.default_rng(0))


@pytest.mark.parametrize(
    "size", [0, 6, 7, -1, 0.0, 1.0, 0.05, 0.95, 1.5, float("nan"), True, "1", None]
)
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ConfigError, match="a split of 6 rows expected"):
        stratified_split([0, 0, 0, 1, 1, 1], size, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="a split of 6 rows expected"):
        random_split(6, size, np.random.default_rng(0))


def test_one_row_cannot_be_split():
    with pytest.raises(ConfigError, match="a split of 1 rows"):
        random_split(1, 0.5, np.random.default_rng(0))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    size=st.floats(0.01, 0.99) | st.integers(1, 59),
    seed=st.integers(0, 2**32),
)
def test_any_possible_stratified_split_keeps_proportion(labels, size, seed):
    labels, n = np.array(labels), len(labels)
    try:
        train, held = stratified_split(labels, size, np.random.default_rng(seed))
    except ConfigError:
        wanted = size if isinstance(size, int) else int(size * n + 0.5)
        assert not 0 < wanted <= n - len(set(labels.tolist()))
        return
    parts(n, train, held)
    assert len(held) == (size if isinstance(size, int) else int(size * n + 0.5))
    count, taken = np.bincount(labels), np.bincount(labels[held], minlength=5)
    room = np.maximum(count - 1, 0)
    share = count * len(held) / n
    assert np.all(taken[: len(count)] <= room)
    if np.all(np.ceil(share) <= room):
        assert np.all(np.abs(taken[: len(count)] - share) < 1)


def test_splits_depend_on_the_seed_alone():
    labels = np.arange(200) % 10
    for split in (
        lambda rng: stratified_split(labels, 0.2, rng),
        lambda rng: random_split(200, 0.2, rng),
    ):
        a, b, c = (split(np.random.default_rng(seed)) for seed in (5, 5, 6))
        parts(200, *a)
        assert len(a[1]) == 40
        assert np.array_equal(a[1], b[1]) and not np.array_equal(a[1], c[1])


def test_every_row_can_be_held_out():
    seen = np.zeros(20, int)
    for seed in range(200):
        seen[stratified_split([0, 1] * 10, 2, np.random.default_rng(seed))[1]] += 1
    assert np.min(seen) > 5 and np.sum(seen) == 400


def test_split_validation_parts_the_samples():
    labels = np.repeat([0, 1], [30, 10])
    data = Dataset(np.arange(40.0)[:, None], labels, np.arange(40.0))
    train, held = split_validation(data, 0.1, np.random.default_rng(0))
    assert np.bincount(held.t).tolist() == [3, 1] and len(train) == 36
    assert np.array_equal(held.x[:, 0], held.weight)
    assert np.array_equal(held.t, labels[held.weight.astype(int)])
    assert not set(train.weight) & set(held.weight)


def test_split_validation_at_random_for_targets_or_by_wish():
    data = Dataset(np.arange(6.0)[:, None], np.arange(6) % 6)
    with pytest.raises(ConfigError, match="do not stratify"):
        split_validation(data, 2, np.random.default_rng(0))
    train, held = split_validation(data, 2, np.random.default_rng(0), stratify=False)
    assert (len(train), len(held)) == (4, 2)
    targets = Dataset(data.x, data.x * 2)
    train, held = split_validation(targets, 2, np.random.default_rng(0))
    assert np.array_equal(held.t, held.x * 2) and len(train) == 4
