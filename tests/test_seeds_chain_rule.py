"""The numbers of the seed documents on back-propagation, row by row.

Each test is named after its row: s2_4 is row 4 of the third document, which is
a 2-2-1 network, sigmoid everywhere, with the loss (y - a)^2.
"""

import warnings

import numpy as np
import pytest
from helpers import error, normal
from seed_networks import gradients, network, numeric, sigma, step

from gpunet import activation, loss, mlp

# The third document

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
