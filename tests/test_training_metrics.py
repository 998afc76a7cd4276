"""Metrics: counts by hand."""

import math

import numpy as np
import pytest

from gpunet.training.metrics import (
    class_report,
    confusion,
    dead_classes,
    mean_absolute_error,
    n_correct,
    r_squared,
    root_mean_square_error,
)

pytestmark = pytest.mark.pure


def test_correct_counts_the_last_axis(bk):
    labels = bk.array([[0, 1, 2, 2], [3, 3, 3, 3]], "int64")
    t = bk.array([0, 1, 0, 2], "int64")
    got = n_correct(labels, t)
    assert got.dtype == bk.dtype("int64") and bk.to_host(got).tolist() == [3, 0]
    one = n_correct(bk.array([5], "int64"), bk.array([5], "int64"))
    assert one.shape == () and int(one) == 1


def test_correct_counts_beyond_a_byte(bk):
    labels = bk.array(np.zeros(70_000), "int64")
    assert int(n_correct(labels, labels)) == 70_000


def test_confusion_has_truth_in_rows():
    labels, t = np.array([0, 1, 1, 2, 2]), np.array([0, 1, 2, 2, 0])
    assert confusion(labels, t, 3) == [[1, 0, 1], [0, 1, 0], [0, 1, 1]]
    with pytest.raises(ValueError, match="zip"):
        confusion([0, 1], [0], 2)


def test_dead_classes_are_never_given():
    assert dead_classes(np.array([1, 1, 3]), 5) == [0, 2, 4]
    assert dead_classes([0, 1], 2) == []


def test_r_squared_by_hand():
    t = np.array([[1.0], [2.0], [3.0]])
    assert r_squared(t, t) == 1.0
    assert r_squared(np.full((3, 1), 2.0), t) == 0.0
    assert r_squared(t + 1.0, t) == 1 - 3 / 2
    two = np.array([[1.0, 10.0], [3.0, 30.0]])  # each output about its own mean
    assert r_squared(two + np.array([1.0, 0.0]), two) == 1 - 2 / 202
    assert math.isnan(r_squared(t, np.ones((3, 1))))


def test_mean_absolute_error_by_hand():
    y, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [4.0, 4.0]])
    assert mean_absolute_error(y, t) == 0.75


def test_class_report_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.Generator(np.random.PCG64(0))
    t, y = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    report = class_report(confusion(y, t, 4))
    wanted = sklearn.precision_recall_fscore_support(t, y)
    for k, name in enumerate(("precision", "recall", "f1", "n")):
        assert [c[name] for c in report] == pytest.approx(wanted[k])


def test_class_report_says_nothing_where_nothing_is_known():
    never, absent = class_report([[3, 0, 0], [2, 0, 0], [0, 0, 0]])[1:]
    assert never == {"precision": None, "recall": 0.0, "f1": 0.0, "n": 2}
    assert absent == {"precision": None, "recall": None, "f1": None, "n": 0}


def test_root_mean_square_error_by_hand():
    y, t = np.array([[1.0], [5.0]]), np.array([[4.0], [1.0]])
    assert root_mean_square_error(y, t) == pytest.approx(12.5**0.5)
