"""Back-propagation against differences: each tensor of each kind of network.

Every activation with every loss, penalty and depth, in float64. Each nudged
network is one member of a population, so that one forward pass gives all the
differences of a network.
"""

from functools import cache

import numpy as np
import pytest
from helpers import error, normal

from gpunet import SGD, Activation, Dense, Dropout, Embedding, Network, loss
from gpunet.activations import ACTIVATIONS
from gpunet.backend import open_backend
from gpunet.losses import LOSSES, as_targets

TRAINABLE = [name for name in ACTIVATIONS if name != "comparator"]
ANALYTIC = ["identity", "sigmoid", "tanh", "gelu", "silu"]  # no abs, no max
ANALYTIC_LOSSES = [name for name in LOSSES if "squared" in name or "softmax" in name]
PENALTIES = {"none": (0.0, 0.0), "l2": (0.3, 0.0), "l1": (0.0, 0.3)}
DEPTHS = (1, 2, 3, 4)
BATCH, WIDTH = 3, 3


def build(activation, loss_name, depth, seed):
    """Return a network of `depth` dense layers, inputs and targets."""
    layers = []
    for k in range(depth):
        W = normal(97 * seed + k, WIDTH, WIDTH)
        layers.append(Dense(WIDTH, WIDTH, W, 0.3 * normal(97 * seed + 50 + k, WIDTH)))
        if k < depth - 1 or not loss(loss_name).on_logits:
            layers.append(Activation(activation))
    net = Network(layers, loss_name, dtype="float64")
    x = normal(97 * seed + 90, BATCH, WIDTH)
    return net, x, as_targets(x, np.arange(BATCH) % WIDTH)


def gradients(net, x, t):
    y, caches = net.forward(x)
    return net.backward(caches, net.loss.slope(y, t), wrt_input=True)


def far_from_kinks(net, x, t):
    """Say whether nothing lies within 1e-3 of a kink, and all tensors learn."""
    y, caches = net.forward(x)
    margins = [cache[0] for cache in caches if isinstance(cache, tuple)]
    margins += [y - t, abs(y - t) - 1, 1 - (2 * t - 1) * y]
    margins += [p for name, p in net.params.items() if name.endswith(".W")]
    grads, _ = gradients(net, x, t)
    learns = min(abs(g).max() for g in grads.values()) > 2e-3
    return learns and min(abs(m).min() for m in margins) > 1e-3


@cache
def setting(activation, loss_name, depth):
    for seed in range(1000):
        net, x, t = build(activation, loss_name, depth, seed)
        if far_from_kinks(net, x, t):
            return net, x, t
    raise AssertionError("no seed keeps clear of the kinks")


def crowd(net, nudges):
    """Return a population: member k has nudges[k] added to its flat parameters."""
    stacked, at = {}, 0
    for name, p in net.params.items():
        part = nudges[:, at : at + p.size].reshape(-1, *p.shape)
        stacked[name], at = p + part, at + p.size
    return net.with_params(stacked, population=len(nudges))


def value(net, x, t, weight=None, **options):
    """Return the loss of each member or input; targets are for all."""
    y, _ = net.forward(x, **options)
    return net.loss.value(y, np.broadcast_to(t, y.shape), weight)


def cost(net, x, t, l2=0.0, l1=0.0):
    """Return loss and penalties of each member."""
    total = value(net, x, t)
    for name, W in net.params.items():
        if name.endswith(".W"):
            total = total + l2 / 2 * (W * W).sum(axis=(-2, -1))
            total = total + l1 * abs(W).sum(axis=(-2, -1))
    return total


def central(net, x, t, h=1e-5, **penalties):
    """Return central differences of every parameter, flat."""
    steps = h * np.eye(net.n_parameters)
    above = cost(crowd(net, steps), x, t, **penalties)
    return (above - cost(crowd(net, -steps), x, t, **penalties)) / (2 * h)


def check_tensors(net, analytic, numeric, limit):
    at = 0
    for name, p in net.params.items():
        own = numeric[at : at + p.size].reshape(p.shape)
        at += p.size
        assert error(analytic[name], own) <= limit, name


