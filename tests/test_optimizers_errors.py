"""Optimizers refuse numbers that cannot work, and what does not fit a network."""

from math import inf, nan

import pytest
from optimizer_steps import tensors

from gpunet import SGD, Adam, AdamW, RMSProp, optimizer
from gpunet.backend import open_backend
from gpunet.errors import ConfigError
from gpunet.optimizers import OPTIMIZERS

CPU = open_backend("cpu")


def test_optimizer_refuses_unknown_names():
    with pytest.raises(ConfigError, match="'lion': no such optimizer; choose from"):
        optimizer("lion")
    with pytest.raises(ConfigError, match="sgd: no setting 'lr'; choose from learning"):
        optimizer("sgd", lr=0.1)
    with pytest.raises(ConfigError, match="adam: no setting 'momentum'"):
        optimizer("adam", momentum=0.5)


NOT_A_RATE = (-1, nan, inf, -inf, 10**400, "1e-3", [0.1, nan])


NOT_A_PART = (*NOT_A_RATE, 1, 1.5)


@pytest.mark.parametrize("value", NOT_A_RATE, ids=lambda v: f"{v!s:.9}")
@pytest.mark.parametrize("what", ["learning_rate", "l2", "l1", "max_norm", "clip_norm"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizer_refuses_numbers_out_of_range(kind, what, value):
    with pytest.raises(ConfigError, match=rf"{what}: expected a number .*, got"):
        optimizer(kind, **{what: value})


@pytest.mark.parametrize("what", ["learning_rate", "l2", "momentum"])
def test_optimizer_refuses_no_number(what):
    with pytest.raises(ConfigError, match=rf"{what}: expected a number .*, got None"):
        optimizer("sgd", **{what: None})


@pytest.mark.parametrize("value", NOT_A_PART, ids=lambda v: f"{v!s:.9}")
def test_optimizer_refuses_parts_out_of_range(value):
    for kind, what in (
        *((SGD, "momentum"), (RMSProp, "decay"), (Adam, "beta1"), (AdamW, "beta2")),
    ):
        with pytest.raises(ConfigError, match=rf"{what}: .* and below 1, got"):
            kind(**{what: value})


def test_optimizer_takes_the_edges_of_its_ranges():
    for own in (SGD(1e30), SGD(l2=0, l1=0, momentum=0), Adam(eps=0, beta1=0.0)):
        own.start(tensors()[0], CPU)


def test_layer_rates_out_of_range_are_refused():
    for rate in (-1.0, nan, inf, "x"):
        with pytest.raises(ConfigError, match="layer_rates"):
            SGD(layer_rates={"0": rate})


def test_start_refuses_what_does_not_fit_the_network():
    params, _ = tensors()
    for own in (SGD(frozen=["1"]), SGD(layer_rates={"2.c": 1.0})):
        with pytest.raises(ConfigError, match=r"no such layer or tensor; .* 0\.W,"):
            own.start(params, CPU)
    for own, population in ((SGD([0.1, 0.2]), None), (SGD(l2=[0.1, 0.2]), 3)):
        with pytest.raises(ConfigError, match="got 2 values for"):
            own.start(params, CPU, population)
    SGD([0.1]).start(params, CPU)
