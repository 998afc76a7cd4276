"""Parameters: what is shown is what the network uses, whoever changes it how."""

import copy
import pickle

import numpy as np
import pytest
from helpers import normal, on_device

import gpunet
from gpunet import Callback, Dense, Layer, Network, mlp
from gpunet.errors import ConfigError
from gpunet.training.steppers import BLOCK

X = normal(0, 5, 3)


def by_hand(net, x=X):
    """Return the outputs of a 3-4-2 network of ReLU from what is shown."""
    p = {name: net.backend.to_host(q) for name, q in net.params.items()}
    hidden = np.maximum(x @ p["0.W"] + p["0.b"][..., None, :], 0)
    return hidden @ p["2.W"] + p["2.b"][..., None, :]


def used(net, x=X):
    y, _ = net.forward(net.backend.array(x, net.dtype))
    return net.backend.to_host(y)


def make(bk="cpu", **options):
    options = {"dtype": "float64", "loss": "squared_error"} | options
    return mlp([3, 4, 2], device=bk, **options)


def change_by_item(net, W):
    net.params["0.W"] = W


def change_by_update(net, W):
    net.params.update({"0.W": W})


def change_by_pairs(net, W):
    net.params.update([("0.W", W)])


def change_by_union(net, W):
    net.params |= {"0.W": W}


def change_by_alias(net, W):
    params = net.params
    params |= {"0.W": W}


def change_by_attribute(net, W):
    net.params = {**net.params, "0.W": W}


CHANGES = [change_by_item, change_by_update, change_by_pairs]
CHANGES += [change_by_union, change_by_alias, change_by_attribute]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_parameters_are_the_ones_used(bk, change):
    for population in (None, 2):
        net = make(bk, population=population)
        before = used(net)
        change(net, bk.array(normal(7, *net.params["0.W"].shape)))
        assert np.abs(used(net) - before).min() > 0
        assert np.allclose(used(net), by_hand(net), rtol=1e-12, atol=0)
        gpunet.fit(net, (X, normal(1, 5, 2)), epochs=1, optimizer="sgd")
        assert np.allclose(used(net), by_hand(net), rtol=1e-12, atol=0)


REMOVALS = {
    "pop": lambda p: p.pop("0.W"),
    "pop with default": lambda p: p.pop("0.W", None),
    "popitem": lambda p: p.popitem(),
    "clear": lambda p: p.clear(),
    "del": lambda p: p.__delitem__("0.W"),
}


@pytest.mark.parametrize("kind", REMOVALS)
def test_parameters_cannot_be_removed(kind):
    net = make()
    before = used(net)
    with pytest.raises(ConfigError, match=r"cannot be removed; set them instead"):
        REMOVALS[kind](net.params)
    assert len(net.params) == 4 and np.array_equal(used(net), before)


ADDITIONS = {
    "item": lambda p: p.__setitem__("9.W", X),
    "not a name": lambda p: p.__setitem__(0, X),
    "update": lambda p: p.update({"0.b": [9.0] * 4, "W": X}),
    "keyword": lambda p: p.update(W=X),
    "union": lambda p: p.__ior__({"0.b": [9.0] * 4, "W": X}),
    "setdefault": lambda p: p.setdefault("0.w", X),
}


@pytest.mark.parametrize("kind", ADDITIONS)
def test_parameters_cannot_be_added_and_nothing_else_changes(kind):
    net = make()
    before = used(net)
    with pytest.raises(ConfigError, match=r"no such parameter; choose from 0\.W, 0\.b"):
        ADDITIONS[kind](net.params)
    assert len(net.params) == 4 and np.array_equal(used(net), before)


def test_setdefault_returns_what_is_there():
    net = make()
    assert net.params.setdefault("0.W", None) is net.params["0.W"]


def test_unions_and_copies_leave_the_network_alone():
    net = make()
    before = used(net)
    others = [net.params | {"x": 1}, net.params.copy(), copy.copy(net.params)]
    for other in others:
        assert type(other) is dict and other["0.W"] is net.params["0.W"]
        other["0.W"] = other.pop("0.b")
    for deep in (copy.deepcopy(net.params), pickle.loads(pickle.dumps(net.params))):
        assert list(deep) == list(net.params)
        deep["0.W"][...] = 0.0
        deep["0.b"] = np.ones(4)
    assert np.array_equal(used(net), before) and len(net.params) == 4


def test_copied_network_is_changed_alone():
    net = make()
    before = used(net)
    for other in (copy.copy(net), copy.deepcopy(net)):
        other.params = {name: p * 2.0 for name, p in other.params.items()}
        other.params["2.b"] = np.ones(2)
        assert np.allclose(used(other), by_hand(other), rtol=1e-12, atol=0)
        assert np.array_equal(used(net), before)
    assert copy.copy(net).params["0.W"] is net.params["0.W"]
    assert copy.deepcopy(net).params["0.W"] is not net.params["0.W"]


