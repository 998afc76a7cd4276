"""The numbers of the seed documents, row by row, and what is wrong in them.

Each test is named after its row: s2_4 is row 4 of the third document. Where a
seed contradicts itself, the test shows which reading holds.
"""

import warnings
from math import exp

import numpy as np
import pytest
from helpers import error, normal

from gpunet import SGD, Activation, Dense, Network, activation, loss, mlp
from gpunet.activations import sigmoid
from gpunet.backend import open_backend

CPU = open_backend("cpu")


def sigma(z):
    """Return the logistic function of one float, as the seeds write it."""
    return 1 / (1 + exp(-z))


def network(weights, biases, loss_name="squared_error", function="sigmoid"):
    """Return a float64 network from the books' weights, one matrix for each layer."""
    layers = []
    for W, b in zip(weights, biases, strict=True):
        W, b = np.array(W), np.array(b)
        layers += [Dense(*W.shape, W, b), Activation(function)]
    return Network(layers, loss_name, dtype="float64")


def gradients(net, x, t):
    """Return output and gradients for one example."""
    y, caches = net.forward(np.array([x]))
    return y[0], net.backward(caches, net.loss.slope(y, np.array([t])))


def numeric(cost, p, h=1e-5):
    """Return central differences of a cost in every entry of p, changed in place."""
    found = np.zeros_like(p)
    for k in np.ndindex(p.shape):
        before = p[k]
        p[k] = before + h
        above = cost()
        p[k] = before - h
        found[k] = (above - cost()) / (2 * h)
        p[k] = before
    return found


def step(net, grads, rate):
    own = SGD(rate)
    own.start(net.params, CPU)
    own.step(net.params, grads)


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
    wanted = {
        "absolute_error": (0.8, 0.6),
        "squared_error": (0.16, 0.36),
        "half_squared_error": (0.08, 0.18),
        "mean_squared_error": (0.04, 0.09),
    }
    for name, costs in wanted.items():
        found = [float(loss(name).value(y, zero)) for y in (small, big)]
        assert found == pytest.approx(costs, rel=1e-14)
        # the order flips with the square
        assert (found[0] > found[1]) == (name == "absolute_error")


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


# The third document: a 2-2-1 network, sigmoid everywhere, loss (y - a)^2

W_SEED, B_SEED = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3]
X_SEED, Y_SEED = (-2.0, -1.0), 1.0


def as_diagram(w, b):
    """Return the network of the diagram: n2 = x1 w3 + x2 w4, o = h1 w5 + h2 w6."""
    w1, w2, w3, w4, w5, w6 = w
    return network([[[w1, w3], [w2, w4]], [[w5], [w6]]], [b[:2], b[2:]])


def as_formulas(w, b):
    """Return that of the forward formulas: n2 = x1 w4 + x2 w3, o = h1 w6 + h2 w5."""
    w1, w2, w3, w4, w5, w6 = w
    return as_diagram([w1, w2, w4, w3, w6, w5], b)


def by_hand(w, b):
    """Return the seed's gradients as it writes them, for w1..w6 and b1..b3."""
    w1, w2, w3, w4, w5, w6 = w
    x1, x2 = X_SEED
    h1 = sigma(w1 * x1 + w2 * x2 + b[0])
    h2 = sigma(w3 * x1 + w4 * x2 + b[1])
    a = sigma(w5 * h1 + w6 * h2 + b[2])
    out = -2 * (Y_SEED - a) * a * (1 - a)
    n1, n2 = out * w5 * h1 * (1 - h1), out * w6 * h2 * (1 - h2)
    # Its last line says h_5..6; w5 multiplies h1 and w6 multiplies h2.
    return [n1 * x1, n1 * x2, n2 * x1, n2 * x2, out * h1, out * h2, n1, n2, out]