def penalized(net, grads, l2, l1):
    """Return the gradient that an optimizer follows: one step of rate 1."""
    moved = {name: p.copy() for name, p in net.params.items()}
    own = SGD(1.0, l2=l2, l1=l1)
    own.start(moved, open_backend("cpu"))
    own.step(moved, grads)
    return {name: p - moved[name] for name, p in net.params.items()}


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("activation", TRAINABLE)
def test_gradients_match_central_differences(activation, loss_name):
    for depth in DEPTHS:
        net, x, t = setting(activation, loss_name, depth)
        grads, _ = gradients(net, x, t)
        assert set(grads) == set(net.params)
        for l2, l1 in PENALTIES.values():
            numeric = central(net, x, t, l2=l2, l1=l1)
            check_tensors(net, penalized(net, grads, l2, l1), numeric, 1e-7)


@pytest.mark.parametrize("loss_name", ANALYTIC_LOSSES)
@pytest.mark.parametrize("activation", ANALYTIC)
def test_gradients_match_the_complex_step(activation, loss_name):
    h = 1e-30
    for depth in DEPTHS:
        net, x, t = setting(activation, loss_name, depth)
        nudged = crowd(net, 1j * h * np.eye(net.n_parameters))
        for l2 in (0.0, 0.3):
            pull = {
                name: l2 * p if name.endswith(".W") else 0 * p
                for name, p in net.params.items()
            }
            analytic = {n: g + pull[n] for n, g in gradients(net, x, t)[0].items()}
            total = cost(nudged, x, t, l2=l2)
            check_tensors(net, analytic, total.imag / h, 1e-12)


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("activation", TRAINABLE)
def test_input_gradient_matches_central_differences(activation, loss_name):
    h = 1e-5
    for depth in (1, 3):
        net, x, t = setting(activation, loss_name, depth)
        steps = h * np.eye(x.size).reshape(-1, *x.shape)
        above, below = value(net, x + steps, t), value(net, x - steps, t)
        numeric = ((above - below) / (2 * h)).reshape(x.shape)
        assert error(gradients(net, x, t)[1], numeric) <= 1e-7


def test_embedding_and_dropout_gradients_match_central_differences():
    class Same:
        """Give the same numbers at every call, so that the mask stays."""

        def uniform(self, shape):
            return np.linspace(0.05, 0.95, shape[0] * shape[1]).reshape(shape)

    layers = [Embedding(4, 2), Dropout(0.4), Dense(4, 3), Activation("tanh")]
    net = Network([*layers, Dense(3, 2)], dtype="float64", seed=1)
    words, t = np.array([[0, 1], [1, 1], [3, 0]]), np.eye(2)[[0, 1, 1]]
    options = {"train": True, "rng": Same()}
    y, caches = net.forward(words, **options)
    assert 0 < (caches[1] == 0).mean() < 1
    grads = net.backward(caches, net.loss.slope(y, t))
    steps = 1e-5 * np.eye(net.n_parameters)
    above, below = (value(crowd(net, s), words, t, **options) for s in (steps, -steps))
    check_tensors(net, grads, (above - below) / 2e-5, 1e-7)


@pytest.mark.parametrize("loss_name", LOSSES)
def test_weighted_gradients_match_central_differences(loss_name):
    net, x, t = setting("tanh", loss_name, 2)
    weight = np.array([0.5, 0.0, 2.5])
    y, caches = net.forward(x)
    grads = net.backward(caches, net.loss.slope(y, t, weight))
    steps = 1e-5 * np.eye(net.n_parameters)
    above, below = (value(crowd(net, s), x, t, weight) for s in (steps, -steps))
    check_tensors(net, grads, (above - below) / 2e-5, 1e-7)


def test_the_check_itself_finds_a_bias_wrong_by_an_eighth():
    net, x, t = setting("sigmoid", "squared_error", 3)
    grads, _ = gradients(net, x, t)
    grads["2.b"] = grads["2.b"].copy()
    grads["2.b"][1] *= 1.125
    with pytest.raises(AssertionError, match=r"2\.b"):
        check_tensors(net, grads, central(net, x, t), 1e-7)
