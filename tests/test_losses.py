"""Losses: costs and slopes by hand, targets of every kind, far-out logits."""

from math import exp, inf, log, log1p

import numpy as np
import pytest
from helpers import (
    TIGHT,
    epsilons_off,
    error,
    exact_sigmoid,
    normal,
    on_device,
    step_slope,
    wide_grid,
)

from gpunet import Loss, loss
from gpunet.errors import ConfigError
from gpunet.losses import LOSSES, as_targets

pytestmark = pytest.mark.pure

LOG2, LOG4 = log(2), log(4)
# name -> y and t of one example with two outputs, its cost, its slope
BY_HAND = {
    "squared_error": ([0.5, 3.0], [1.0, 1.0], 4.25, [-1.0, 4.0]),
    "half_squared_error": ([0.5, 3.0], [1.0, 1.0], 2.125, [-0.5, 2.0]),
    "mean_squared_error": ([0.5, 3.0], [1.0, 1.0], 2.125, [-0.5, 2.0]),
    "absolute_error": ([0.5, 3.0], [1.0, 1.0], 2.5, [-1.0, 1.0]),
    "hinge": ([0.5, 3.0], [1.0, 0.0], 4.5, [-1.0, 1.0]),
    "softmax_cross_entropy": ([0.0, log(3)], [1.0, 0.0], LOG4, [-0.75, 0.75]),
    # targets .95 and .05: .95 log 4 + .05 log (4/3)
    "softmax_cross_entropy:0.1": (
        [0.0, log(3)],
        [1.0, 0.0],
        0.95 * LOG4 + 0.05 * (LOG4 - log(3)),
        [-0.7, 0.7],
    ),
    "sigmoid_cross_entropy": ([0.0, log(3)], [1.0, 0.0], LOG2 + LOG4, [-0.5, 0.75]),
    "sigmoid_cross_entropy:0.1": (
        [0.0, log(3)],
        [1.0, 0.0],
        LOG2 + 0.95 * LOG4 + 0.05 * (LOG4 - log(3)),
        [-0.45, 0.7],
    ),
    "huber": ([0.5, 3.0], [1.0, 1.0], 0.125 + 1.5, [-0.5, 1.0]),
    "huber:0.25": ([0.5, 3.0], [1.0, 1.0], 0.09375 + 0.46875, [-0.25, 0.25]),
}
FOUR = ((3, 5, 4), (7, 4), (1, 4), (2, 3, 1, 4))  # shapes with four outputs


def examples(seed, *shape):
    """Return outputs and one-hot targets, off every kink by more than 1e-3."""
    y = normal(seed, *shape)
    labels = abs(normal(seed + 1, *shape[:-1]) * 10).astype(int) % shape[-1]
    t = as_targets(y, labels)
    for kink in (y - t, abs(y - t) - 1, 1 - (2 * t - 1) * y):
        assert abs(kink).min() > 1e-3
    return y, t, labels


@pytest.mark.parametrize("name", BY_HAND)
def test_loss_gives_the_numbers_by_hand(bk, name):
    y, t, cost, slope = BY_HAND[name]
    other = normal(0, 2)  # a second example, right: only its own share is added
    own = loss(name)
    assert own.name == name and loss(own) is own
    for dtype, tight in TIGHT.items():
        y1, t1 = bk.array([y], dtype), bk.array([t], dtype)
        y2 = bk.array([y, other], dtype)
        t2 = bk.array([t, [1.0, 0.0]], dtype)
        value, dy = own.value(y1, t1), own.slope(y1, t1)
        assert value.dtype == dy.dtype == bk.dtype(dtype) and on_device(bk, dy)
        assert value.shape == () and dy.shape == (1, 2)
        assert error(bk.to_host(value), cost) < tight
        assert error(bk.to_host(dy), [slope]) < tight
        assert error(bk.to_host(own.cost(y2, t2))[0], cost) < tight
        half = bk.to_host(own.slope(y2, t2))[0]  # the mean over two examples
        assert error(half, [s / 2 for s in slope]) < tight
        mean = bk.to_host(own.cost(y2, t2)).mean()
        assert error(bk.to_host(own.value(y2, t2)), mean) < tight


@pytest.mark.parametrize("name", [*LOSSES, *BY_HAND])
def test_slope_matches_central_differences(name):
    own = loss(name)
    for seed, shape in ((2, (3, 4)), (3, (1, 1)), (6, (2, 2, 3))):
        if shape[-1] == 1 and name.startswith("softmax"):
            continue  # the softmax of one output is 1 whatever it is
        y, t, _ = examples(seed, *shape)
        assert error(own.slope(y, t), step_slope(own, y, t)) < 1e-8