def differences(build, h=1e-5):
    """Return central differences of the loss in w1..w6 and b1..b3."""

    def cost(v):
        net = build(v[:6], v[6:])
        return float((Y_SEED - net.predict(np.array([X_SEED]))[0, 0]) ** 2)

    values = [*W_SEED, *B_SEED]
    found = []
    for k in range(9):
        up, down = list(values), list(values)
        up[k] += h
        down[k] -= h
        found.append((cost(up) - cost(down)) / (2 * h))
    return found


def backward(build):
    """Return the library's gradients in the order of the diagram's labels."""
    net = build(W_SEED, B_SEED)
    _, g = gradients(net, X_SEED, [Y_SEED])
    W, V = g["0.W"], g["2.W"]
    w = [W[0, 0], W[1, 0], W[0, 1], W[1, 1], V[0, 0], V[1, 0]]
    return [*w, *g["0.b"], *g["2.b"]]


def test_s2_4_forward_under_the_diagram():
    net = as_diagram(W_SEED, B_SEED)
    a = net.predict(np.array([X_SEED]))
    assert abs(a[0, 0] - 0.6679203440) < 5e-11
    assert abs(net.loss.value(a, np.array([[Y_SEED]])) - 0.1102768980) < 5e-11


def test_s2_5_forward_formulas_swap_two_pairs():
    a = as_formulas(W_SEED, B_SEED).predict(np.array([X_SEED]))[0, 0]
    assert abs(a - 0.6681566737) < 5e-11
    hand = by_hand(W_SEED, B_SEED)
    assert error(hand, differences(as_diagram)) < 1e-7
    found = differences(as_formulas)
    assert error(hand, found) > 0.01
    # Only b3 depends on no swapped weight but through a; the weights are far off.
    assert all(abs(hand[k] - found[k]) > 1e-3 for k in range(8))


DIAGRAM = [
    *(0.03601173, 0.01800587, 0.03781385, 0.01890693, -0.06268988, -0.04567059),
    *(-0.01800587, -0.01890693, -0.14731237),
]
FORMULAS = [
    *(0.04316786, 0.02158393, 0.01512018, 0.03024036, -0.04253517, -0.06262283),
    *(-0.02158393, -0.01512018, -0.14715482),
]


def test_s2_6_hand_gradients():
    assert np.allclose(by_hand(W_SEED, B_SEED), DIAGRAM, rtol=0, atol=5e-9)
    assert np.allclose(backward(as_diagram), DIAGRAM, rtol=0, atol=5e-9)
    w1, w2, w4, w3, w6, w5, *b = backward(as_formulas)
    found = [w1, w2, w3, w4, w5, w6, *b]
    assert np.allclose(found, FORMULAS, rtol=0, atol=5e-9)
    assert error(differences(as_formulas), found) < 1e-7


def test_s2_7_last_gradient_takes_h1_and_h2():
    net = as_diagram(W_SEED, B_SEED)
    _, caches = net.forward(np.array([X_SEED]))
    h = caches[2][0]
    found = backward(as_diagram)
    assert error(found[4:6], found[8] * h) < 1e-15
    assert h == pytest.approx([sigma(-0.3), sigma(-0.8)], rel=1e-14)


def test_s2_8_bias_gradients_lack_the_last_factor():
    found = backward(as_diagram)
    assert error(found[:2], found[6] * np.array(X_SEED)) < 1e-15
    assert error(found[2:4], found[7] * np.array(X_SEED)) < 1e-15
    assert np.allclose(found[6:], DIAGRAM[6:], rtol=0, atol=5e-9)


