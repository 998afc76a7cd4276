"""The problems of networks that learn numbers: targets far from 0, and the rate."""

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet import fit, mlp
from gpunet.errors import GpunetWarning
from gpunet.training import History


def faults(net, x, y, history=None):
    return [problem.fault for problem in gpunet.diagnose(net, (x, y), history).problems]


def losses(*values):
    return History([{"epoch": k, "loss": v} for k, v in enumerate(values, 1)])


def test_unscaled_targets_are_no_rate_that_is_too_high():
    x = normal(3, 200, 2)
    y = 100 + x[:, :1]
    net = mlp([2, 8, 1], loss="half_squared_error", seed=0)
    with pytest.warns(GpunetWarning, match="; unscaled targets: the targets have a"):
        history = fit(net, (x, y), epochs=40)
    assert faults(net, x, y, history) == ["unscaled targets", "learning rate too low"]
    line = mlp([2, 1], loss="half_squared_error", weight_init=np.array([[1.0], [0]]))
    line.params["0.b"][...] = 100  # one that learned them all the same is sound
    assert faults(line, x, y) == []


def test_slow_fall_of_a_regression_is_a_rate_that_is_too_low():
    x = normal(3, 200, 2)
    net = mlp([2, 8, 1], loss="half_squared_error", seed=0)
    y = 0.1 * x[:, :1]  # guessing costs far less than the start
    assert faults(net, x, y, losses(1.0, 0.95, 0.9)) == ["learning rate too low"]
    assert faults(net, x, y, losses(1.0, 0.3, 0.1)) == ["learning rate too high"]
