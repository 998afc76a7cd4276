"""Layers: numbers by hand, gradients, populations, edges and configurations."""

import numpy as np
import pytest
from helpers import TIGHT, Draws, error, normal, on_device

from gpunet import Activation, Dense, Dropout, Embedding, Flatten, activation
from gpunet.errors import ConfigError
from gpunet.layers import Layer
from gpunet.random import host_rng

pytestmark = pytest.mark.pure


def numeric_pullback(f, x, dy, h=1e-5):
    """Return the gradient of sum(f(x) dy) by central differences."""
    dx = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        dx[k] = ((f(up) - f(down)) * dy).sum() / (2 * h)
    return dx


def test_dense_gives_the_numbers_by_hand(bk):
    dense = Dense(2, 3)
    for dtype in TIGHT:
        params = {
            "W": bk.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype),
            "b": bk.array([0.5, 0.0, -0.5], dtype),
        }
        x = bk.array([[1.0, -1.0], [2.0, 0.0]], dtype)
        z, cache = dense.forward(params, x)
        assert bk.to_host(z).tolist() == [[-2.5, -3, -3.5], [2.5, 4, 5.5]]
        dy = bk.array([[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]], dtype)
        dx, grads = dense.backward(params, cache, dy)
        assert bk.to_host(dx).tolist() == [[-2, -2], [7, 16]]
        assert bk.to_host(grads["W"]).tolist() == [[1, 4, 1], [-1, 0, 1]]
        assert bk.to_host(grads["b"]).tolist() == [1, 2, 0]
        for q in (z, dx, grads["W"], grads["b"]):
            assert q.dtype == bk.dtype(dtype) and on_device(bk, q)
        assert bk.to_host(x).tolist() == [[1, -1], [2, 0]]
        assert bk.to_host(params["b"]).tolist() == [0.5, 0, -0.5]


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (2, 4, 3), (2, 1, 3), (2, 2, 3, 3)])
def test_dense_backward_matches_central_differences(shape):
    dense, lead = Dense(3, 2), shape[:-2]
    x, dy = normal(0, *shape), normal(1, *shape[:-1], 2)
    params = {"W": normal(2, *lead, 3, 2), "b": normal(3, *lead, 2)}
    dx, grads = dense.backward(params, dense.forward(params, x)[1], dy)
    assert grads["W"].shape == params["W"].shape
    assert grads["b"].shape == params["b"].shape

    def output(**changed):
        return dense.forward({**params, **changed}, changed.pop("x", x))[0]

    assert error(dx, numeric_pullback(lambda v: output(x=v), x, dy)) < 1e-9
    for name, p in params.items():

        def moved(v, name=name):
            return output(**{name: v})

        assert error(grads[name], numeric_pullback(moved, p, dy)) < 1e-9


def test_dense_skips_a_dx_nobody_needs(bk):
    dense = Dense(3, 2)
    params = {k: bk.array(v) for k, v in dense.init(host_rng(0, "init")).items()}
    dy = bk.array(normal(1, 4, 2))
    dx, grads = dense.backward(params, bk.array(normal(0, 4, 3)), dy, need_dx=False)
    assert dx is None and set(grads) == {"W", "b"}


def test_dense_members_share_an_input(bk):
    dense = Dense(3, 2)
    params = {"W": bk.array(normal(2, 4, 3, 2)), "b": bk.array(normal(3, 4, 2))}
    for batch in (1, 5):
        x, dy = normal(0, batch, 3), bk.array(normal(1, 4, batch, 2))
        each = np.broadcast_to(x, (4, batch, 3))
        shared, own = (
            (z, *dense.backward(params, cache, dy))
            for z, cache in (dense.forward(params, bk.array(q)) for q in (x, each))
        )
        assert error(bk.to_host(shared[0]), bk.to_host(own[0])) < 1e-15
        assert error(bk.to_host(shared[1]), bk.to_host(own[1])) < 1e-15
        for name in ("W", "b"):
            got = bk.to_host(shared[2][name])
            assert error(got, bk.to_host(own[2][name])) < 1e-15


def test_dense_start_has_its_shapes():
    start = Dense(3, 2, "he_normal", 0.25).init(host_rng(0, "init"))
    assert start["W"].shape == (3, 2) and start["b"].tolist() == [0.25, 0.25]
    W = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(Dense(3, 2, W).init(host_rng(0, "init"))["W"], W)
    assert Dense.tensors == ("W", "b") and Layer.tensors == ()