@pytest.mark.parametrize("name", LOSSES)
def test_labels_equal_one_hot_rows(bk, name):
    y, t, labels = examples(2, 5, 3)
    own = loss(name)
    y_ = bk.array(y)
    for kind in ("int64", "int32", "uint8"):
        got, wanted = bk.array(labels, kind), bk.array(t)
        for call in (own.value, own.slope):
            a, b = bk.to_host(call(y_, got)), bk.to_host(call(y_, wanted))
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", LOSSES)
def test_population_of_losses_equals_the_loop(name):
    own = loss(name)
    for seed, shape in enumerate(FOUR[:1] + FOUR[3:]):
        y, t, labels = examples(seed + 10, *shape)
        value, dy = own.value(y, labels), own.slope(y, labels)
        assert value.shape == shape[:-2] and dy.shape == shape
        for i in np.ndindex(shape[:-2]):
            assert value[i] == own.value(y[i], labels[i]) == own.value(y[i], t[i])
            assert np.array_equal(dy[i], own.slope(y[i], labels[i]))


def test_members_share_labels(bk):
    own = loss("softmax_cross_entropy")
    y, labels = bk.array(normal(0, 3, 5, 4)), bk.array([0, 3, 1, 1, 2], "int64")
    each = bk.xp.broadcast_to(labels, (3, 5))
    for call in (own.value, own.slope):
        assert np.array_equal(bk.to_host(call(y, labels)), bk.to_host(call(y, each)))


def test_members_share_float_targets(bk):
    own = loss("squared_error")
    y, t = bk.array(normal(0, 3, 5, 2)), bk.array(normal(1, 5, 2))
    each = bk.xp.broadcast_to(t, (3, 5, 2))
    for call in (own.value, own.slope):
        assert np.array_equal(bk.to_host(call(y, t)), bk.to_host(call(y, each)))


def test_label_of_a_single_output_is_its_target(bk):
    y, t = bk.array([[2.0], [-1.0]]), bk.array([1, 0], "int64")
    assert bk.to_host(as_targets(y, t)).tolist() == [[1.0], [0.0]]
    dy = bk.to_host(loss("half_squared_error").slope(y, t))
    assert dy.tolist() == [[0.5], [-0.5]]


def test_targets_are_made_on_the_device(bk):
    for dtype in TIGHT:
        y = bk.array(np.zeros((2, 3)), dtype)
        t = as_targets(y, bk.array([2, 0], "int64"))
        assert t.dtype == bk.dtype(dtype) and on_device(bk, t)
        assert bk.to_host(t).tolist() == [[0, 0, 1], [1, 0, 0]]
        assert as_targets(y, t) is t


@pytest.mark.parametrize("name", LOSSES)
def test_weights_scale_each_example(bk, name):
    y, t, _ = examples(2, 3, 4)
    own, weight = loss(name), [0.5, 0.0, 2.5]
    args = bk.array(y), bk.array(t)
    value = bk.to_host(own.value(*args, bk.array(weight)))
    dy = bk.to_host(own.slope(*args, bk.array(weight)))
    cost = bk.to_host(own.cost(*args))
    assert error(value, (0.5 * cost[0] + 2.5 * cost[2]) / 3) < 1e-14
    plain = bk.to_host(own.slope(*args))
    assert error(dy, plain * np.array(weight)[:, None]) < 1e-14
    assert np.all(dy[1] == 0)
    ones = bk.array([1.0, 1.0, 1.0])
    assert np.array_equal(bk.to_host(own.slope(*args, ones)), plain)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_changes_no_input(bk, name):
    y, t, _ = examples(2, 3, 4)
    y_, t_, w_ = bk.array(y), bk.array(t), bk.array([1.0, 2.0, 3.0])
    loss(name).value(y_, t_, w_), loss(name).slope(y_, t_, w_)
    for x, kept in ((y_, y), (t_, t), (w_, [1, 2, 3])):
        assert np.array_equal(bk.to_host(x), kept)


def test_link_shows_probabilities_of_logits(bk):
    y = bk.array([[0.0, log(3)]])
    wanted = {name: [[0.0, log(3)]] for name in LOSSES}
    wanted["softmax_cross_entropy"] = [[0.25, 0.75]]
    wanted["sigmoid_cross_entropy"] = [[0.5, 0.75]]
    for name in LOSSES:
        own = loss(name)
        assert error(bk.to_host(own.inverse_link(y)), wanted[name]) < 1e-15
        assert own.on_logits == name.endswith("cross_entropy")


