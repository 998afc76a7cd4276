"""Custom layers as files: named by class, given again, or refused with the reason."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from helpers import ROOT, normal
from tiny import host, same

import gpunet
from gpunet import Activation, Dense, Flatten, Layer, Loss, Network, activation, loss
from gpunet.backend import namespace
from gpunet.errors import ConfigError, ModelFileError
from gpunet.layers import LAYERS
from gpunet.storage import load_network, read_tensors, write_tensors
from gpunet.storage.layers import layer_from_config, layer_to_config


@dataclass(frozen=True)
class Scale(Layer):
    """y = g x**power + sum(shift), with one g for each feature."""

    tensors: ClassVar = ("g",)
    n: int
    power: float = 1.0
    shift: tuple = (0.0,)
    total: float = field(init=False, default=0.0)

    def __post_init__(self):
        object.__setattr__(self, "total", float(sum(self.shift)))

    def shapes(self):
        return {"g": (self.n,)}

    def init(self, rng):
        return {"g": rng.random(self.n)}

    def forward(self, params, x, *, train=False, rng=None):
        g = params["g"]
        g = g if g.ndim == 1 else g[..., None, :]
        return g * x**self.power + self.total, x

    def backward(self, params, cache, dy, *, need_dx=True):
        assert self.power == 1.0
        dg = namespace(dy).sum(dy * cache, axis=-2)
        g = params["g"]
        return dy * (g if g.ndim == 1 else g[..., None, :]), {"g": dg}


class Doubled(Dense):
    """A Dense layer that gives twice its output; a dataclass by its parent."""

    def forward(self, params, x, *, train=False, rng=None):
        z, cache = super().forward(params, x, train=train, rng=rng)
        return 2.0 * z, cache


@dataclass(frozen=True)
class Free(Layer):
    """Whatever it is given; it has no tensors."""

    value: Any = None

    def forward(self, params, x, *, train=False, rng=None):
        return x, None


def net_of(*more, **options):
    layers = [Dense(4, 3), Scale(3, 2.0, (1.0, 0.5)), Activation("tanh"), *more]
    return Network([*layers, Dense(3, 2)], seed=3, **options)


def save(net, path, names):
    with pytest.warns(UserWarning, match=r"gpunet.load_network\(path, ") as caught:
        net.save(path)
    assert len(caught) == 1 and names in str(caught[0].message)


@pytest.mark.parametrize("population", [None, 3])
def test_custom_layer_comes_back_by_its_class(bk, tmp_path, population):
    net = net_of(device=bk, population=population)
    save(net, tmp_path / "m", "layers=[Scale])")
    for again in (
        load_network(tmp_path / "m", bk, layers=[Scale]),
        Network.load(tmp_path / "m", bk, layers=[Doubled, Scale, Dense]),
    ):
        assert again.layers == net.layers and type(again.layers[1].shift) is tuple
        assert same(host(again), host(net))
        x = normal(0, 5, 4)
        assert np.array_equal(again.predict(x), net.predict(x))


def test_custom_layer_of_a_loaded_network_learns_on(tmp_path):
    layers = [Dense(4, 3), Scale(3), Dense(3, 2)]
    net = Network(layers, "squared_error")
    save(net, tmp_path / "m", "layers=[Scale])")
    again = load_network(tmp_path / "m", layers=[Scale])
    for one in (net, again):
        gpunet.fit(one, (normal(0, 9, 4), normal(1, 9, 2)), epochs=2)
    assert same(host(net), host(again))


def test_class_derived_from_a_built_in_layer_is_a_custom_one(tmp_path):
    net = Network([Doubled(4, 3, np.ones((4, 3))), Dense(3, 2)])
    save(net, tmp_path / "m", "layers=[Doubled])")
    again = load_network(tmp_path / "m", layers=[Doubled])
    x = normal(0, 5, 4)
    assert type(again.layers[0]) is Doubled
    assert np.array_equal(again.predict(x), net.predict(x))


def test_every_custom_part_is_named_once(tmp_path):
    bump = activation("bump", lambda z: np.exp(-z * z), lambda z, a: -2.0 * z * a)
    mine = Loss("mine", *(getattr(loss("hinge"), k) for k in ("cost", "cost_slope")))
    layers = [Activation(bump), Scale(3, 2.0), Free(), Activation(bump)]
    net = net_of(*layers, loss=mine)
    save(net, tmp_path / "m", "layers=[Scale, Free], activations=[bump], loss=mine)")
    custom = {"layers": [Scale, Free], "activations": [bump], "loss": mine}
    assert load_network(tmp_path / "m", **custom).loss is mine


def test_network_of_built_in_parts_is_saved_without_a_word(tmp_path):
    Network([Flatten((2, 2)), Dense(4, 3), Activation("elu:2")], "huber:2").save(
        tmp_path / "m"
    )


def test_missing_class_is_named_with_its_cure(tmp_path):
    save(net_of(), tmp_path / "m", "Scale")
    for layers in ((), [Doubled], Doubled):
        with pytest.raises(ModelFileError, match=r"'Scale': no such layer.*layers="):
            load_network(tmp_path / "m", layers=layers)


def test_layers_are_matched_by_name_among_those_given_alone(tmp_path):
    save(net_of(), tmp_path / "m", "Scale")
    tensors, state = read_tensors(tmp_path / "m")
    for name in ("test_storage_layers.Scale", "tests.Scale", "Layer", "object"):
        state["network"]["layers"][1]["layer"] = name
        write_tensors(tmp_path / "m", tensors, state)
        with pytest.raises(ModelFileError, match="no such layer"):
            load_network(tmp_path / "m", layers=[Scale])


@pytest.mark.parametrize("entry", ["__class__", "tensors", "total", "self"])
def test_entries_that_a_class_does_not_take_are_refused(tmp_path, entry):
    save(net_of(), tmp_path / "m", "Scale")
    tensors, state = read_tensors(tmp_path / "m")
    state["network"]["layers"][1][entry] = 1
    write_tensors(tmp_path / "m", tensors, state)
    with pytest.raises(ModelFileError, match="does not describe a network"):
        load_network(tmp_path / "m", layers=[Scale])


def renamed(kind, name):
    return type(name, (kind,), {"__qualname__": name})


@pytest.mark.parametrize("given", [Scale(3), "Scale", int, [Scale(3)], [None]])
def test_what_is_not_a_layer_class_is_refused(tmp_path, given):
    net_of()  # the file is not even looked at
    with pytest.raises(ConfigError, match="must be classes derived from gpunet"):
        load_network(tmp_path / "none", layers=given)


def test_class_with_a_built_in_name_is_refused_both_ways(tmp_path):
    other = renamed(Doubled, "Dense")
    with pytest.raises(ConfigError, match="has the name of a built-in layer"):
        Network([other(4, 3)]).save(tmp_path / "m")
    with pytest.raises(ConfigError, match="has the name of a built-in layer"):
        load_network(tmp_path / "m", layers=[other])


class Plain(Layer):
    def forward(self, params, x, *, train=False, rng=None):
        return x, None


@dataclass(frozen=True)
class Silent(Scale):
    def shapes(self):
        return {}


@dataclass(frozen=True)
class Other(Free):
    def __post_init__(self):
        object.__setattr__(self, "value", self.value + 1)


@dataclass(frozen=True)
class Picky(Free):
    def __post_init__(self):
        if isinstance(self.value, tuple):
            raise OSError("it wants a list")


def local():
    @dataclass(frozen=True)
    class Local(Free):
        pass

    return Local()


UNSAVED = {
    "local class": (local, "defined inside a function; define it in a module"),
    "no dataclass": (Plain, "is not a dataclass; put @dataclass"),
    "lambda": (lambda: Free(lambda x: x), "JSON cannot hold its .* value, <function"),
    "object": (lambda: Free(object()), "JSON cannot hold"),
    "array": (lambda: Free(np.ones(2)), "it is an array; make it a tuple"),
    "nan": (lambda: Free([float("nan")]), "JSON cannot hold"),
    "keys": (lambda: Free({1: 2}), "JSON cannot hold"),
    "class": (lambda: Free(Dense), "JSON cannot hold"),
    "function": (lambda: Free(activation("relu")), "JSON cannot hold"),
    "shapes": (lambda: Silent(3, 2.0), r"its shapes\(\) is \{\}, but its tensors"),
    "drifts": (lambda: Other(1), "makes another layer"),
    "breaks": (lambda: Picky([1]), "does not make it again .it wants a list"),
}


@pytest.mark.parametrize("kind", UNSAVED)
def test_layer_that_no_file_can_name_is_refused_when_saved(tmp_path, kind):
    make, why = UNSAVED[kind]
    net, path = net_of(make()), tmp_path / "m"
    path.write_bytes(b"old")
    with pytest.raises(ConfigError, match=rf"layer: .* cannot be saved: .*{why}"):
        net.save(path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    "value", [None, True, 3, 2.5, "x", (1, (2, 3)), {"a": (1, None)}, np.float32(0.5)]
)
def test_hyper_parameters_of_plain_data_come_back(value):
    config = json.loads(json.dumps(layer_to_config(Free(value))))
    again = layer_from_config(config, layers=[Free]).value
    if isinstance(value, dict):
        assert {key: tuple(v) for key, v in again.items()} == value
    else:
        assert again == value


def test_two_things_of_one_name_are_refused(tmp_path):
    one = activation("bump", lambda z: z, lambda z, a: z * 0 + 1)
    layers = [Activation(one), Activation(replace(one, value=lambda z: z + 1.0))]
    with pytest.raises(ConfigError, match="two custom ones are called 'bump'"):
        net_of(*layers).save(tmp_path / "m")
    with pytest.raises(ConfigError, match="two custom ones are called 'Free'"):
        net_of(Free(), renamed(Free, "Free")()).save(tmp_path / "m")


def test_custom_function_with_a_built_in_name_is_refused(tmp_path):
    for name in ("relu", "leaky_relu:7", "elu:2"):
        f = replace(activation("tanh"), name=name, value=lambda z: z)
        with pytest.raises(ConfigError, match=f"custom activation '{name}' cannot be"):
            net_of(Activation(f)).save(tmp_path / "m")
    own = replace(loss("hinge"), name="huber", cost=lambda y, t: y[..., 0])
    with pytest.raises(ConfigError, match="custom loss 'huber' cannot be saved"):
        net_of(loss=own).save(tmp_path / "m")


def test_compiled_engines_leave_custom_layers_to_the_loop():
    from gpunet.fast.cpu.lowering import why_unsupported
    from gpunet.fast.cuda import lowering as cuda

    f = replace(activation("relu"), pullback=lambda z, a, da: da)
    for layers in (
        [Doubled(4, 3)],
        [Dense(4, 3), renamed(Activation, "Mine")("relu")],
        [Dense(4, 3), renamed(gpunet.Dropout, "Mine")(0.5), Dense(3, 2)],
        [Dense(4, 3), Activation(f)],
    ):
        net = Network(layers)
        assert why_unsupported(net) and cuda.why_unsupported(net, cuda.ACTIVATIONS)
    custom = replace(loss("squared_error"), inverse_link=lambda y: -y)
    assert "squared_error" in why_unsupported(Network([Dense(4, 3)], custom))


def test_built_in_layers_are_these():
    lesson = (ROOT / "gpunet" / "layers.py").read_text("utf-8")
    assert all(f"class {name}(Layer)" in lesson for name in LAYERS)
    assert lesson.count("(Layer):") == len(LAYERS)
