"""Builders: which layers a list of sizes becomes."""

import numpy as np
import pytest

from gpunet import Activation, Dense, Dropout, activation, mlp
from gpunet.errors import ConfigError


def test_mlp_puts_activations_between_dense_layers():
    net = mlp([5, 4, 3, 2], "tanh")
    assert net.layers == (
        Dense(5, 4, "lecun_normal"),
        Activation("tanh"),
        Dense(4, 3, "lecun_normal"),
        Activation("tanh"),
        Dense(3, 2, "lecun_normal"),
    )
    assert net.loss.name == "softmax_cross_entropy" and net.population is None
    assert net.dtype == "float32" and net.seeds == (0,)


def test_mlp_of_784_16_16_10_has_13002_parameters():
    assert mlp([784, 16, 16, 10]).n_parameters == 13_002


def test_mlp_start_follows_the_activation():
    wanted = {
        "relu": "he_normal",
        "leaky_relu:0.2": "he_normal",
        "elu": "he_normal",
        "gelu": "he_normal",
        "silu": "he_normal",
        "sigmoid": "lecun_normal",
        "tanh": "lecun_normal",
        activation("relu"): "he_normal",
    }
    for name, start in wanted.items():
        net = mlp([3, 4, 2], name)
        assert [net.layers[0].weight_init, net.layers[2].weight_init] == [
            start,
            "lecun_normal",
        ]
    given = mlp([3, 4, 2], weight_init="glorot_uniform", bias_init=0.5)
    assert given.layers[0] == Dense(3, 4, "glorot_uniform", 0.5)
    assert given.layers[2] == Dense(4, 2, "glorot_uniform", 0.5)
    assert np.all(given.params["2.b"] == 0.5)


def test_mlp_takes_an_activation_for_each_layer():
    net = mlp([2, 3, 4, 1], ["tanh", "relu"], output="sigmoid", loss="squared_error")
    kinds = [layer.function for layer in net.layers if isinstance(layer, Activation)]
    assert kinds == ["tanh", "relu", "sigmoid"]
    assert [net.layers[i].weight_init for i in (0, 2, 4)] == [
        "lecun_normal",
        "he_normal",
        "lecun_normal",
    ]
    assert mlp([2, 2], []).layers == (Dense(2, 2),)


def test_mlp_drops_out_after_hidden_activations_alone():
    net = mlp([4, 3, 3, 2], dropout=0.25)
    kinds = [type(layer) for layer in net.layers]
    assert kinds == [Dense, Activation, Dropout, Dense, Activation, Dropout, Dense]
    assert net.layers[2] == Dropout(0.25)
    assert [type(layer) for layer in mlp([4, 2], dropout=0.5).layers] == [Dense]


def test_mlp_hands_the_rest_to_the_network():
    net = mlp([3, 2], population=2, seed=7, dtype="float64", device="cpu")
    assert net.seeds == (7, 8) and net.params["0.W"].shape == (2, 3, 2)
    assert net.params["0.W"].dtype == np.float64


@pytest.mark.parametrize(
    ("sizes", "options", "why"),
    [
        ([], {}, r"expected two or more layers, got \[\]"),
        ([3], {}, r"expected two or more layers, got \[3\]"),
        ([3, 0], {}, "n_out: expected a whole number from 1"),
        ([3, 2.5], {}, "n_out: expected a whole number"),
        ([3, True], {}, "n_out: expected a whole number"),
        ([3, 4, 2], {"activation": []}, r"expected 1 \(one for each hidden layer\)"),
        ([3, 4, 2], {"activation": ["relu", "tanh"]}, "got 2"),
        ([3, 4, 2], {"activation": "rleu"}, "no such activation"),
        ([3, 4, 2], {"dropout": 1.0}, "Dropout: rate"),
        ([3, 4, 2], {"weight_init": "he"}, "no such initializer"),
        ([3, 4, 2], {"output": "softmax"}, "works on logits"),
        ([3, 4, 2], {"loss": "mse"}, "no such loss"),
    ],
)
def test_mlp_refuses_what_cannot_work(sizes, options, why):
    with pytest.raises(ConfigError, match=why):
        mlp(sizes, **options)


def test_mlp_takes_whole_numbers_of_numpy():
    layer = mlp([np.int64(3), np.array([0, 1]).max() + 1]).layers[0]
    assert (layer.n_in, layer.n_out) == (3, 2) and type(layer.n_out) is int


def test_members_start_from_their_own_seeds_or_from_the_first():
    apart, alike = (
        mlp([3, 2], population=3, seed=[4, 1, 2], init=init)
        for init in ("per_member", "shared")
    )
    assert apart.seeds == alike.seeds == (4, 1, 2)
    starts = [mlp([3, 2], seed=seed).params["0.W"] for seed in (4, 1, 2)]
    assert np.array_equal(apart.params["0.W"], starts)
    assert np.array_equal(alike.params["0.W"], [starts[0]] * 3)
    assert np.array_equal(mlp([3, 2], seed=4, init="shared").params["0.W"], starts[0])
    with pytest.raises(ConfigError, match="init: 'same': choose from per_member, sha"):
        mlp([3, 2], init="same")
