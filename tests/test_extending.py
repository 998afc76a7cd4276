"""Custom layers, activations, losses and optimizers: what works, what is refused."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet.activations import ActivationFunction

X = normal(0, 40, 6).astype("float32")
T = (X[:, 0] > 0).astype("int64")


@dataclass(frozen=True)
class Linear(gpunet.Layer):
    """A Dense layer without biases, which changes the number of features."""

    n_in: int
    n_out: int

    tensors: ClassVar = ("W",)

    def shapes(self):
        return {"W": (self.n_in, self.n_out)}

    def init(self, rng):
        return {"W": 0.3 * rng.standard_normal((self.n_in, self.n_out))}

    def forward(self, params, x, *, train=False, rng=None):
        return x @ params["W"], x

    def backward(self, params, cache, dy, *, need_dx=True):
        turn = gpunet.namespace(dy).matrix_transpose
        return dy @ turn(params["W"]), {"W": turn(cache) @ dy}


@dataclass(frozen=True)
class Noise(gpunet.Layer):
    """Noise on the features while training."""

    width: float = 0.1

    def forward(self, params, x, *, train=False, rng=None):
        return (x + self.width * rng.uniform(x.shape) if train else x), None

    def backward(self, params, cache, dy, *, need_dx=True):
        return dy, {}


@dataclass
class Lion(gpunet.Optimizer):
    """A sign of the mean gradient (Chen et al. 2023)."""

    beta: float = 0.9

    slot_names: ClassVar = ("mean",)

    def update(self, name, p, g, rate, *slots):
        (m,) = slots
        p -= rate * gpunet.namespace(p).sign(self.beta * m + (1.0 - self.beta) * g)
        m *= self.beta
        m += (1.0 - self.beta) * g


def fitted(layers, **settings):
    net = gpunet.Network(layers, seed=3)
    gpunet.fit(net, (X, T), epochs=2, **settings)
    return net


def save(net, path):
    """Save a network; return what `load_network` must be given."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpunet.save_network(net, path)
    return str(caught[-1].message).partition("(path, ")[2].rstrip(")")


@pytest.mark.parametrize("layers", [[Linear(6, 2)], [gpunet.Dense(6, 4), Linear(4, 2)]])
def test_layer_of_another_width_is_trained_measured_and_loaded(layers, tmp_path):
    net = fitted(layers)
    assert (net.n_in, net.n_out) == (6, 2)
    assert gpunet.evaluate(net, (X, T))["n"] == len(X)
    assert all(check.ok for check in gpunet.check_gradients(net, X[:4], T[:4]))
    assert save(net, tmp_path / "m") == "layers=[Linear]"
    again = gpunet.load_network(tmp_path / "m", layers=Linear)
    assert np.array_equal(again.predict(X), net.predict(X))
    with pytest.raises(gpunet.GpunetError, match=r"outside 0\.\.1"):
        gpunet.fit(net, (X, [*T[:-1], 5]), epochs=1)
    with pytest.raises(gpunet.GpunetError, match=r"layer 1: Linear expects 3 inputs"):
        gpunet.Network([gpunet.Dense(6, 4), Linear(3, 2)])


def test_layer_draws_the_same_numbers_for_the_same_seed():
    layers = [gpunet.Dense(6, 4), Noise(), gpunet.Dense(4, 2)]
    first, second = (fitted(layers).params["0.W"] for _ in range(2))
    without = fitted([layers[0], Noise(0.0), layers[2]]).params["0.W"]
    assert np.array_equal(first, second) and not np.array_equal(first, without)


def test_optimizer_steps_by_its_own_formula_and_blocks_agree():
    p, g = {"0.W": np.array([[1.0, -1.0]])}, {"0.W": np.array([[0.5, -0.2]])}
    lion = Lion(learning_rate=0.1)
    lion.start(p, gpunet.open_backend("cpu"))
    lion.step(p, g)
    assert p["0.W"].tolist() == [[0.9, -0.9]]
    many = gpunet.mlp([6, 4, 2], population=60)  # steps in blocks of 50
    gpunet.fit(many, (X, T), epochs=2, optimizer=Lion(0.01), shuffle="per_member")
    alone = gpunet.mlp([6, 4, 2], seed=55)
    gpunet.fit(alone, (X, T), epochs=2, optimizer=Lion(0.01))
    assert np.array_equal(many.params["0.W"][55], alone.params["0.W"])


def test_loss_and_activation_are_loaded_by_name(tmp_path):
    cube = gpunet.activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    fourth = gpunet.loss(
        "fourth",
        lambda y, t: gpunet.namespace(y).sum((y - t) ** 4, axis=-1),
        lambda y, t: 4.0 * (y - t) ** 3,
    )
    net = gpunet.mlp([6, 4, 2], cube, loss=fourth)
    assert save(net, tmp_path / "m") == "activations=[cube], loss=fourth"
    again = gpunet.load_network(tmp_path / "m", activations=cube, loss=fourth)
    assert np.array_equal(again.predict(X), net.predict(X)) and again.loss is fourth
    other = gpunet.load_network(tmp_path / "m", activations=[cube], loss="hinge")
    assert other.loss == gpunet.loss("hinge")
    with pytest.raises(gpunet.GpunetError, match="activations must be what gpunet"):
        gpunet.load_network(tmp_path / "m", activations=["cube"])


NET = gpunet.mlp([6, 2])
NO_SLOPE = ActivationFunction("step", lambda z: z, None)
REFUSED = {
    "layer 1 must be a gpunet.Layer, got 'relu'": lambda: gpunet.Network(
        [gpunet.Dense(6, 2), "relu"]
    ),
    "layer 0 must be a gpunet.Layer, got <class": lambda: gpunet.Network([Noise]),
    r"no such activation; .* or gpunet.activation": lambda: gpunet.mlp(
        [6, 4, 2], np.tanh
    ),
    r"no such loss; .* or gpunet.loss": lambda: gpunet.mlp([6, 2], loss=max),
    "step: it has neither slope nor pullback; give one": lambda: gpunet.fit(
        gpunet.mlp([6, 4, 2], NO_SLOPE), (X, T)
    ),
    "optimizer: Lion is a class; use Lion": lambda: gpunet.fit(
        NET, (X, T), optimizer=Lion
    ),
    "callbacks: must be a list, got .*; put it in brackets": lambda: gpunet.fit(
        NET, (X, T), callbacks=gpunet.Callback()
    ),
    "callbacks: Callback is a class; use Callback()": lambda: gpunet.fit(
        NET, (X, T), callbacks=[gpunet.Callback]
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_work_is_refused_with_a_sentence(sentence):
    with pytest.raises(gpunet.GpunetError, match=sentence):
        REFUSED[sentence]()


@pytest.mark.parametrize("part", ["forward", "backward", "update"])
def test_missing_method_is_named(part):
    kind = gpunet.Optimizer if part == "update" else gpunet.Layer
    arguments = {"forward": ({}, X), "backward": ({}, None, X)}.get(part, ("", X, X, 1))
    with pytest.raises(NotImplementedError, match=f"{kind.__name__} has no {part}"):
        getattr(kind(), part)(*arguments)
