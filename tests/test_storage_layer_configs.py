"""Layers as configurations in files, there and back; hostile ones."""

import numpy as np
import pytest

from gpunet import Activation, Dense, Dropout, Embedding, Flatten, activation
from gpunet.errors import ConfigError
from gpunet.layers import LAYERS
from gpunet.storage.layers import layer_from_config, layer_to_config

ROW = [
    Dense(2, 3, "he_uniform", 0.5),
    Activation("leaky_relu:0.2"),
    Dropout(0.25),
    Flatten((4, 5)),
    Embedding(6, 7, "glorot_normal"),
]


@pytest.mark.parametrize("layer", ROW, ids=lambda layer: type(layer).__name__)
def test_layer_comes_back_from_its_config(layer):
    config = layer_to_config(layer)
    assert config["layer"] == type(layer).__name__ and type(layer) is LAYERS.get(
        config["layer"]
    )
    assert layer_from_config(config) == layer
    assert config["layer"] == type(layer).__name__  # the dict is not used up


def test_config_of_given_values_keeps_their_place_alone():
    config = layer_to_config(Dense(2, 3, np.ones((2, 3)), np.ones(3)))
    assert config == {
        **{"layer": "Dense", "n_in": 2, "n_out": 3},
        **{"weights": "zeros", "biases": "zeros"},
    }


def test_config_of_an_own_function_needs_that_function():
    own = activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    config = layer_to_config(Activation(own))
    assert config == {"layer": "Activation", "function": "cube"}
    assert layer_from_config(config, {"cube": own}) == Activation(own)
    with pytest.raises(ConfigError, match="no such activation"):
        layer_from_config(config)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"layer": "Conv"},
        {"layer": "__class__"},
        {"layer": None},
        {"layer": []},
        {"layer": {}},
        {"layer": "Dense"},
        {"layer": "Dense", "n_in": 2},
        {"layer": "Dense", "n_in": 2, "n_out": 3, "extra": 1},
        {"layer": "Dense", "n_in": "2", "n_out": 3},
        {"layer": "Dense", "n_in": 2, "n_out": 3, "weights": "os.system"},
        {"layer": "Activation", "function": []},
        {"layer": "Activation", "function": "relu", "_f": 1},
        {"layer": "Dropout", "rate": "x"},
        {"layer": "Dropout", "rate": None},
        {"layer": "Flatten", "shape": ["a"]},
    ],
)
def test_hostile_configs_are_refused(config):
    with pytest.raises(ConfigError):
        layer_from_config(config)
