"""Configurations: checked key by key, and enough to repeat a run exactly."""

import argparse
import json
from dataclasses import fields

import numpy as np
import pytest
from tiny import carry, settings, write_set

from gpunet.activations import ACTIVATIONS
from gpunet.cli.options.train import add_arguments
from gpunet.errors import ConfigError, GpunetError
from gpunet.layers import Dropout
from gpunet.optimizers import OPTIMIZERS
from gpunet.runs.config import (
    check_config,
    complete,
    data_from_config,
    network_from_config,
    optimizer_from_config,
    settings_from_config,
)
from gpunet.runs.presets import DEFAULTS, TRAINING, preset
from gpunet.training.settings import Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


def test_missing_settings_are_the_defaults():
    assert check_config({}) == DEFAULTS and check_config({}) is not DEFAULTS
    assert check_config({"epochs": 3}) == {**DEFAULTS, "epochs": 3}
    assert check_config(json.loads(json.dumps(DEFAULTS))) == DEFAULTS


def test_settings_of_fit_are_settings_of_a_configuration_and_options():
    left_out = {"optimizer", "learning_rate", "validation", "callbacks", "max_steps"}
    assert set(TRAINING) == {item.name for item in fields(Settings)} - left_out
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = {action.dest for action in parser._actions}
    assert options >= {*TRAINING, *left_out - {"callbacks"}}
    for name in TRAINING:
        changed = {"shuffle": False, "epochs": 3}.get(name, DEFAULTS[name])
        settings = settings_from_config({**DEFAULTS, name: changed})
        assert getattr(settings, name) == changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"order": "own"}, {"shuffle": "per_member"}),
        ({"order": "none"}, {"shuffle": False}),
        ({"order": "shared", "order_seed": 5}, {"shuffle": "shared"}),
        ({"track": False}, {"compute_metrics": False}),
    ],
)
def test_keys_of_older_files_mean_what_they_did(old, new):
    config = check_config(old)
    assert new.items() <= config.items() and config.keys() == DEFAULTS.keys()
    assert config["shuffle_seed"] == old.get("order_seed")
    with pytest.raises(ConfigError, match=r"old name of .*, which is set too"):
        check_config(old | new)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("validation", [0, 0.2, "nielsen"]),
        ("activation", ["relu", ["relu", "tanh"]]),
        ("weights", [None, "he_normal", 0, 0.5]),
        ("biases", ["zeros", 0.1]),
        ("learning_rate", [1, 0.5, [0.1, 0.2]]),
        ("max_norm", [None, 3, 0.5]),
        ("early_stopping", [None, 5, "auto"]),
        ("class_weight", [None, "balanced", [1.0, 2.0]]),
        ("batch_size", [None, 10]),
        ("population", [None, 3]),
        ("seed", [0, [1, 2]]),
        ("dropout", [0, 0.5]),
        ("hidden", [None, [], [8, 4]]),
        ("loss", [None, "huber:0.5"]),
        ("test_size", [0, 10, 0.25]),
    ],
)
def test_settings_take_every_kind_they_should(key, values):
    for value in values:
        assert check_config({key: value})[key] == value


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"epoch": 3}, "'epoch': no such setting; did you mean epochs"),
        ({"x" * 999: 3}, "no such setting"),
        ({"epochs": "3"}, "epochs: must be int, got '3'"),
        ({"epochs": 3.0}, "epochs: must be int, got 3.0"),
        ({"epochs": True}, "epochs: must be int, got True"),
        ({"epochs": None}, "epochs: must be int, got None"),
        ({"nesterov": 1}, "nesterov: must be bool, got 1"),
        ({"learning_rate": "0.1"}, "learning_rate: must be int or float or list"),
        ({"learning_rate": None}, "learning_rate: must be int"),
        ({"dropout": False}, "dropout: must be int or float, got False"),
        ({"batch_size": 1.5}, "batch_size: must be int or null, got 1.5"),
        ({"sizes": "16-3"}, "sizes: must be list"),
        ({"seed": True}, "seed: must be int or list"),
        ({"layer_rates": []}, "layer_rates: must be dict"),
        ([1], "must be a JSON object, got list"),
        ("epochs", "must be a JSON object, got str"),
        (None, "must be a JSON object, got NoneType"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused(config, why):
    with pytest.raises(ConfigError, match=f"here: .*{why}"):
        check_config(config, "here")


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": [16]},
        {"sizes": [16, 0, 3]},
        {"sizes": [16, "8", 3]},
        {"sizes": [16, 10**30, 3]},
        {"activation": "reluu"},
        {"activation": [1]},
        {"output": "comparator"},
        {"loss": "mse"},
        {"output": "softmax"},
        {"weights": "large"},
        {"dropout": 1.0},
        {"dropout": float("nan")},
        {"optimizer": "newton"},
        {"optimizer": "adam", "momentum": 0.9},
        {"optimizer": "sgd", "momentum": 1.0},
        {"learning_rate": float("inf")},
        {"learning_rate": [0.1, 0.2]},
        {"learning_rate": ["a"]},
        {"layer_rates": {"0": "fast"}},
        {"layer_rates": {"0": float("nan")}},
        {"layer_rates": {"0": -1.0}},
        {"layer_rates": {"9": 1.0}},
        {"frozen": [3]},
        {"schedule": "linear"},
        {"population": 0},
        {"population": 2, "seed": [1]},
        {"seed": -1},
        {"seed": 2**128},
        {"shuffle": "random"},
        {"init": "random"},
        {"dtype": "float16"},
        {"device": "gpu"},
        {"epochs": 0},
        {"batch_size": -1},
        {"early_stopping": 0},
        {"early_stopping": "10"},
        {"clip_norm": 0.0},
        {"max_norm": -1.0},
    ],
)
def test_settings_that_cannot_work_leave_no_folder(data, tmp_path, changes):
    out = tmp_path / "out"
    with pytest.raises(GpunetError) as caught:
        carry(settings(data, **changes), out)
    assert caught.value.exit_code == 2 and not out.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"validation": 60},
        {"validation": -5},
        {"validation": 1.5},
        {"validation": "half"},
        {"validation": "nielsen"},
        {"class_weight": [1.0]},
        {"class_weight": "even"},
        {"validation": 0, "early_stopping": 3},
        {"data": "../mnist", "data_dir": None},
        {"sizes": [15, 3]},
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(data, tmp_path, changes):
    config = settings(data) | changes
    with pytest.raises(GpunetError) as caught:
        carry(config, tmp_path / "out")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"target": None},
        {"missing": [1]},
        {"drop": [None]},
        {"task": "guess"},
        {"impute": "mode"},
        {"unknown": "guess"},
        {"test": "test.txt"},
        {"test_size": -0.5},
        {"validation": "nielsen"},
        {"data": "mnist"},
        {"hidden": [0]},
        {"hidden": ["8"]},
        {"hidden": [10**30]},
        {"loss": "mse"},
    ],
)
def test_settings_of_a_table_that_cannot_work_leave_no_folder(tmp_path, changes):
    config = preset("table") | {"data": "x.csv", "target": "y", "device": "cpu"}
    out = tmp_path / "out"
    with pytest.raises(GpunetError) as caught:
        carry(config | changes, out)
    assert caught.value.exit_code == 2 and not out.exists()