@pytest.mark.parametrize("dtype", TIGHT)
def test_softmax_cross_entropy_is_exact_far_out(dtype):
    own = loss("softmax_cross_entropy")
    y = np.array([[1e4, -1e4], [1e4, -1e4], [0, -110], [-inf, 0]], dtype)
    cost = own.cost(y, as_targets(y, np.array([0, 1, 1, 1])))
    assert cost.tolist() == [0, 2e4, 110, 0]
    dy = own.slope(y, np.array([0, 1, 0, 1])) * 4
    assert np.isfinite(dy).all() and dy[:2].tolist() == [[0, 0], [1, -1]]
    assert dy[3].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", TIGHT)
def test_sigmoid_cross_entropy_is_exact_far_out(dtype):
    own = loss("sigmoid_cross_entropy")
    y = np.array([[1e4], [-1e4], [1e4], [-1e4], [17.0], [-17.0]], dtype)
    t = np.array([[1], [0], [0], [1], [1], [0]], dtype)
    small = log1p(exp(-17))
    wanted = np.array([0, 0, 1e4, 1e4, small, small])
    unit = 4 * np.finfo(dtype).eps / 2
    assert np.all(abs(own.cost(y, t) - wanted) <= unit * wanted)
    dy = own.slope(y, t) * 6
    assert dy[:4, 0].tolist() == [0, 0, 1, -1] and np.isfinite(dy).all()


@pytest.mark.parametrize("dtype", TIGHT)
def test_sigmoid_cross_entropy_keeps_small_slopes(dtype):
    own, y = loss("sigmoid_cross_entropy"), wide_grid(dtype)[:, None, None]
    wanted = exact_sigmoid(y)
    assert epsilons_off(own.inverse_link(y), wanted) < 4
    assert epsilons_off(own.slope(y, 0 * y), wanted) < 4


def test_confident_cross_entropy_keeps_small_costs():
    own = loss("softmax_cross_entropy")
    for dtype in TIGHT:
        y = np.array([[9.0, 0.0]], dtype)
        cost = own.cost(y, np.array([[1.0, 0.0]], dtype))[0]
        assert abs(cost / log1p(exp(-9)) - 1) < 9e4 * np.finfo(dtype).eps


def test_slopes_at_the_kinks_are_these():
    y, t = np.array([[1.0, -1.0]]), np.array([[1.0, 0.0]])
    assert loss("absolute_error").slope(y, y).tolist() == [[0, 0]]
    assert loss("hinge").slope(y, t).tolist() == [[0, 0]]
    assert loss("huber").slope(y + 1, y).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mse", r"'mse': no such loss; choose from squared_error"),
        ("squared_error:2", "no such loss"),
        (None, "no such loss"),
        ("softmax_cross_entropy:1", "'1' is not smoothing from 0 to below 1"),
        ("softmax_cross_entropy:-0.1", "is not smoothing"),
        ("sigmoid_cross_entropy:nan", "is not smoothing"),
        ("sigmoid_cross_entropy:x", "'x' is not smoothing"),
        ("huber:0", "'0' is not a delta above 0"),
        ("huber:-1", "is not a delta"),
        ("huber:inf", "is not a delta"),
        ("huber:nan", "is not a delta"),
    ],
)
def test_loss_refuses_unknown_names(name, why):
    with pytest.raises(ConfigError, match=why):
        loss(name)


def test_loss_names_are_these():
    assert set(LOSSES) == {name.partition(":")[0] for name in BY_HAND}


def quartic(y, t):
    return ((y - t) ** 4).sum(axis=-1)


def test_loss_of_a_pair_is_checked():
    own = loss("quartic", quartic, lambda y, t: 4.0 * (y - t) ** 3)
    assert isinstance(own, Loss) and own.name == "quartic"
    y, t = np.array([[2.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2))
    assert own.value(y, t) == 8.5
    assert own.slope(y, t).tolist() == [[16, 2], [0, 0]]
    with pytest.raises(ConfigError, match="loss: quartic: the slope does not fit"):
        loss("quartic", quartic, lambda y, t: (y - t) ** 3)
    for pair in ((quartic, None), (None, quartic)):
        with pytest.raises(ConfigError, match="give cost and cost_slope, or neither"):
            loss("half", *pair)


def test_cost_of_each_output_instead_of_each_example_is_refused():
    with pytest.raises(
        ConfigError, match=r"loss: mine: .* wrong shape; .* a loss sums"
    ):
        loss("mine", lambda y, t: (y - t) ** 2, lambda y, t: 2 * (y - t))
