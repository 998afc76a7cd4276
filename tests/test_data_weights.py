"""Sample weights have a mean of 1, class weights reach every sample."""

import numpy as np
import pytest

from gpunet.data import class_weights, normalized_weights
from gpunet.errors import ConfigError, DataError


def refusal(call, *args, **options):
    """Return the message of the DataError that the call must raise."""
    with pytest.raises(DataError) as caught:
        call(*args, **options)
    text = str(caught.value)
    assert len(text) <= 485 and text.isprintable() and "; " in text
    return text


@pytest.mark.parametrize("weight", [[], [0, 0], [1, -1], [[1, 1]], [1, np.nan], ["a"]])
def test_invalid_weights_cannot_be_normalized(weight):
    refusal(normalized_weights, weight)


def test_normalized_weights_have_mean_one():
    assert normalized_weights([1, 2, 3]).tolist() == [0.5, 1.0, 1.5]
    assert normalized_weights([7e-320] * 3).tolist() == [1, 1, 1]
    assert normalized_weights([1e308] * 30).tolist() == [1] * 30
    assert normalized_weights(np.array([0, 200], np.uint8)).tolist() == [0, 2]
    assert normalized_weights(np.float32([1, 3])).dtype == np.float64


def test_balanced_weights_give_each_class_the_same_total():
    got = class_weights([0, 0, 0, 3], "balanced", 10)
    assert got.tolist() == [4 / 6, 4 / 6, 4 / 6, 2.0]
    labels = np.array([0] * 5 + [1] * 2 + [4] * 9)
    got = class_weights(labels, "balanced")
    totals = np.bincount(labels, got)[[0, 1, 4]]
    assert np.allclose(totals, 16 / 3, rtol=1e-15) and np.isclose(np.mean(got), 1)


def test_class_weights_from_dict_and_sequence():
    assert class_weights([0, 1, 2, 1], {1: 5}).tolist() == [1, 5, 1, 5]
    assert class_weights([0, 1, 2, 1], [1, 0, 3]).tolist() == [1, 0, 3, 0]
    assert class_weights([0, 0], (2, 9), 2).tolist() == [2, 2]


@pytest.mark.parametrize(
    "weights",
    [
        {3: 1.0},
        {-1: 1.0},
        {"a": 1.0},
        {0: -1.0},
        {0: float("nan")},
        [1, 2],
        [1, 2, 3, 4],
        [1, 2, float("inf")],
        "Balanced",
        None,
        2.0,
        [[1], [2], [3]],
    ],
)
def test_invalid_class_weights_are_config_errors(weights):
    with pytest.raises(ConfigError, match="class weights must be"):
        class_weights([0, 1, 2], weights, 3)


def test_class_weights_that_leave_nothing_are_refused():
    assert "all are 0" in refusal(class_weights, [0, 1], [0, 0, 1], 3)
