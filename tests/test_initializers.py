"""Starts: the spread of each, names, numbers and given arrays."""

from math import sqrt

import numpy as np
import pytest

from gpunet.errors import ConfigError
from gpunet.initializers import INITIALIZERS, check_initializer, initial_values
from gpunet.random import host_rng

N_IN, N_OUT = 400, 300
DEVIATION = {
    "standard": 1.0,
    "lecun": 1 / sqrt(N_IN),
    "glorot": sqrt(2 / (N_IN + N_OUT)),
    "he": sqrt(2 / N_IN),
}


def start(name, seed=0, shape=(N_IN, N_OUT)):
    return initial_values(name, host_rng(seed, "init"), N_IN, N_OUT, shape)


def test_initializer_names_are_these():
    forms = {f"{kind}_{form}" for kind in DEVIATION for form in ("normal", "uniform")}
    assert set(INITIALIZERS) == {*forms, "zeros"}


@pytest.mark.parametrize("kind", DEVIATION)
def test_normal_start_has_its_deviation(kind):
    W, d = start(f"{kind}_normal"), DEVIATION[kind]
    assert W.shape == (N_IN, N_OUT) and W.dtype == np.float64
    assert abs(W.std() / d - 1) < 0.01 and abs(W.mean()) < 0.01 * d
    # 68.3 % of a normal's numbers lie within one deviation, a uniform's 57.7 %.
    assert abs((abs(W) < d).mean() - 0.6827) < 0.01 and abs(W).max() > 3.5 * d


@pytest.mark.parametrize("kind", DEVIATION)
def test_uniform_start_fills_its_limits(kind):
    W, d = start(f"{kind}_uniform"), DEVIATION[kind]
    limit = sqrt(3) * d
    assert abs(W.std() / d - 1) < 0.01 and abs(W.mean()) < 0.01 * d
    assert 0.999 * limit < W.max() <= limit and -limit <= W.min() < -0.999 * limit


def test_start_follows_the_seed_alone():
    for name in INITIALIZERS[:-1]:
        assert np.array_equal(start(name, 3), start(name, 3))
        assert not np.array_equal(start(name, 3), start(name, 4))


def test_bias_start_takes_the_spread_of_the_layer():
    b = start("lecun_uniform", shape=(N_OUT,))
    assert b.shape == (N_OUT,) and abs(b).max() <= sqrt(3 / N_IN)
    assert abs(b).max() > 0.9 * sqrt(3 / N_IN)


def test_zeros_numbers_and_arrays_are_taken_as_they_are():
    given = np.arange(6, dtype=np.float32).reshape(2, 3)
    for what, wanted in (
        ("zeros", np.zeros((2, 3))),
        (0.5, np.full((2, 3), 0.5)),
        (-2, np.full((2, 3), -2.0)),
        (given, given),
        (given.tolist(), given),
    ):
        got = initial_values(what, host_rng(0, "init"), 2, 3, (2, 3))
        assert got.dtype == np.float64 and np.array_equal(got, wanted)
    got[0, 0] = 9.0
    assert given[0, 0] == 0.0


def test_given_start_of_another_shape_is_refused():
    for shape in ((3, 2), (3,), (1, 3), (2, 3, 1), (6,)):
        with pytest.raises(
            ConfigError, match=r"expected an array of shape \(2, 3\), got"
        ):
            initial_values(np.zeros(shape), host_rng(0, "init"), 2, 3, (2, 3))


def test_unknown_start_is_refused():
    for name in ("he", "he_", "xavier", "normal", "", "zeros_normal"):
        with pytest.raises(
            ConfigError, match="no such initializer; choose from standard"
        ):
            check_initializer(name)
        with pytest.raises(ConfigError, match="no such initializer"):
            initial_values(name, host_rng(0, "init"), 2, 3, (2, 3))
    for good in (*INITIALIZERS, 0.5, np.zeros(2)):
        check_initializer(good)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 1e39, -(10**400)])
def test_number_that_no_weight_can_hold_is_refused(number):
    with pytest.raises(ConfigError, match="expected a number that float32 can hold"):
        check_initializer(number)
    check_initializer(-1e38)


def test_next_tensor_does_not_depend_on_the_kind_of_the_last():
    def second(first):
        rng = host_rng(0, "init")
        initial_values(first, rng, 2, 3, (2, 3))
        return initial_values("he_normal", rng, 2, 3, (2, 3))

    assert np.array_equal(second("zeros"), second(0.25))
    assert np.array_equal(second("zeros"), second(np.ones((2, 3))))
