"""The numbers of the seed documents, row by row, and what is wrong in them.

Each test is named after its row: s2_4 is row 4 of the third document. Where a
seed contradicts itself, the test shows which reading holds.
"""

import warnings

import numpy as np
import pytest
from helpers import error, normal
from seed_networks import gradients, network, numeric, sigma, step

from gpunet import SGD, Dense, Network, activation, loss, mlp
from gpunet.activations import sigmoid
from gpunet.backend import open_backend

CPU = open_backend("cpu")


# The first document


def test_s0_4_the_bias_is_added():
    w, a, beta = normal(0, 3, 1), normal(1, 1, 3), 0.7
    net = network([w], [[-beta]])
    wanted = sigma(sum(float(v) for v in (a @ w)[0]) - beta)
    assert abs(net.predict(a)[0, 0] - wanted) < 1e-15
    assert abs(network([w], [[beta]]).predict(a)[0, 0] - wanted) > 1e-3


def test_s0_5_sigmoid_lies_between_0_and_1():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = sigmoid(np.array([0.0, 10.0, -1000.0, 1000.0]))
    assert a[[0, 2, 3]].tolist() == [0.5, 0.0, 1.0]
    assert abs(a[1] - 0.9999546021) < 5e-11
    x = np.linspace(-40, 40, 801)
    assert abs(sigmoid(x) + sigmoid(-x) - 1).max() < 1e-15
    # The seed's table says "between -1 and 1": that is tanh(x) = 2 sigma(2x) - 1.
    assert sigmoid(x).min() >= 0
    assert abs(np.tanh(x) - (2 * sigmoid(2 * x) - 1)).max() < 1e-15


def test_s0_6_batch_forward_equals_the_loop_over_neurons():
    net = mlp(
        [4, 5, 3],
        "sigmoid",
        output="sigmoid",
        loss="squared_error",
        seed=1,
        dtype="float64",
        bias_init="standard_normal",
    )
    x = normal(0, 6, 4)
    y = net.predict(x)
    for row, found in zip(x, y, strict=True):
        a = list(row)
        for i in (0, 2):  # each layer has a W and a b of its own
            W, b = net.params[f"{i}.W"], net.params[f"{i}.b"]
            a = [
                sigma(sum(a[k] * W[k, j] for k in range(len(a))) + b[j])
                for j in range(W.shape[1])
            ]
        assert error(found, a) < 1e-12


def test_s0_7_cost_of_a_batch_is_the_mean_of_its_costs():
    net = network([normal(0, 3, 2)], [normal(1, 2)])
    x, t = normal(2, 5, 3), normal(3, 5, 2)
    y, caches = net.forward(x)
    grads = net.backward(caches, net.loss.slope(y, t))
    costs = [
        sum((a - b) ** 2 for a, b in zip(*pair, strict=True))
        for pair in zip(y, t, strict=True)
    ]
    assert abs(net.loss.value(y, t) - sum(costs) / 5) < 1e-15
    each = [gradients(net, *pair)[1] for pair in zip(x, t, strict=True)]
    for name, g in grads.items():
        assert error(g, sum(one[name] for one in each) / 5) < 1e-14


def test_s0_8_last_factor_of_the_chain_is_the_activation_before():
    net = network([normal(0, 3, 4), normal(1, 4, 2)], [normal(2, 4), normal(3, 2)])
    x, t = normal(4, 1, 3), normal(5, 1, 2)
    y, caches = net.forward(x)
    grads = net.backward(caches, net.loss.slope(y, t))

    def cost():
        return net.loss.value(net.forward(x)[0], t)

    for name, p in net.params.items():
        assert error(grads[name], numeric(cost, p)) < 1e-7
    # The original prints a_j of the same layer for the last factor.
    dz = 2 * (y - t) * y * (1 - y)
    before = caches[2]
    found = numeric(cost, net.params["2.W"])
    assert error(before.T @ dz, found) < 1e-7
    assert error(np.ones((4, 1)) @ (dz * y), found) > 0.01


