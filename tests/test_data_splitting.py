"""Rows held out at random or with every class in proportion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpunet.data import Dataset, random_split, split_validation, stratified_split
from gpunet.errors import ConfigError, DataError


def assert_split(n, train, validation):
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
    assert_split(24, train, validation)
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
    with pytest.raises(ConfigError, match="hold out at most 3 rows"):
        stratified_split(labels, 4, np.random.default_rng(0))


@pytest.mark.parametrize(
    "size", [0, 6, 7, -1, 0.0, 1.0, 0.05, 0.95, 1.5, float("nan"), True, "1", None]
)
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ConfigError, match="a split of 6 rows: the size must be"):
        stratified_split([0, 0, 0, 1, 1, 1], size, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="a split of 6 rows: the size must be"):
        random_split(6, size, np.random.default_rng(0))


def test_one_row_cannot_be_split():
    with pytest.raises(ConfigError, match="a split of 1 row:"):
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
    assert_split(n, train, held)
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
        assert_split(200, *a)
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


def test_texts_are_split_by_class():
    towns = ["Rome", "Oslo", "Rome", "Oslo", "Rome", "Rome"]
    _, held_out = stratified_split(towns, 3, np.random.default_rng(0))
    assert sorted(np.array(towns)[held_out]) == ["Oslo", "Rome", "Rome"]
    with pytest.raises(DataError, match="element 0 is None"):
        stratified_split([None] * 6, 3, np.random.default_rng(0))
