"""Labels are judged on the host, and the first unfit one is named."""

import numpy as np
import pytest

from gpunet.data import check_labels
from gpunet.errors import ConfigError, DataError

T = np.array([0, 1, 1, 2])


def refusal(call, *args, **options):
    """Return the message of the DataError that the call must raise."""
    with pytest.raises(DataError) as caught:
        call(*args, **options)
    text = str(caught.value)
    assert len(text) <= 485 and text.isprintable() and "; " in text
    return text


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1, 2],
        [0.0, 1.0, 1.0, 2.0],
        np.array(T, np.uint8),
        np.array(T, np.int8),
        np.array(T, np.uint64),
        np.array(T, ">i4"),
        np.array(T, np.float16),
        np.array(T, np.longdouble),
    ],
)
def test_whole_labels_of_any_type_become_int64(labels):
    for n_classes in (None, 3, 10, np.int32(3)):
        got = check_labels(labels, n_classes)
        assert got.dtype == np.int64 and got.dtype.isnative
        assert got.tolist() == [0, 1, 1, 2]


def test_check_labels_copies():
    got = check_labels(T)
    got[0] = 5
    assert T[0] == 0


def test_booleans_are_two_classes():
    assert check_labels([True, False]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([0, 1, -1], "label 2 is -1, outside 0..9 (1 such)"),
        ([0, 10, 11], "label 1 is 10, outside 0..9 (2 such)"),
        (np.array([0, 255], np.uint8), "label 1 is 255, outside 0..9"),
        ([0, 1.9, 1], "label 1 is 1.9, not a whole number"),
        ([float("nan"), 1], "label 0 is nan, not a whole number"),
        ([1, float("inf")], "label 1 is inf, not a whole number"),
        ([1, 1e300], "label 1 is 1e+300, outside"),
        ([2**63, 2**63], "label 0 is 9223372036854775808, outside"),
        (np.array([1, 2**64 - 1], np.uint64), "label 1 is 18446744073709551615"),
        ([1, 2**70], f"element 1 is {2**70}"),
        ([1, 10**5000], "element 1 is an integer of 16,610 bits"),
        (["cat", "dog"], "element 0 is"),
        (np.array([1, "3"], object), "element 1 is '3'"),
        ([0, None], "element 1 is None"),
        ([1 + 2j, 1], "complex128"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
        ([[0, 1], [1, 0]], "got (2, 2); use argmax"),
        ([[0], [1]], "got (2, 1)"),
        ([], "got (0,)"),
        (3, "got ()"),
        ([[0], [1, 2]], "is not an array"),
    ],
)
def test_invalid_label_is_named_by_index_and_value(labels, shown):
    assert shown in refusal(check_labels, labels, 10, "digits.csv")
    assert "digits.csv" in refusal(check_labels, labels, 10, "digits.csv")


def test_objects_are_shown_without_running_their_code():
    class Hostile:
        def __repr__(self):
            raise AssertionError("a stranger's repr was called")

    assert "a Hostile" in refusal(check_labels, np.array([1, Hostile()], object))


def test_largest_label_is_bounded_if_classes_are_unknown():
    assert check_labels([0, 65535]).tolist() == [0, 65535]
    assert "label 1 is 65536" in refusal(check_labels, [0, 65536])
    assert check_labels([0, 65536], 65537).tolist() == [0, 65536]


def test_one_class_is_refused_unless_allowed():
    assert "only class 3 occurs in 2 rows" in refusal(check_labels, [3, 3], 10)
    assert check_labels([3, 3], 10, one_class_ok=True).tolist() == [3, 3]
    assert check_labels([3, 9], 10).tolist() == [3, 9]  # absent and unsorted: fine


@pytest.mark.parametrize("n_classes", [0, -1, 2.5, "10"])
def test_invalid_number_of_classes_is_a_config_error(n_classes):
    with pytest.raises(ConfigError, match="n_classes must be an integer"):
        check_labels(T, n_classes)
