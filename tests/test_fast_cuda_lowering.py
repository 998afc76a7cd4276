"""What the CUDA engines do not support, with the reason."""

import fake_cupy
import pytest
from tiny import table

import gpunet
from gpunet.errors import ConfigError
from gpunet.fast.cuda.general import stepper as general
from gpunet.layers import Activation, Dense, Dropout, Flatten


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([Dropout(0.1), Dense(3, 2)], "the first layer is Dropout"),
        ([Dense(3, 3), Activation("softmax"), Dense(3, 2)], "softmax"),
        ([Dense(3, 2), Flatten((2,))], "Flatten"),
        ([Dense(3, 2), Dropout(0.1), Activation("relu")], "layer 2, Activation"),
        ([Dense(3, 2), Dropout(0.1), Dropout(0.1)], "layer 2, Dropout"),
        ([Dense(3, 2), Activation("relu"), Activation("tanh")], "layer 2, Act"),
    ],
)
def test_other_rows_of_layers_are_refused(layers, why):
    reason = general.why_unsupported(gpunet.Network(layers), gpunet.SGD(), ())
    assert why in reason


def test_own_functions_and_losses_are_refused():
    cube = gpunet.activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    net = gpunet.Network([Dense(2, 2), Activation(cube)])
    assert "cube" in general.why_unsupported(net, gpunet.SGD(), ())
    mine = gpunet.loss(
        "squared_error",
        lambda y, t: ((y - t) ** 2).sum(-1) * 3,
        lambda y, t: 6.0 * (y - t),
    )
    net = gpunet.mlp([2, 2], loss=mine)
    assert "squared_error" in general.why_unsupported(net, gpunet.SGD(), ())
    net = gpunet.mlp([2, 2], loss="huber")
    assert "huber" in general.why_unsupported(net, gpunet.SGD(), ())
    assert "gradient" in general.why_unsupported(net, gpunet.SGD(), [print])


@pytest.mark.parametrize(
    ("device", "engine", "dtype", "why"),
    [
        ("cpu", "auto", "float32", "precision: tf32: .*use float32"),
        ("cuda", "loop", "float32", "the loop computes in the network's dtype"),
        ("cuda", "auto", "float64", "none for a float64 network"),
    ],
)
def test_precision_without_such_an_engine_is_refused(
    monkeypatch, device, engine, dtype, why
):
    fake_cupy.install(monkeypatch)
    net = gpunet.mlp([4, 3], device=device, dtype=dtype)
    with pytest.raises(ConfigError, match=why):
        gpunet.fit(net, table(), precision="tf32", engine=engine)


def test_unknown_precision_is_refused():
    with pytest.raises(ConfigError, match="'int8': choose from float32, tf32, float16"):
        gpunet.fit(gpunet.mlp([4, 3]), table(), precision="int8")
