"""A population's member is the single network with its seed, bit for bit.

On NumPy the bits are equal; on other devices, whose batched products may add in
another order, the numbers are.
"""

import numpy as np
import pytest
from helpers import Draws, error, normal

from gpunet import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Network,
    mlp,
    optimizer,
)

pytestmark = pytest.mark.pure

P, N_IN, CLASSES = 3, 5, 4
STEPS = 4
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1},
    "momentum": {"learning_rate": 0.1, "momentum": 0.9},
    "nesterov": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    "penalties": {"learning_rate": 0.1, "l2": 0.1, "l1": 0.01, "max_norm": 1.5},
    "clipped": {"learning_rate": 0.1, "clip_norm": 0.1},
    "adagrad": {"learning_rate": 0.1},
    "rmsprop": {"learning_rate": 0.01},
    "adam": {"learning_rate": 0.01},
    "adamw": {"learning_rate": 0.01, "weight_decay": 0.1},
}


def network(bk="cpu", dtype="float32", population=None, seed=0, **options):
    return mlp(
        *([N_IN, 7, 6, CLASSES], ["tanh", "relu"]),
        **{"device": bk, "dtype": dtype, "population": population, "seed": seed},
        **options,
    )


def batches(batch, lead=()):
    """Return inputs and labels of some steps, members first where wanted."""
    x = normal(1, STEPS, *lead, batch, N_IN)
    t = abs(normal(2, STEPS, *lead, batch) * 10).astype(np.int64) % CLASSES
    return x, t


def train(net, x, t, name):
    """Take the steps of x and t; return outputs and gradients on the way."""
    bk, seen = net.backend, []
    kind = name if name in ("adagrad", "rmsprop", "adam", "adamw") else "sgd"
    own = optimizer(kind, **OPTIMIZERS[name])
    with bk.use():
        own.start(net.params, bk, net.population)
        for x_, t_ in zip(x, t, strict=True):
            y, caches = net.forward(bk.array(x_, net.dtype), train=True)
            dy = net.loss.slope(y, bk.array(t_))
            grads, dx = net.backward(caches, dy, wrt_input=True)
            own.step(net.params, grads)
            seen.append([bk.to_host(q) for q in (y, dx, *grads.values())])
    return seen


def check_members(crowd, seen, x, t, name, exact):
    """Check each member's way and end against the network with its seed."""
    bk = crowd.backend
    for i in range(P):
        one = network(bk, crowd.dtype, seed=i)
        own = x if x.ndim == 3 else x[:, i], t if t.ndim == 2 else t[:, i]
        for k, alone in enumerate(train(one, *own, name)):
            for a, b in zip(seen[k], alone, strict=True):
                assert np.array_equal(a[i], b) if exact else error(a[i], b) < 1e-9
        for tensor, p in one.params.items():
            a, b = bk.to_host(crowd.params[tensor])[i], bk.to_host(p)
            assert np.array_equal(a, b) if exact else error(a, b) < 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_member_starts_as_the_single_network(bk, dtype):
    crowd = network(bk, dtype, P, seed=4)
    for i in range(P):
        for name, p in network(bk, dtype, seed=4 + i).params.items():
            mine = bk.to_host(crowd.params[name])[i]
            assert np.array_equal(mine, bk.to_host(p)) and mine.dtype == dtype


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("batch", [1, 7, 32])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_member_trains_as_the_single_network_bit_for_bit(dtype, batch, name):
    for lead in ((P,), ()):
        x, t = batches(batch, lead)
        crowd = network("cpu", dtype, P)
        seen = train(crowd, x, t, name)
        check_members(crowd, seen, x, t, name, exact=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.pure(False)
def test_member_trains_as_the_single_network_on_every_device(bk, name):
    for lead, batch in (((P,), 7), ((), 7), ((P,), 1), ((), 1)):
        x, t = batches(batch, lead)
        crowd = network(bk, "float64", P)
        seen = train(crowd, x, t, name)
        check_members(crowd, seen, x, t, name, exact=bk.name == "cpu")


def test_wide_members_are_bit_equal_too():
    sizes, x = [784, 30, 10], normal(0, 10, 784)
    t = np.arange(10)
    for dtype in ("float32", "float64"):
        crowd = mlp(sizes, "sigmoid", population=2, seed=1, dtype=dtype)
        alone = [mlp(sizes, "sigmoid", seed=1 + i, dtype=dtype) for i in range(2)]
        for net in (crowd, *alone):
            y, caches = net.forward(x.astype(dtype))
            net.found = y, net.backward(caches, net.loss.slope(y, t))
        for i, net in enumerate(alone):
            assert np.array_equal(crowd.found[0][i], net.found[0])
            for name, g in net.found[1].items():
                assert np.array_equal(crowd.found[1][name][i], g), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_is_bit_equal_in_a_population(dtype):
    layers = [
        *(Embedding(9, 4), Activation("silu"), Flatten((8,)), Dense(8, 6)),
        *(Activation("softmax"), Dropout(0.3), Dense(6, 3), Activation("gelu")),
    ]
    words = abs(normal(0, 6, 2) * 9).astype(np.int64) % 9
    t = np.array([0, 1, 2, 2, 1, 0])
    found = []
    for population, seed in ((P, 0), *((None, i) for i in range(P))):
        net = Network(
            layers, "squared_error", population=population, seed=seed, dtype=dtype
        )
        y, caches = net.forward(words, train=True, rng=Draws(net.backend))
        found.append((y, net.backward(caches, net.loss.slope(y, t))))
    for i in range(P):
        assert np.array_equal(found[0][0][i], found[i + 1][0])
        for name, g in found[i + 1][1].items():
            assert np.array_equal(found[0][1][name][i], g), name


@pytest.mark.parametrize("lead", [(), (2,), (2, 3), (1, 2, 2)])
@pytest.mark.parametrize("batch", [1, 4])
def test_layers_serve_any_number_of_leading_axes(bk, lead, batch):
    dense, f = Dense(3, 2), Activation("elu")
    params = {"W": normal(0, *lead, 3, 2), "b": normal(1, *lead, 2)}
    x, dy = normal(2, *lead, batch, 3), normal(3, *lead, batch, 2)

    def both(params, x, dy):
        own = {name: bk.array(p) for name, p in params.items()}
        z, first = dense.forward(own, bk.array(x))
        a, second = f.forward({}, z)
        dz, _ = f.backward({}, second, bk.array(dy))
        dx, grads = dense.backward(own, first, dz)
        return [bk.to_host(q) for q in (a, dx, grads["W"], grads["b"])]

    whole = both(params, x, dy)
    shapes = [(*lead, batch, 2), (*lead, batch, 3), (*lead, 3, 2), (*lead, 2)]
    assert [q.shape for q in whole] == shapes
    for i in np.ndindex(lead):
        alone = both({name: p[i] for name, p in params.items()}, x[i], dy[i])
        for a, b in zip(whole, alone, strict=True):
            assert (
                np.array_equal(a[i], b) if bk.name == "cpu" else error(a[i], b) < 1e-14
            )