def test_dense_names_the_axis_that_does_not_fit():
    params = {"W": np.zeros((784, 10)), "b": np.zeros(10)}
    with pytest.raises(
        ConfigError,
        match=r"Dense\(784, 10\) expected a last axis of 784, got x of shape "
        r"\(32, 28, 28\); flatten it first",
    ):
        Dense(784, 10).forward(params, np.zeros((32, 28, 28)))
    with pytest.raises(ConfigError, match=r"got x of shape \(32, 783\)$"):
        Dense(784, 10).forward(params, np.zeros((32, 783)))


@pytest.mark.parametrize("size", [0, -1, 1.0, "3", None, True])
def test_layers_refuse_sizes_that_are_none(size):
    for make in (
        lambda: Dense(size, 2),
        lambda: Dense(2, size),
        lambda: Embedding(size, 2),
        lambda: Embedding(2, size),
        lambda: Flatten((2, size)),
    ):
        with pytest.raises(ConfigError, match="expected a whole number from 1"):
            make()


def test_layers_refuse_unknown_starts():
    for make in (
        lambda: Dense(2, 2, "he"),
        lambda: Dense(2, 2, bias_init="he"),
        lambda: Embedding(2, 2, "he"),
    ):
        with pytest.raises(ConfigError, match="no such initializer"):
            make()


def test_activation_layer_gives_the_numbers_by_hand(bk):
    layer = Activation("leaky_relu:0.5")
    z = bk.array([[-2.0, 3.0]], "float32")
    a, cache = layer.forward({}, z, train=True)
    dz, grads = layer.backward({}, cache, bk.array([[10.0, 10.0]], "float32"))
    assert bk.to_host(a).tolist() == [[-1, 3]]
    assert bk.to_host(dz).tolist() == [[5, 10]]
    assert grads == {} and dz.dtype == bk.dtype("float32")
    assert layer.backward({}, cache, z, need_dx=False) == (None, {})
    assert layer.init(host_rng(0, "init")) == {}


def test_activation_layer_takes_a_function_object():
    own = activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    a, cache = Activation(own).forward({}, np.array([[2.0]]))
    assert a.tolist() == [[8.0]]
    assert Activation(own).backward({}, cache, a)[0].tolist() == [[96.0]]
    with pytest.raises(ConfigError, match="no such activation"):
        Activation("cube")


class Given:
    """Hand out one array of uniform numbers, and note the shape asked for."""

    def __init__(self, numbers):
        self.numbers = numbers

    def uniform(self, shape):
        self.shape = tuple(shape)
        return self.numbers


def test_dropout_gives_the_numbers_by_hand(bk):
    layer = Dropout(0.75)
    for dtype in TIGHT:
        x = bk.array([[1.0, 2.0, 3.0, 4.0]], dtype)
        rng = Given(bk.array([[0.0, 0.74, 0.75, 0.99]], dtype))
        y, cache = layer.forward({}, x, train=True, rng=rng)
        assert rng.shape == (1, 4) and y.dtype == bk.dtype(dtype)
        assert bk.to_host(y).tolist() == [[0, 0, 12, 16]]
        dx, grads = layer.backward({}, cache, bk.array([[1.0, 1.0, 1.0, 2.0]], dtype))
        assert bk.to_host(dx).tolist() == [[0, 0, 4, 8]] and grads == {}
        assert dx.dtype == bk.dtype(dtype)
        assert bk.to_host(x).tolist() == [[1, 2, 3, 4]]


def test_dropout_does_nothing_when_predicting(bk):
    x = bk.array(normal(0, 3, 4))
    for layer, train in ((Dropout(0.5), False), (Dropout(0.0), True)):
        y, cache = layer.forward({}, x, train=train, rng=Draws(bk))
        assert y is x and cache is None
        assert layer.backward({}, cache, x)[0] is x


def test_dropout_keeps_the_mean(bk):
    x = bk.array(np.ones((200, 500)))
    y = bk.to_host(Dropout(0.3).forward({}, x, train=True, rng=Draws(bk, 1))[0])
    assert abs(y.mean() - 1) < 0.01 and abs((y == 0).mean() - 0.3) < 0.01


def test_dropout_masks_every_member_alike_from_one_draw(bk):
    x = bk.array(np.ones((3, 2, 5)))
    y, _ = Dropout(0.5).forward({}, x, train=True, rng=Draws(bk, 2))
    one, _ = Dropout(0.5).forward({}, x[0, :, :], train=True, rng=Draws(bk, 2))
    for i in range(3):
        assert np.array_equal(bk.to_host(y)[i], bk.to_host(one))
    own = Given(bk.array(Draws(bk, 3).rng.random((3, 2, 5))))
    mask = bk.to_host(Dropout(0.5).forward({}, x, train=True, rng=own)[1])
    assert mask.shape == (3, 2, 5) and own.shape == (2, 5)


