"""What a result is compared with: numbers by hand."""

import numpy as np
import pytest

import gpunet
from gpunet import Dataset, Splits
from gpunet.data.rows import Scaling
from gpunet.data.tables.preprocessing import Preprocessing, Target
from gpunet.runs.report import baseline, score


def parts(train, test, target=None, n_classes=None):
    """Return Splits of one constant column with these answers."""
    scaling = Scaling(np.zeros(1), np.ones(1), np.zeros(1))
    table = target and Preprocessing(("a",), scaling, {}, {}, "refuse", (), target)
    made = [Dataset(np.ones((len(t), 1)), np.array(t)) for t in (train, test)]
    return Splits(made[0], None, made[1], n_classes, "x", table=table)


def numbers():
    """Return a regression: training mean 10, in units of 2; measured 6, 12, 15."""
    target = Target("y", None, mean=10.0, scale=2.0)
    return parts([[-1.0], [1.0]], [[-2.0], [1.0], [2.5]], target)


def constant(value, loss, population=None):
    """Return a network that answers `value`, shape (n_out,) or (population, n_out)."""
    sizes = [1, np.shape(value)[-1]]
    net = gpunet.mlp(sizes, loss=loss, population=population, dtype="float64")
    net.params["0.W"][...] = 0.0
    net.params["0.b"][...] = value
    return net


def classifier(*labels):
    """Return a network, or a population, that answers one of three classes each."""
    several = len(labels) if len(labels) > 1 else None
    rows = np.eye(3)[list(labels) if several else labels[0]]
    return constant(rows, "softmax_cross_entropy", several)


def regression(*off):
    """Return a network, or a population, that answers 10 + 2 off."""
    several = len(off) if len(off) > 1 else None
    rows = np.array(off)[:, None] if several else [off[0]]
    return constant(rows, "half_squared_error", several)


def test_baseline_of_classes_is_the_commonest_of_the_training_part():
    target = Target("y", ("no", "yes", "maybe"))
    data = parts([2, 1, 2, 0, 1], [0, 1, 1, 2], target, 3)  # 1 and 2 tie: the first
    assert baseline(data) == {"predicts": "yes", "test_accuracy": 0.5}
    assert baseline(parts([2, 2, 1], [0, 2, 1, 1], None, 3)) == {
        "predicts": 2,
        "test_accuracy": 0.25,
    }


def test_baseline_of_numbers_is_the_training_mean():
    # Off by -4, 2, 5; their mean is 11, from which they are off by -5, 1, 4.
    assert baseline(numbers()) == {
        "predicts": 10.0,
        "r2": pytest.approx(1 - 45 / 42),
        "mae": pytest.approx(11 / 3),
        "rmse": pytest.approx(15**0.5),
    }


@pytest.mark.parametrize(("off", "better"), [(0.0, False), (-1.0, False), (0.5, True)])
def test_regression_is_better_with_a_lower_rmse(off, better):
    result = score(regression(off), numbers())
    assert result["better_than_baseline"] is better
    assert result["rmse"] == pytest.approx((15 - 4 * off + 4 * off**2) ** 0.5)
    assert result["baseline"] == baseline(numbers())


@pytest.mark.parametrize(("label", "better"), [(0, False), (1, False), (2, True)])
def test_classifier_is_better_with_a_higher_accuracy(label, better):
    data = parts([1, 1, 0, 2], [0, 1, 2, 2], None, 3)
    result = score(classifier(label), data)
    assert result["better_than_baseline"] is better
    assert result["test_accuracy"] == (0.25, 0.25, 0.5)[label]


def test_population_is_compared_by_the_mean_of_its_members():
    data = parts([1, 1, 0, 2], [0, 1, 2, 2], None, 3)
    net = classifier(1, 2)  # 0.25 and 0.5
    assert score(net, data)["better_than_baseline"] is True
    assert score(net, data, lost=[1])["better_than_baseline"] is False
    assert score(net, data, lost=[0])["better_than_baseline"] is True
    both = score(net, data, lost=[0, 1])
    assert both["better_than_baseline"] is None
    net = regression(0.5, -1.0)
    result = score(net, numbers())
    assert result["better_than_baseline"] is False and len(result["rmse"]) == 2
    assert score(net, numbers(), lost=[1])["better_than_baseline"] is True
    assert result["r2"][0] == pytest.approx(1 - 42 / 42)