def test_set_array_is_shared_and_the_old_one_kept():
    net = make()
    old, new = net.params["0.W"], normal(1, 3, 4)
    kept = old.copy()
    net.params["0.W"] = new
    assert net.params["0.W"] is new and np.array_equal(old, kept)
    net.params["0.W"] = old
    assert net.params.by_layer[0]["W"] is old


def test_view_by_layer_is_read_only():
    with pytest.raises(TypeError):
        make().params.by_layer[0]["W"] = np.zeros((3, 4))


def test_whole_parameters_must_be_complete():
    net = make()
    before = used(net)
    for tensors in ({}, {"0.W": np.zeros((3, 4))}):
        with pytest.raises(ConfigError, match=r"expected 0\.W, .* got none of .*2\.b"):
            net.params = tensors
        with pytest.raises(ConfigError, match=r"got none of the name"):
            net.with_params(tensors)
    with pytest.raises(ConfigError, match="'x': no such parameter"):
        net.params = {**net.params, "0.b": [9.0] * 4, "x": 1.0}
    assert np.array_equal(used(net), before)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (np.zeros((4, 3)), r"got \(4, 3\)"),
        (np.zeros(12), r"got \(12,\)"),
        (0.0, r"got \(\); to fill it .* net.params\[\"0.W\"\]\[...\] = number"),
        (np.zeros((1, 3, 4)), r"got \(1, 3, 4\)"),
    ],
)
def test_other_shapes_are_refused(bk, value, got):
    net = make(bk)
    before = used(net)
    with pytest.raises(ConfigError, match=rf"0\.W: expected shape \(3, 4\), {got}"):
        net.params["0.W"] = value
    if not np.isscalar(value):
        with pytest.raises(ConfigError, match=r"expected shape \(3, 4\)"):
            net.params.update({"0.b": [1.0] * 4, "0.W": bk.array(value)})
    assert np.array_equal(used(net), before)


def test_population_expects_its_axis():
    with pytest.raises(ConfigError, match=r"expected shape \(2, 3, 4\), got \(3, 4\)"):
        make(population=2).params["0.W"] = np.zeros((3, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_take_the_networks_dtype_and_device(bk, dtype):
    net = make(bk, dtype=dtype)
    W = np.arange(12.0).reshape(4, 3).T
    values = [W, W.astype("float32"), W.astype(np.int64), W.tolist()]
    values += [bk.array(W, "float32"), bk.array(W, "float64"), bk.array(W.T).mT]
    for value in values:
        net.params["0.W"] *= 0.0
        net.params["0.W"] = value
        p = net.params["0.W"]
        assert p.dtype == bk.dtype(dtype) and on_device(bk, p)
        assert p is net.params.by_layer[0]["W"] and bk.to_host(p).tolist() == W.tolist()
        if bk.name == "cpu":
            assert p.flags.c_contiguous
        assert np.allclose(used(net), by_hand(net), rtol=1e-5)


@pytest.mark.parametrize("value", ["word", None, [[1.0], [1.0, 2.0]], object()])
def test_values_that_are_no_numbers_are_refused(value):
    net = make()
    with pytest.raises(ConfigError, match=r"0\.W: expected .*shape"):
        net.params["0.W"] = value


def test_complex_values_are_refused():
    with pytest.raises(ConfigError, match="its dtype is complex128"):
        make().params["0.W"] = np.zeros((3, 4)) + 1j


def test_layer_without_parameters_keeps_its_place():
    class Twice(Layer):
        def forward(self, params, x, *, train=False, rng=None):
            assert not params
            return 2.0 * x, None

    net = Network([Twice(), Dense(3, 1, 1.0)], "squared_error", dtype="float64")
    assert len(net.params.by_layer) == 2
    assert np.allclose(net.predict(X)[:, 0], 2 * X.sum(axis=1))


class Reset(Callback):
    """Sets a tensor, or all, after each epoch, to known numbers."""

    def __init__(self, whole):
        self.whole = whole

    def on_epoch(self, trainer, record):
        if trainer.epoch == 1:
            net = trainer.net
            fresh = {name: 0.0 * p + 0.25 for name, p in net.params.items()}
            if self.whole:
                net.params = fresh
            else:
                net.params["0.W"] = fresh["0.W"]


@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("population", [None, BLOCK + 1])
@pytest.mark.parametrize("whole", [False, True])
def test_parameters_set_by_a_callback_are_trained_on(engine, population, whole):
    if engine == "compiled":
        pytest.importorskip("numba")
    options = {"batch_size": 2, "optimizer": "sgd", "engine": engine, "shuffle": False}
    data = (X, normal(1, 5, 2))
    net = make(population=population)
    gpunet.fit(net, data, epochs=2, callbacks=[Reset(whole)], **options)
    again = make(population=population)
    gpunet.fit(again, data, epochs=1, **options)
    for name, p in again.params.items():
        if whole or name == "0.W":
            p[...] = 0.25
    gpunet.fit(again, data, epochs=1, **options)
    assert all(np.array_equal(p, again.params[name]) for name, p in net.params.items())
    assert np.allclose(used(net), by_hand(net), rtol=1e-12, atol=1e-12)
