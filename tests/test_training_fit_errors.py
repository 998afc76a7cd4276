"""`fit` refuses settings and data that cannot work, in one sentence."""

import numpy as np
import pytest
from tiny import host, same, table

import gpunet
from gpunet import SGD, EarlyStopping, mlp
from gpunet.errors import ConfigError, DataError, GpunetError

X, T = table()


def net_of(**more):
    return mlp([4, 6, 3], "tanh", dtype="float64", **more)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"epochs": 0}, "epochs: must be a whole number >= 1, got 0"),
        ({"epochs": 2.0}, "epochs: must be a whole number"),
        ({"epochs": True}, "epochs: must be a whole number"),
        ({"epochs": None}, "epochs: must be a whole number"),
        ({"batch_size": 0}, "batch_size: must be a whole number >= 1, got 0"),
        ({"batch_size": -1}, "batch_size: must be a whole number"),
        ({"max_steps": 0}, "max_steps: must be a whole number"),
        (
            {"shuffle": "random"},
            "shuffle: 'random': choose from 'per_member', 'shared'",
        ),
        ({"callbacks": None}, "callbacks: must be a list, got None; leave it out"),
        ({"optimizer": SGD}, r"optimizer: SGD is a class; use SGD\(\)"),
        ({"optimizer": "sgdd"}, "no such optimizer"),
        (
            {"optimizer": SGD(0.1), "learning_rate": 0.5},
            r"learning_rate: the optimizer is an object .* SGD\(learning_rate=0.5\)",
        ),
        ({"learning_rate": -1.0}, "Adam: learning_rate: expected a number above 0"),
        ({"learning_rate": "0.1"}, "Adam: learning_rate: expected a number above 0"),
        (
            {"learning_rate": [0.1, 0.2]},
            "got 2 values for 1 network; give one, or make a population",
        ),
        ({"schedule": "linear"}, "no such schedule"),
        ({"early_stopping": 3}, "no validation data to judge by"),
        ({"early_stopping": 0, "validation": 0.2}, "patience must be at least 1"),
        ({"early_stopping": True, "validation": 0.2}, "True is no count"),
        ({"validation": 0}, "split"),
        ({"validation": 1.5}, "split"),
        ({"validation": True}, "must be a Dataset, Splits or"),
        ({"validation": "half"}, "must be a Dataset, Splits or"),
        ({"class_weight": [1.0, 2.0]}, "class weights must be"),
        ({"optimizer": SGD(layer_rates={"9": 2.0})}, "no such layer"),
        ({"optimizer": SGD([0.1, 0.2])}, "got 2 values for 1 network"),
    ],
)
def test_fit_refuses_settings_that_cannot_work(options, why):
    net = net_of()
    before = host(net)
    with pytest.raises(ConfigError, match=why):
        gpunet.fit(net, (X, T), **options)
    assert same(host(net), before)


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        ((X, np.append(T[:-1], 3)), DataError, "label 47 is 3, outside 0..2"),
        ((X, np.append(T[:-1], -1)), DataError, "is -1, outside 0..2"),
        ((X, T[:-1]), DataError, "48 rows of features and 47 labels"),
        ((X * np.nan, T), DataError, "row 0, column 0 is nan"),
        ((X * 1e39, T), DataError, "float32"),
        ((X[:, :3], T), ConfigError, "expects rows of 4 features"),
        ((X.reshape(48, 2, 2), T), ConfigError, "flatten it first"),
        ((X, X), ConfigError, "3 outputs, targets have shape"),
        ((X, np.zeros(48)), DataError, "only class 0"),
        ((X[:0], T[:0]), DataError, "shape"),
        ((X,), ConfigError, r"must be a Dataset, Splits or \(x, t\)"),
        (X, ConfigError, "got ndarray"),
        ((X, T, -np.ones(48)), DataError, "weight 0 is -1"),
        ((X, T, np.ones(47)), DataError, "shape"),
    ],
)
def test_fit_refuses_data_that_cannot_be_learned(data, kind, why):
    net = mlp([4, 6, 3], "tanh")
    before = host(net)
    with pytest.raises(kind, match=why):
        gpunet.fit(net, data, epochs=1)
    assert same(host(net), before)


def test_fit_refuses_arguments_in_another_order():
    net = net_of()
    with pytest.raises(TypeError, match=r"the data are one argument: .*\(x, t\)\)"):
        gpunet.fit(net, X, T)
    for other in ((X, T), "mnist", 5):
        with pytest.raises(ConfigError, match=r"net: must be a gpunet\.Network, got"):
            gpunet.fit(other, (X, T))
        with pytest.raises(ConfigError, match=r"net: must be a gpunet\.Network, got"):
            gpunet.evaluate(other, (X, T))


def test_fit_refuses_class_weights_without_classes():
    line = mlp([4, 1], loss="squared_error")
    with pytest.raises(ConfigError, match="not labels"):
        gpunet.fit(line, (X, X[:, 0]), class_weight="balanced")


def test_fit_refuses_a_comparator_with_a_sentence():
    net = mlp([4, 6, 3], "comparator")
    with pytest.raises(ConfigError, match="use sigmoid or leaky_relu"):
        gpunet.fit(net, (X, T))


@pytest.mark.parametrize(
    "options", [{"patience": "3"}, {"min_delta": -1.0}, {"min_delta": "x"}]
)
def test_early_stopping_refuses_what_is_no_number(options):
    with pytest.raises(GpunetError, match="early stopping"):
        EarlyStopping(**options)