def test_s2_9_two_forms_of_the_slope():
    y, t = np.array([[0.25, 0.5]]), np.array([[1.0, 0.0]])
    assert loss("squared_error").value(y, t) == 0.5625 + 0.25  # no 1/n
    assert loss("squared_error").slope(y, t).tolist() == [[-1.5, 1.0]]
    f = activation("sigmoid")
    x = np.linspace(-20, 20, 4001)
    slope = f.slope(x, f.value(x))
    assert abs(slope - np.exp(-x) / (1 + np.exp(-x)) ** 2).max() < 1e-15
    far = np.array([-354.0, -355.0, -709.0, -710.0, -1000.0])
    with np.errstate(all="ignore"):
        e = np.exp(-far)
        square = (1 + e) ** 2
        quotient = e / square
    assert np.isinf(square).tolist() == [False, True, True, True, True]
    assert np.isnan(quotient).tolist() == [False, False, False, True, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(f.slope(far, f.value(far))).all()


# The fourth document


def test_s3_1_plain_vanilla_network_has_13002_parameters():
    net = mlp([784, 16, 16, 10], "sigmoid", output="sigmoid", loss="squared_error")
    assert net.n_parameters == 784 * 16 + 16 * 16 + 16 * 10 + 42 == 13_002


def test_s3_23_mini_batches_average_to_the_full_gradient():
    net = network([normal(0, 3, 4), normal(1, 4, 2)], [normal(2, 4), normal(3, 2)])
    x, t = normal(4, 12, 3), normal(5, 12, 2)

    def of(some):
        y, caches = net.forward(x[some])
        return net.backward(caches, net.loss.slope(y, t[some]))

    whole = of(slice(None))
    parts = [of(slice(k, k + 4)) for k in (0, 4, 8)]
    for name, g in whole.items():
        assert error(sum(part[name] for part in parts) / 3, g) < 1e-14
    # A batch of all is gradient descent: one step along the mean of all.
    before = {name: p.copy() for name, p in net.params.items()}
    step(net, whole, 0.5)
    for name, p in net.params.items():
        assert np.array_equal(p, before[name] - 0.5 * whole[name])


def test_s3_24_chain_of_four_neurons():
    net = network([[[0.5]], [[-1.0]], [[2.0]]], [[0.1], [0.2], [-0.3]])
    x, t = np.array([[0.6]]), np.array([[1.0]])
    y, caches = net.forward(x)
    a = [cache[1][0, 0] for cache in caches[1::2]]
    assert np.allclose(a, [0.598687660, 0.401627684, 0.623224049], rtol=0, atol=5e-10)
    assert abs(net.loss.value(y, t) - 0.1419601169) < 5e-11
    grads = net.backward(caches, net.loss.slope(y, t))
    wanted = {
        "4.W": -0.0710663793,
        "4.b": -0.1769459178,
        "2.W": -0.0509173724,
        "2.b": -0.0850483078,
        "0.W": 0.0122602619,
        "0.b": 0.0204337699,
    }
    for name, number in wanted.items():
        assert abs(float(grads[name].item()) - number) < 5e-11, name


@pytest.mark.parametrize("n_last", [1, 2, 3])
def test_s3_25_dropping_the_sum_over_j_breaks_the_check(n_last):
    net = network(
        [normal(0, 3, 4), normal(1, 4, n_last)], [normal(2, 4), normal(3, n_last)]
    )
    x, t = normal(4, 1, 3), normal(5, 1, n_last)
    y, caches = net.forward(x)
    grads, dx = net.backward(caches, net.loss.slope(y, t), wrt_input=True)

    def cost():
        return float(net.loss.value(net.forward(x)[0], t))

    found = numeric(cost, net.params["0.W"])
    assert error(grads["0.W"], found) < 1e-7
    assert error(dx, numeric(cost, x)) < 1e-7
    # By hand: da_k = sum over j of w_jk dz_j, with the sum and with its first term.
    dz, a, W = 2 * (y - t) * y * (1 - y), caches[2][0], net.params["2.W"]
    terms = [[W[k, j] * dz[0, j] for j in range(n_last)] for k in range(4)]
    for da, holds in (
        ([sum(row) for row in terms], True),
        ([row[0] for row in terms], n_last == 1),
    ):
        dW = np.outer(x, np.array(da) * a * (1 - a))
        assert (error(dW, found) < 1e-7) == holds
