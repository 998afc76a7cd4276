"""Whole gradients: their length, clipping and the longest weights."""

import numpy as np
import pytest
from helpers import error, normal

from gpunet.updates import (
    clip_by_norm,
    expand_members,
    gradient_norm,
    limit_weight_norm,
)


def of(bk, **host):
    return {name: bk.array(value) for name, value in host.items()}


def test_spread_puts_members_first(bk):
    p = bk.array(normal(0, 3, 4, 5))
    assert expand_members(0.5, p) == 0.5
    rates = expand_members(bk.array([1.0, 2.0, 3.0]), p)
    assert rates.shape == (3, 1, 1)
    assert np.array_equal(bk.to_host(rates).ravel(), [1, 2, 3])
    assert expand_members(bk.array([1.0, 2.0]), bk.array(normal(0, 2, 4))).shape == (
        2,
        1,
    )


def test_gradient_norm_is_that_of_all_tensors_together(bk):
    grads = of(bk, W=[[3.0, 0.0], [0.0, 0.0]], b=[0.0, 4.0])
    assert bk.to_host(gradient_norm(grads)).tolist() == 5.0
    crowd = of(bk, W=[[[3.0]], [[6.0]], [[0.0]]], b=[[4.0], [8.0], [0.0]])
    assert bk.to_host(gradient_norm(crowd, 3)).tolist() == [5.0, 10.0, 0.0]


def test_clip_shortens_what_is_longer_alone(bk):
    grads = of(bk, W=[[3.0]], b=[4.0])
    for longest, factor in ((2.5, 0.5), (5.0, 1.0), (50.0, 1.0)):
        got = clip_by_norm(grads, longest)
        assert bk.to_host(got["W"]).tolist() == [[3.0 * factor]]
        assert bk.to_host(got["b"]).tolist() == [4.0 * factor]
    assert bk.to_host(grads["W"]).tolist() == [[3.0]]


def test_clip_measures_each_member_by_itself(bk):
    crowd = of(bk, W=[[[3.0]], [[30.0]], [[0.3]]], b=[[4.0], [40.0], [0.4]])
    got = clip_by_norm(crowd, 5.0, 3)
    assert error(bk.to_host(got["W"]), [[[3.0]], [[3.0]], [[0.3]]]) < 1e-15
    assert error(bk.to_host(got["b"]), [[4.0], [4.0], [0.4]]) < 1e-15


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_of_a_diverged_member_leaves_the_others(bk, bad):
    host = {"W": normal(0, 3, 2, 2), "b": normal(1, 3, 2)}
    with bk.use():
        good = clip_by_norm(of(bk, **host), 0.5, 3)
        host["W"][1, 0, 0] = bad
        got = clip_by_norm(of(bk, **host), 0.5, 3)
    for name in host:
        a, b = bk.to_host(got[name]), bk.to_host(good[name])
        assert np.array_equal(a[[0, 2]], b[[0, 2]])
    assert not np.isfinite(bk.to_host(got["W"])[1]).all()


def test_clip_keeps_a_gradient_of_zero(bk):
    with bk.use():
        got = clip_by_norm(of(bk, W=np.zeros((2, 2, 2))), 1.0, 2)
    assert np.array_equal(bk.to_host(got["W"]), np.zeros((2, 2, 2)))


def test_shorten_bounds_the_weights_into_each_neuron(bk):
    # columns are neurons: lengths 5, 1 and 0
    W = bk.array([[3.0, 1.0, 0.0], [4.0, 0.0, 0.0]], "float32")
    with bk.use():
        assert limit_weight_norm(W, 2.5) is None
    assert W.dtype == bk.dtype("float32")
    assert bk.to_host(W).tolist() == [[1.5, 1, 0], [2, 0, 0]]
    crowd = bk.array([[[3.0], [4.0]], [[0.3], [0.4]]])
    limit_weight_norm(crowd, 2.5)
    assert error(bk.to_host(crowd), [[[1.5], [2.0]], [[0.3], [0.4]]]) < 1e-15
