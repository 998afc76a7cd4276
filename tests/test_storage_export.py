"""Exports: each format answers what `predict` answers, or is refused."""

import json
import math
import re
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from exported import RUN, answers_of_js, load_py, run_c
from helpers import epsilons_off, exact_sigmoid, normal, wide_grid

import gpunet
from gpunet.activations import ACTIVATIONS
from gpunet.errors import ConfigError, ModelFileError, WriteError
from gpunet.layers import Activation, Dense, Embedding
from gpunet.storage.export import Answers, RawRows, exported, graph
from gpunet.storage.export.ports import Cell

KINDS = ("onnx", "json", "c", "js", "py")


def spoken(net, seed=3):
    """Return the network with biases that are not zero."""
    for name, p in net.params.items():
        if name.endswith("b"):
            net.params[name] = net.backend.array(normal(seed, *p.shape), net.dtype)
    return net


def ports(n_in, *, numbers=False):
    """Return what a table puts before and after a network."""
    names = [f'in "{k}" */ ??/\n\\' for k in range(n_in)]
    mean = np.linspace(-1e9, 1e9, n_in)
    factor = np.where(np.arange(n_in) == 1, 0.0, 1 / np.linspace(0.5, 2.0, n_in))
    source = RawRows(names, mean, factor, names, [Cell(k) for k in range(n_in)])
    if numbers:
        return source, Answers(["price"], np.array([1e9]), np.array([250.0]))
    return source, Answers(["a", "b", "\u00e9"])


def write(net, path, kind, source=None, target=None):
    path.write_bytes(exported(net, kind, source, target))


def compare(net, tmp_path, kind, source=None, target=None):
    """Export, run, and hold it against predict to 1e-5 (relative to the largest)."""
    if kind == "onnx":
        pytest.importorskip("onnx")
    path = tmp_path / f"net.{kind}"
    write(net, path, kind, source, target)
    x = normal(1, 30, net.layers[0].n_in)
    x_dtype = y_dtype = net.dtype
    z = x.astype(net.dtype)
    if source:
        x, x_dtype = x * 2 + source.shift, "float64"
        z = ((x - source.shift) * source.factor).astype(net.dtype)
    y = net.predict(z)
    unit = 1.0
    if target and target.shift is not None:
        y = y.astype(float) * target.factor + target.shift
        y_dtype, unit = "float64", float(target.factor[0])
    found = RUN[kind](path, x, x_dtype, y_dtype, y.shape[1])
    size = max(unit, float(np.max(np.abs(y - (y.mean() if unit > 1 else 0)))))
    assert np.max(np.abs(found - y)) <= 1e-5 * size
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky_relu:0.2", "elu:0.5"])
def test_every_activation_answers_as_predict(tmp_path, kind, dtype, name):
    net = gpunet.mlp([5, 7, 4], name, output=name, loss="squared_error", dtype=dtype)
    compare(spoken(net), tmp_path, kind)


