"""What the compiled engine on the CPU does not support, and what it says of itself."""

import re

import pytest
from test_fast_cpu import job
from tiny import table, trainer

import gpunet
from gpunet import SGD, Activation, Adam, Dense, Dropout, Network
from gpunet.errors import ConfigError
from gpunet.fast.cpu import compiler, stepper
from gpunet.losses import get_loss

pytest.importorskip("numba")


def odd(name, cost=lambda y, t: ((y - t) ** 2).sum(-1)):
    return get_loss(name, cost, lambda y, t: 2 * (y - t))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"optimizer": gpunet.RMSProp()}, "optimizer RMSProp is neither SGD nor Adam"),
        ({"optimizer": SGD(l1=0.1)}, "l1 is supported by the loop alone"),
        ({"optimizer": SGD(clip_norm=1.0)}, "clip_norm is supported by the loop alone"),
        ({"optimizer": SGD(max_norm=1.0)}, "max_norm is supported"),
        ({"optimizer": SGD(layer_rates={"0": 2.0})}, "layer_rates is supported"),
        ({"optimizer": SGD(frozen=["0"])}, "frozen is supported"),
        ({"optimizer": Adam(eps=0.0)}, "eps is 0"),
        ({"activation": "gelu"}, "activation gelu is not one of identity, relu"),
        ({"loss": "hinge"}, "loss hinge is not one of softmax_cross_entropy"),
        ({"loss": odd("squared_error")}, "loss squared_error is not one of"),
    ],
)
def test_what_it_does_not_know_is_refused_with_the_reason(change, why):
    with pytest.raises(ConfigError, match=f"engine: compiled: {why}"):
        job("compiled", table(), **change)
    assert why in job("auto", table(), **change).engine.note


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([Dropout(0.1), Dense(4, 3)], "the first layer is Dropout, not Dense"),
        ([Dense(4, 3), Dropout(0.1)], "Dropout on the outputs"),
        ([Dense(4, 3), Activation("relu"), Activation("tanh")], "layer 2, Activation"),
        ([Dense(4, 3), Activation("leaky_relu:0")], "has no slope below 0"),
    ],
)
def test_rows_of_layers_it_does_not_know_are_refused(layers, why):
    with pytest.raises(ConfigError, match=why):
        trainer(Network(layers), table(), epochs=1, batch_size=8, engine="compiled")


def test_kernels_compile_where_no_folder_keeps_them(monkeypatch):
    import numba

    asked, njit = [], numba.njit

    def without_folder(**settings):
        asked.append(settings.pop("cache", False))
        if asked[-1]:
            raise RuntimeError("no locator available")  # numba's words
        return njit(**settings)

    monkeypatch.setattr(numba, "njit", without_folder)
    found = compiler._compiled.__wrapped__(lambda x: x + 1)
    assert asked == [True, False] and callable(found)


def test_long_compilation_is_told_and_a_short_one_is_not(monkeypatch):
    job("compiled", table())  # whatever is to be compiled
    assert job("compiled", table()).engine.note == ""
    monkeypatch.setattr(stepper, "_LONG", 0.0)
    assert re.fullmatch(r"compiled in \d+\.\d s", job("compiled", table()).engine.note)


def test_without_numba_the_reason_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"numba is not installed; .*gpunet\[fast\]"):
        job("compiled", table())