def test_dropout_refuses_what_cannot_work():
    for rate in (-0.1, 1, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="rate: expected a number from 0"):
            Dropout(rate)
    with pytest.raises(ConfigError, match="needs rng"):
        Dropout(0.5).forward({}, np.ones((1, 2)), train=True)


def test_flatten_goes_there_and_back(bk):
    layer, host = Flatten([2, 3]), normal(0, 5, 2, 3)
    for shape in ((5, 2, 3), (1, 2, 3), (4, 5, 2, 3)):
        x = bk.array(np.broadcast_to(host[: shape[-3]], shape))
        y, cache = layer.forward({}, x)
        assert y.shape == (*shape[:-2], 6)
        row = bk.to_host(y).reshape(-1, 6)[0]
        assert row.tolist() == host[0].ravel().tolist()
        dx, grads = layer.backward({}, cache, y)
        assert np.array_equal(bk.to_host(dx), bk.to_host(x)) and grads == {}


def test_flatten_names_the_axes_that_do_not_fit():
    with pytest.raises(ConfigError, match=r"last axes \(28, 28\), got x of shape \(5,"):
        Flatten((28, 28)).forward({}, np.zeros((5, 784)))


def test_embedding_gives_the_numbers_by_hand(bk):
    layer = Embedding(3, 2)
    for dtype in TIGHT:
        params = {"W": bk.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype)}
        x = bk.array([[0, 2], [2, 2]], "int64")
        y, cache = layer.forward(params, x)
        assert bk.to_host(y).tolist() == [[1, 2, 5, 6], [5, 6, 5, 6]]
        dy = bk.array([[1.0, 1.0, 2.0, 2.0], [3.0, 4.0, 5.0, 6.0]], dtype)
        dx, grads = layer.backward(params, cache, dy)
        assert dx is None
        assert bk.to_host(grads["W"]).tolist() == [[1, 1], [0, 0], [10, 12]]
        assert y.dtype == grads["W"].dtype == bk.dtype(dtype)
        assert on_device(bk, y) and on_device(bk, grads["W"])
        assert bk.to_host(x).tolist() == [[0, 2], [2, 2]]


def test_embedding_equals_dense_on_one_hot_rows():
    words = np.array([[0], [4], [2], [4]])
    W, dy = normal(0, 5, 3), normal(1, 4, 3)
    hot = (words == np.arange(5)).astype(float)
    dense, params = Dense(5, 3), {"W": W, "b": np.zeros(3)}
    y, cache = Embedding(5, 3).forward({"W": W}, words)
    assert np.array_equal(y, dense.forward(params, hot)[0])
    dW = Embedding(5, 3).backward({"W": W}, cache, dy)[1]["W"]
    assert error(dW, dense.backward(params, hot, dy)[1]["W"]) < 1e-15


@pytest.mark.parametrize("lead", [(3,), (2, 3)])
def test_embedding_population_equals_the_loop(bk, lead):
    layer, W = Embedding(5, 2), normal(0, *lead, 5, 2)
    words = abs(normal(1, *lead, 4, 3) * 9).astype(np.int64) % 5
    dy = normal(2, *lead, 4, 6)
    params = {"W": bk.array(W)}
    y, cache = layer.forward(params, bk.array(words))
    dW = layer.backward(params, cache, bk.array(dy))[1]["W"]
    shared, _ = layer.forward(params, bk.array(words[(0,) * len(lead)]))
    assert y.shape == shared.shape == (*lead, 4, 6) and dW.shape == (*lead, 5, 2)
    for i in np.ndindex(lead):
        own = {"W": bk.array(W[i])}
        one, used = layer.forward(own, bk.array(words[i]))
        assert np.array_equal(bk.to_host(y)[i], bk.to_host(one))
        grads = layer.backward(own, used, bk.array(dy[i]))[1]
        assert error(bk.to_host(dW)[i], bk.to_host(grads["W"])) < 1e-15
        same, _ = layer.forward(own, bk.array(words[(0,) * len(lead)]))
        assert np.array_equal(bk.to_host(shared)[i], bk.to_host(same))


def test_layers_are_frozen_and_compare_by_value():
    assert Dense(2, 3) == Dense(2, 3) != Dense(3, 2)
    assert Activation("relu") == Activation("relu") != Activation("tanh")
    with pytest.raises(AttributeError):
        Dense(2, 3).n_in = 4