def test_s0_9_update_starts_from_the_same_parameter():
    net = network([[[0.5], [-0.25]]], [[0.125]])
    y, grads = gradients(net, [2.0, 1.0], [1.0])
    a = sigma(0.5 * 2 - 0.25 + 0.125)
    db = 2 * (a - 1) * a * (1 - a)
    step(net, grads, 0.5)
    assert abs(y[0] - a) < 1e-15
    wanted = [[0.5 - 0.5 * 2 * db], [-0.25 - 0.5 * db]]
    assert error(net.params["0.W"], wanted) < 1e-15
    assert error(net.params["0.b"], [0.125 - 0.5 * db]) < 1e-15
    # The original prints the bias update starting from w(t).
    assert abs(net.params["0.b"][0] - (0.5 - 0.5 * db)) > 0.1


# The second document


def test_s1_10_leaky_relu_divides_by_100_below_zero():
    z = np.array([[-3.0, 0.0, 2.0]])
    leaky, plain = activation("leaky_relu"), activation("relu")
    assert leaky.value(z).tolist() == [[-0.03, 0, 2]]
    assert plain.value(z).tolist() == [[0, 0, 2]]
    # At 0 the slope is 1 by the seed's >=, and 0 for ReLU, by the usual >.
    assert leaky.slope(z, leaky.value(z)).tolist() == [[0.01, 1, 1]]
    assert plain.slope(z, plain.value(z)).tolist() == [[0, 0, 1]]


def test_s1_11_fraction_is_read_by_its_nearer_end():
    net = Network([Dense(1, 1, 1.0)], "half_squared_error", dtype="float64")
    outputs = np.array([[0.2], [0.8], [0.5]])
    assert net.classify(outputs).tolist() == [0, 1, 1]
    y = outputs[:1]
    for wanted, found in ((0.0, 0.2), (1.0, -0.8)):
        slope = net.loss.slope(y, np.array([[wanted]]))
        assert error(slope, [[found]]) < 1e-15


def test_s1_12_four_small_errors_beat_one_big_one():
    small, big = np.full((1, 4), 0.2), np.array([[0.6, 0.0, 0.0, 0.0]])
    zero = np.zeros((1, 4))
    wanted = {  # the order turns round with the square
        "absolute_error": (0.8, 0.6),
        "squared_error": (0.16, 0.36),
        "half_squared_error": (0.08, 0.18),
        "mean_squared_error": (0.04, 0.09),
    }
    for name, costs in wanted.items():
        found = [float(loss(name).value(y, zero)) for y in (small, big)]
        assert found == pytest.approx(costs, rel=1e-14)


def test_s1_13_slopes_of_the_three_losses():
    y, t = normal(0, 1, 4), normal(1, 1, 4)
    half = loss("half_squared_error").slope(y, t)
    assert np.array_equal(half, y - t)
    assert np.array_equal(loss("squared_error").slope(y, t), 2 * (y - t))
    assert np.array_equal(loss("mean_squared_error").slope(y, t), 2 * (y - t) / 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_s1_13_sum_equals_half_sum_at_twice_the_rate_bit_for_bit(dtype):
    ends = []
    for name, rate in (("squared_error", 0.05), ("half_squared_error", 0.1)):
        net = mlp([3, 5, 2], "tanh", loss=name, seed=3, dtype=dtype)
        x, t = normal(0, 20, 7, 3).astype(dtype), normal(1, 20, 7, 2).astype(dtype)
        own = SGD(rate)
        own.start(net.params, CPU)
        for x_, t_ in zip(x, t, strict=True):
            y, caches = net.forward(x_)
            own.step(net.params, net.backward(caches, net.loss.slope(y, t_)))
        ends.append(net.params)
    for name, p in ends[0].items():
        assert np.array_equal(p, ends[1][name])
