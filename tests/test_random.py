"""Populations: the orders and draws of many seeds, and what results say."""

import numpy as np
import pytest
from helpers import on_device

from gpunet.random import DropoutDraws, epoch_order, host_rng
from gpunet.training.metrics import summary


def test_own_orders_are_each_seeds_own_shuffle():
    orders = epoch_order([3, 8], 2, 50)
    assert orders.shape == (2, 50) and orders.dtype == np.int64
    for seed, order in zip((3, 8), orders, strict=True):
        assert sorted(order) == list(range(50))
        assert np.array_equal(order, host_rng(seed, "shuffle", 2).permutation(50))
        assert np.array_equal(order, epoch_order(seed, 2, 50))
    assert not np.array_equal(*orders)


def test_many_long_orders_are_the_same_shuffles():
    seeds, n = (9, 3, 3, 8, 1), 50_000  # enough for threads
    orders = epoch_order(seeds, 1, n)
    for seed, order in zip(seeds, orders, strict=True):
        assert np.array_equal(order, host_rng(seed, "shuffle", 1).permutation(n))


def test_orders_change_with_the_epoch():
    for seeds in ([3], 3):
        first, second = (epoch_order(seeds, k, 50) for k in (0, 1))
        assert not np.array_equal(first, second)
        assert np.array_equal(first, epoch_order(seeds, 0, 50))


def test_one_seeds_order_has_no_member_axis():
    order = epoch_order(3, 2, 50)
    assert order.shape == (50,)
    assert np.array_equal(order, epoch_order([3], 2, 50)[0])


def test_no_order_leaves_the_rows_as_they_lie():
    assert epoch_order(3, 2, 5, shuffle=False).tolist() == [0, 1, 2, 3, 4]


def test_orders_leave_the_global_generator_alone():
    before = np.random.get_state()[1].copy()
    epoch_order([3], 0, 50)
    assert np.array_equal(before, np.random.get_state()[1])


def test_draws_are_uniform_float32_on_the_device(bk):
    u = DropoutDraws(bk, [5], None).at(0, 0).uniform((100, 50))
    assert u.shape == (100, 50) and u.dtype == bk.dtype("float32")
    assert on_device(bk, u)
    u = bk.to_host(u)
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 0.5) < 0.02 and abs((u < 0.2).mean() - 0.2) < 0.02


def test_draws_of_a_step_come_again_and_those_of_no_other(bk):
    draws = DropoutDraws(bk, [5], None)
    places = [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1)]
    first = {at: bk.to_host(draws.at(*at).uniform((4, 3))) for at in places}
    for at in reversed(places):
        assert np.array_equal(bk.to_host(draws.at(*at).uniform((4, 3))), first[at])
    assert len({u.tobytes() for u in first.values()}) == len(places)


def test_second_dropout_of_a_step_draws_other_numbers(bk):
    draws = DropoutDraws(bk, [5], None).at(0, 3)
    a, b = (bk.to_host(draws.uniform((4, 3))) for _ in range(2))
    assert not np.array_equal(a, b)
    again = DropoutDraws(bk, [5], None).at(0, 3)
    assert np.array_equal(bk.to_host(again.uniform((4, 3))), a)
    assert np.array_equal(bk.to_host(again.uniform((4, 3))), b)


def test_members_draw_what_their_seeds_draw_alone(bk):
    crowd = DropoutDraws(bk, [5, 9, 7], 3).at(2, 4)
    both = [bk.to_host(crowd.uniform((4, 3))) for _ in range(2)]
    assert both[0].shape == (3, 4, 3)
    for i, seed in enumerate((5, 9, 7)):
        alone = DropoutDraws(bk, [seed], None).at(2, 4)
        for u in both:
            assert np.array_equal(bk.to_host(alone.uniform((4, 3))), u[i])
    one = DropoutDraws(bk, [5], 1).at(2, 4).uniform((4, 3))
    assert one.shape == (1, 4, 3)


def test_summary_gives_the_numbers_by_hand():
    s = summary([0.5, None, 1.0, 0.9, float("nan")])
    assert (s["n"], s["missing"]) == (3, [1, 4])
    assert s["mean"] == pytest.approx(0.8, rel=1e-15)
    # deviations -.3, .2, .1: squares .14, over n - 1 = 2
    assert s["sd"] == pytest.approx(0.07**0.5, rel=1e-14)
    assert s["median"] == 0.9
    assert (s["best"], s["best_member"]) == (1.0, 2)
    assert (s["worst"], s["worst_member"]) == (0.5, 0)


def test_summary_of_one_and_of_none():
    one = summary([0.25])
    assert (one["mean"], one["sd"], one["n"]) == (0.25, 0.0, 1)
    assert summary([None, float("inf")]) == {"n": 0, "missing": [0, 1]}
