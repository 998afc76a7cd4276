"""The compiled predictor: what `Network.predict` says, for one row or many."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("numba")

from helpers import epsilons_off, exact_sigmoid, wide_grid

import gpunet
from gpunet import Activation, Dense, Network, mlp
from gpunet.errors import ConfigError, DataError
from gpunet.fast.cpu import inference as module
from gpunet.fast.cpu.jit import functions

SQUARES = "half_squared_error"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("sizes", "act", "loss"),
    [
        ((7, 30, 4), "relu", "softmax_cross_entropy"),
        ((64, 128, 17, 1), "sigmoid", "sigmoid_cross_entropy"),
        ((7, 5), "tanh", "half_squared_error"),
    ],
)
@pytest.mark.parametrize("n", [1, 3, 4, 513, 1100])
def test_predictor_says_what_predict_says(monkeypatch, dtype, sizes, act, loss, n):
    net = mlp(list(sizes), activation=act, loss=loss, dtype=dtype, seed=2)
    x = np.random.default_rng(0).standard_normal((n, sizes[0]))
    x[x < 0] = 0.0
    monkeypatch.setattr(module, "usable_threads", lambda: 2)
    monkeypatch.setattr(module, "_MIN_WORK", 20_000)
    fast, slow = gpunet.predictor(net)(x), net.predict(x)
    assert fast.shape == slow.shape and fast.dtype == slow.dtype
    assert np.max(np.abs(fast - slow)) < (2e-6 if dtype == "float32" else 1e-14)
    one = gpunet.predictor(net)(x[0])
    assert one.shape == (sizes[-1],)
    assert np.max(np.abs(one - slow[0])) < (2e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictor_keeps_small_probabilities(dtype):
    z = np.append(wide_grid(dtype), np.array([-np.inf, -1e4, 1e4, np.inf], dtype))
    exact = exact_sigmoid(z)
    hidden = Network([Dense(1, 1), Activation("sigmoid")], dtype=dtype, loss=SQUARES)
    single = Network([Dense(1, 1)], dtype=dtype, loss="sigmoid_cross_entropy")
    for net in (hidden, single):
        net.params["0.W"][...] = 1.0
        a = gpunet.predictor(net)(z[:, None])[:, 0]
        assert epsilons_off(a, exact) < 4
        assert a[-4:].tolist() == [0, 0, 1, 1]
    pair = Network([Dense(1, 2)], dtype=dtype, loss="softmax_cross_entropy")
    pair.params["0.W"][...] = [[1.0, 0.0]]
    z, exact = z[np.isfinite(z)], exact[np.isfinite(z)]
    a = gpunet.predictor(pair)(z[:, None])[:, 0]
    assert epsilons_off(a, exact) < 4 and a[-2:].tolist() == [0, 1]


def test_costs_of_confident_answers_keep_small_numbers():
    Y, T = np.array([40.0, -50.0, 0.0, -600.0, 2.0]), np.array([1.0, 0, 1, 0, 1])
    for j in range(5):
        cost = functions.cost(Y[j:], T[j:], None, 0, 1, functions.BINARY, 1.0)
        assert cost == pytest.approx(np.logaddexp(0, -abs(Y[j])), rel=1e-14, abs=0)
    zeros, ones = np.zeros(2000), np.ones(2000)
    long = functions.cost(zeros, ones, None, 0, 2000, functions.BINARY, 1.0)
    assert long == pytest.approx(2000 * np.log(2), rel=1e-13)


def test_predictor_keeps_the_parameters_it_was_made_with():
    net = mlp([4, 3])
    predict, x = gpunet.predictor(net), np.ones((2, 4), np.float32)
    before = predict(x)
    net.params["0.W"] *= 3.0
    assert np.array_equal(predict(x), before)
    assert not np.allclose(gpunet.predictor(net)(x), before)


def test_predictor_takes_no_rows_and_any_layout():
    predict = gpunet.predictor(mlp([4, 3]))
    assert predict(np.zeros((0, 4))).shape == (0, 3)
    x = np.random.default_rng(0).random((4, 6))
    assert np.array_equal(predict(x.T), predict(x.T.copy()))


def test_predictor_refuses_what_it_does_not_know():
    for net, why in (
        (mlp([4, 3], population=2), "it is for one network; use net.member"),
        (mlp([4, 3], device="strict:1"), "it is for the cpu"),
        (Network([gpunet.Dropout(0.1), Dense(4, 3)]), "the first layer is Dropout"),
    ):
        with pytest.raises(ConfigError, match=f"predictor: {why}"):
            gpunet.predictor(net)
    for shape in ((5,), (2, 5), (1, 2, 4)):
        with pytest.raises(ConfigError, match="rows of 4 features, got x of"):
            gpunet.predictor(mlp([4, 3]))(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictor_takes_lists_and_other_numbers(dtype):
    net = mlp([2, 3], dtype=dtype)
    predict, rows = gpunet.predictor(net), [[0.1, 0.2], [1, -3]]
    expected = predict(np.array(rows, dtype))
    assert np.array_equal(predict(rows), expected)
    assert np.array_equal(predict(rows[0]), expected[0])
    assert np.array_equal(predict(tuple(map(Fraction, (1, -3)))), expected[1])
    assert np.array_equal(predict(np.array([1, -3])), expected[1])
    assert np.array_equal(predict([True, False]), predict([1.0, 0.0]))


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (["0.1", "0.2"], "x: must be numbers, got <U3; element 0 is '0.1'"),
        (np.array(["0.1", 0.2], object), "must be numbers, got object"),
        ([1j, 2.0], "must be numbers, got complex128"),
        ([[0.1, 0.2], [0.3]], r"is not an array \(rows of several lengths\)"),
        ([0.1, {}], "is not an array|element 1 is a dict"),
        (np.array(0.1, np.float32), r"rows of 2 features, got x of shape \(\)"),
        ([0.1], r"rows of 2 features, got x of shape \(1,\)"),
        ([], r"rows of 2 features, got x of shape \(0,\)"),
        (None, "must be numbers, got object; element 0 is None"),
    ],
)
def test_predictor_refuses_what_is_not_rows_of_numbers(x, reason):
    with pytest.raises((ConfigError, DataError), match=f"predictor: .*{reason}"):
        gpunet.predictor(mlp([2, 3]))(x)