def test_network_is_the_one_described():
    config = settings("x", sizes=[16, 8, 5, 3], activation=["tanh", "relu"])
    config |= {"dropout": 0.25, "dtype": "float64", "seed": 7, "population": 2}
    config |= {"biases": 0.5, "loss": "half_squared_error", "output": "sigmoid"}
    net = network_from_config(config)
    names = [getattr(layer, "function", type(layer).__name__) for layer in net.layers]
    wanted = ["Dense", "tanh", "Dropout", "Dense", "relu", "Dropout"]
    assert names == [*wanted, "Dense", "sigmoid"] and net.layers[2] == Dropout(0.25)
    assert (net.dtype, net.seeds, net.population) == ("float64", (7, 8), 2)
    assert net.loss.name == "half_squared_error"
    assert np.all(net.params["0.b"] == 0.5) and net.params["3.W"].shape == (2, 8, 5)
    assert len(ACTIVATIONS) > 5  # and any of them may be named
    for name in ACTIVATIONS:
        network_from_config(settings("x", activation=name))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_takes_its_settings(name):
    config = settings("x", optimizer=name, learning_rate=0.25, l2=0.5, clip_norm=2.0)
    config |= {"frozen": ["0"], "layer_rates": {"2": 3.0}, "max_norm": 4.0, "l1": 0.1}
    made = optimizer_from_config(config)
    assert type(made) is OPTIMIZERS[name]
    for key in ("learning_rate", "l2", "l1", "clip_norm", "max_norm", "layer_rates"):
        assert getattr(made, key) == config[key]
    assert made.frozen == ["0"]
    if name == "sgd":
        made = optimizer_from_config(config | {"momentum": 0.5, "nesterov": True})
        assert (made.momentum, made.nesterov) == (0.5, True)


def test_early_stopping_auto_needs_rows_to_judge_by(data):
    for validation, patience in ((20, 10), (19, None), (0, None)):
        config = settings(data, validation=validation, early_stopping="auto")
        made = complete(config, data_from_config(config))
        assert made["early_stopping"] == patience
    given = settings(data, validation=3, early_stopping=4)
    assert complete(given, data_from_config(given))["early_stopping"] == 4
    assert complete(config)["early_stopping"] == "auto"  # not known yet


def test_validation_part_does_not_depend_on_the_seed(data):
    a, b = (data_from_config(settings(data, seed=seed)) for seed in (0, 5))
    assert len(a.train) == 48 and len(a.validation) == 12 and len(a.test) == 30
    assert np.array_equal(a.validation.x, b.validation.x)
    assert np.bincount(a.validation.t).tolist() == [4, 4, 4]
    assert data_from_config(settings(data, validation=0)).validation is None
    assert len(data_from_config(settings(data, validation=0.1)).validation) == 6