@pytest.mark.parametrize("kind", ["onnx", "c", "js", "py"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sigmoid", "silu", "gelu", "softplus", "elu", "tanh"])
def test_exported_activation_keeps_small_numbers(tmp_path, kind, dtype, name):
    net = gpunet.mlp([1, 1], output=name, loss="squared_error", dtype=dtype)
    net.params["0.W"][...] = 1.0
    z = wide_grid(dtype)[:, None]
    # float32 keeps e^z down to -87; gelu, whose exponent is a cube, to -6.
    z = z[np.abs(z[:, 0]) < (6 if name == "gelu" else 85)]
    path = tmp_path / f"net.{kind}"
    if kind == "onnx":
        pytest.importorskip("onnx")
    write(net, path, kind)
    more = {"batches": [(0, len(z))]} if kind == "onnx" else {}
    y = RUN[kind](path, z, dtype, dtype, 1, **more).astype(dtype)  # of js: doubles
    sign = np.where(z < 0, np.sign(net.predict(z)), 1)  # of silu, gelu, elu, tanh
    wanted = exact_sigmoid(z) if name == "sigmoid" else net.predict(z).astype(float)
    assert epsilons_off(y * sign.astype(dtype), wanted * sign) < 6


def test_exported_sigmoid_has_exact_limits(tmp_path):
    net = gpunet.mlp([1, 1], output="sigmoid", loss="squared_error")
    net.params["0.W"][...] = 1.0
    gpunet.export(net, tmp_path / "net.c")
    z = np.array([[-math.inf], [-1e4], [1e4], [math.inf], [math.nan]])
    y = run_c(tmp_path / "net.c", z, "float32", "float32", 1)[:, 0].tolist()
    assert y[:4] == [0, 0, 1, 1] and math.isnan(y[4])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["softmax_cross_entropy:0.1", "sigmoid_cross_entropy"])
def test_link_of_the_loss_and_dropout_are_those_of_predict(tmp_path, kind, loss):
    functions = ["leaky_relu:0.2", "leaky_relu:0.01", "leaky_relu:0.2"]
    net = gpunet.mlp([6, 9, 4, 8, 3], functions, loss=loss, dropout=0.5)
    compare(spoken(net), tmp_path, kind)


def test_programs_answer_the_classes_of_a_network(tmp_path):
    net = spoken(gpunet.mlp([4, 3], seed=2))
    x = normal(1, 20, 4).astype("float32")
    for classes in (None, ("no", "yes", "<b>"), (7, 8, 9)):
        net.classes = classes
        net.save(tmp_path / "net.safetensors")
        for model in (net, tmp_path / "net.safetensors"):
            gpunet.export(model, tmp_path / "net.js")
            gpunet.export(model, tmp_path / "net.py")
            expected = net.classify(x).tolist()
            assert answers_of_js(tmp_path / "net.js", x.tolist())[1] == expected
            assert load_py(tmp_path / "net.py").classify(x).tolist() == expected
    one = gpunet.mlp([4, 1], loss="sigmoid_cross_entropy")
    gpunet.export(one, tmp_path / "one.js")
    found = answers_of_js(tmp_path / "one.js", x.tolist())[1]
    assert found == one.classify(x).tolist() and len(set(found)) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaling_of_a_table_loses_nothing(tmp_path, kind, dtype):
    net = spoken(gpunet.mlp([4, 8, 3], dtype=dtype))
    compare(net, tmp_path, kind, *ports(4))
    net = gpunet.mlp([4, 8, 1], "tanh", loss="half_squared_error", dtype=dtype)
    compare(spoken(net), tmp_path, kind, *ports(4, numbers=True))


@pytest.mark.parametrize("kind", KINDS)
def test_wide_network_answers_as_predict(tmp_path, kind):
    compare(spoken(gpunet.mlp([784, 30, 10], "sigmoid")), tmp_path, kind)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_read_back_exactly(tmp_path, dtype):
    net = spoken(gpunet.mlp([6, 5, 2], dtype=dtype))
    W = np.asarray(net.params["0.W"])
    W[0, :5] = [1e-38, 3.4e38, -1 / 3, 1e-5, 123456789.0]
    gpunet.export(net, tmp_path / "net.json")
    layers = json.loads((tmp_path / "net.json").read_text())["layers"]
    assert np.array_equal(np.array(layers[0]["W"], dtype), W)
    gpunet.export(net, tmp_path / "net.c")
    text = (tmp_path / "net.c").read_text()
    numbers = re.search(r" W0\[30\] = \{(.*?)\};", text, re.S)[1]
    read = [np.dtype(dtype).type(v.strip().rstrip("f")) for v in numbers.split(",")]
    assert np.array_equal(np.array(read).reshape(6, 5), W)
    pytest.importorskip("onnx")
    gpunet.export(net, tmp_path / "net.onnx")
    import onnx

    constants = onnx.load(tmp_path / "net.onnx").graph.initializer
    found = {c.name: onnx.numpy_helper.to_array(c) for c in constants}
    assert np.array_equal(found["c0"], W) and found["c0"].dtype == W.dtype


def test_onnx_names_its_ports_and_passes_the_checker(tmp_path):
    onnx = pytest.importorskip("onnx")
    net = gpunet.mlp([4, 8, 3])
    write(net, tmp_path / "net.onnx", "onnx", *ports(4))
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties["outputs"] == "a\nb\n\u00e9" and 'in "0"' in properties["inputs"]
    assert model.producer_name == "gpunet" and model.ir_version == 8


def test_export_is_the_same_each_time(tmp_path):
    net = gpunet.mlp([4, 8, 3])
    for kind in KINDS:
        if kind == "onnx" and not find_spec("onnx"):
            continue
        for name in "ab":
            write(net, tmp_path / name, kind, *ports(4))
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_counterpart_is_refused_by_name(tmp_path, kind):
    square = gpunet.activation("square", lambda z: z * z, lambda z, a: 2 * z)
    own = gpunet.loss(
        "own", lambda y, t: ((y - t) ** 2).sum(-1), lambda y, t: 2 * (y - t)
    )
    nets = {
        "layer 0: Embedding cannot": gpunet.Network([Embedding(9, 2), Dense(4, 3)]),
        "custom activation 'square'": gpunet.Network([Dense(2, 2), Activation(square)]),
        "custom loss 'own'": gpunet.Network([Dense(2, 2)], own),
        "has no Dense layer": gpunet.Network([Activation("relu")], "squared_error"),
        "contains 3 networks; name one with `member`, 0 to 2": gpunet.mlp(
            [2, 2], population=3
        ),
    }
    for why, net in nets.items():
        with pytest.raises(ConfigError, match=re.escape(why)):
            gpunet.export(net, tmp_path / f"net.{kind}")
    assert not list(tmp_path.iterdir())
    crowd = gpunet.mlp([4, 5, 3], population=3)
    compare(crowd.member(1), tmp_path, kind)


class Doubled(Dense):
    """Whatever a derived class computes, an export does not know it."""


CUSTOM = {
    "layer 1: Doubled": Doubled(3, 3),
    "layer 1: Layer": gpunet.Layer(),
    "layer 1: Mine": type("Mine", (Activation,), {})("relu"),
    "layer 1: custom activation 'relu'": Activation(
        replace(gpunet.activation("relu"), value=lambda z: z)
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", CUSTOM)
def test_custom_parts_are_not_exported(tmp_path, kind, what):
    net = gpunet.Network([Dense(4, 3), CUSTOM[what], Dense(3, 2)])
    with pytest.raises(ConfigError, match=f"{what} cannot be exported"):
        gpunet.export(net, tmp_path / f"m.{kind}")
    loss = replace(gpunet.loss("hinge"), cost=lambda y, t: y[..., 0])
    with pytest.raises(ConfigError, match="custom loss 'hinge' cannot be exported"):
        gpunet.export(gpunet.Network([Dense(4, 3)], loss), tmp_path / f"m.{kind}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_not_finite_are_refused(tmp_path, kind):
    net = gpunet.mlp([2, 2])
    net.params["0.b"][1] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        gpunet.export(net, tmp_path / f"net.{kind}")
    with pytest.raises(WriteError):
        gpunet.export(gpunet.mlp([2, 2]), tmp_path / "no" / f"net.{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_weights_are_refused_and_the_old_file_stays(
    tmp_path, monkeypatch, kind
):
    net, path = gpunet.mlp([2, 2]), tmp_path / f"net.{kind}"
    assert graph._LARGEST < 2**31  # bytes, where protobuf ends
    monkeypatch.setattr(graph, "_LARGEST", 24)  # 6 numbers of 4 bytes
    gpunet.export(net, path)
    old = path.read_bytes()
    monkeypatch.setattr(graph, "_LARGEST", 23)
    with pytest.raises(ModelFileError, match="24 bytes of weights, more than"):
        gpunet.export(net, path)
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == [
        path.name
    ]


def test_onnx_that_is_absent_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r'pip install "gpunet\[onnx\]"'):
        gpunet.export(gpunet.mlp([2, 2]), tmp_path / "net.onnx")
