"""The general CUDA engine trains as the loop does.

Everything runs through the stand-in of CuPy and the emulation of CUDA: what is
proven here is arithmetic, indexing and glue; a GPU's own speed and races are not.
"""

import fake_cupy
import numpy as np
import pytest
from emulation import compiler
from helpers import error, normal
from tiny import host, same, table

import gpunet
from gpunet.fast.cuda.general import stepper as general
from gpunet.fast.cuda.lowering import ACTIVATIONS

emulated = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")


@pytest.fixture(autouse=True)
def general_engine(monkeypatch):
    """Small networks too: a more special engine may be what CUDA takes for them."""
    monkeypatch.setattr("gpunet.fast.cuda.make_steppers", general.make_steppers)


def train(monkeypatch, device, make, data, **settings):
    """Train one network; return it, its history and the stand-in."""
    fake = fake_cupy.install(monkeypatch) if device == "cuda" else None
    net = make(device)
    engine = "compiled" if device == "cuda" else "loop"
    settings = {"epochs": 2, "batch_size": 10, "engine": engine} | settings
    settings["optimizer"] = settings["optimizer"]()
    return net, gpunet.fit(net, data, **settings), fake


def compare(monkeypatch, make, data, tolerance=1e-4, **settings):
    wanted, history, _ = train(monkeypatch, "cpu", make, data, **settings)
    net, mine, fake = train(monkeypatch, "cuda", make, data, **settings)
    found = host(net)
    for name, p in host(wanted).items():
        assert error(found[name], p) < tolerance, name
    for column in ("loss", "accuracy", "grad_norm"):
        if column in history.last:
            a, b = np.array(mine[column], float), np.array(history[column], float)
            assert np.allclose(a, b, rtol=20 * tolerance), column
    return net, fake


def maker(sizes=(4, 8, 7, 3), activation="tanh", **own):
    return lambda device: gpunet.mlp(
        list(sizes), activation, **({"seed": 1} | own), device=device
    )


OPTIMIZERS = {
    "sgd": lambda: gpunet.SGD(0.1),
    "sgd l2": lambda: gpunet.SGD(0.1, l2=0.01),
    "sgd rates": lambda: gpunet.SGD(0.1, layer_rates={"0": 0.5, "3.b": 2.0}),
    "sgd frozen": lambda: gpunet.SGD(0.1, frozen=("3", "6.b")),
    "sgd l1": lambda: gpunet.SGD(0.1, l1=0.01),
    "clipped": lambda: gpunet.SGD(0.1, clip_norm=0.3),
    "shortened": lambda: gpunet.SGD(0.1, max_norm=0.7),
    "momentum": lambda: gpunet.SGD(0.05, momentum=0.9, l2=0.01),
    "nesterov": lambda: gpunet.SGD(0.05, momentum=0.9, nesterov=True, l1=0.001),
    "adam": lambda: gpunet.Adam(0.003, eps=1e-3, l2=0.01, layer_rates={"0": 0.5}),
    "adamw": lambda: gpunet.optimizer("adamw", eps=1e-1, frozen=("0.W",)),
    "rmsprop": lambda: gpunet.optimizer("rmsprop", eps=1e-3),
}


@emulated
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("population", [None, 3])
def test_engine_trains_as_the_loop_does(monkeypatch, optimizer, population):
    make = maker(population=population, dropout=0.2)
    compare(monkeypatch, make, table(), optimizer=OPTIMIZERS[optimizer])


@emulated
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_every_activation_trains(monkeypatch, kind):
    make = maker(activation=kind, dropout=0.3)
    compare(monkeypatch, make, table(), optimizer=OPTIMIZERS["sgd"])


@emulated
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("sigmoid", "half_squared_error"),
        ("identity", "sigmoid_cross_entropy"),
        ("silu", "mean_squared_error"),
    ],
)
def test_every_loss_trains(monkeypatch, output, loss):
    make = maker(output=output, loss=loss)
    compare(monkeypatch, make, table(), optimizer=OPTIMIZERS["sgd"])


@emulated
def test_single_output_counts_its_hits(monkeypatch):
    x, t = table(n_out=2)
    make = maker(sizes=(4, 5, 1), loss="sigmoid_cross_entropy")
    compare(monkeypatch, make, (x, t), optimizer=OPTIMIZERS["sgd"])


@emulated
@pytest.mark.parametrize("shuffle", ["per_member", "shared", False])
@pytest.mark.parametrize("optimizer", ["each", "adam each", "momentum"])
def test_members_have_their_own_rates_orders_and_factors(
    monkeypatch, shuffle, optimizer
):
    given = {
        "each": lambda: gpunet.SGD([0.01, 0.1, 0.3]),
        "adam each": lambda: gpunet.Adam([0.001, 0.01, 0.03], eps=1e-3),
        "momentum": lambda: gpunet.SGD(0.1, momentum=[0.0, 0.5, 0.9]),
    }[optimizer]
    x, t = table()
    weights = np.random.default_rng(0).random(len(t))
    compare(
        monkeypatch,
        maker(population=3),
        gpunet.Dataset(x, t, weights),
        optimizer=given,
        shuffle=shuffle,
        schedule="cosine",
    )


@emulated
def test_float64_and_schedules_agree_to_the_last_digits(monkeypatch):
    make = maker(dtype="float64")
    settings = {"optimizer": OPTIMIZERS["sgd l2"], "schedule": "one_cycle"}
    compare(monkeypatch, make, table(), 1e-11, **settings)


def bytes_of_pictures():
    rng = np.random.default_rng(1)
    x, t = rng.integers(0, 256, (48, 6)).astype(np.uint8), np.arange(48) % 3
    part = gpunet.Dataset(x, t, scale=1 / 255)
    return gpunet.Splits(part, part, part, 3, "bytes")


@emulated
def test_bytes_stay_bytes_on_the_device(monkeypatch):
    fake_cupy.install(monkeypatch)
    seen, true = [], fake_cupy._RawKernel.__call__

    def call(self, grid, block, args, **more):
        if self._kernel.name == "gather":
            seen.append(args[0].dtype)
        return true(self, grid, block, args, **more)

    monkeypatch.setattr(fake_cupy._RawKernel, "__call__", call)
    make = maker(sizes=(6, 5, 3))
    compare(monkeypatch, make, bytes_of_pictures(), optimizer=OPTIMIZERS["sgd"])
    assert set(seen) == {np.dtype("uint8")}


@emulated
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "clipped"])
@pytest.mark.parametrize("precision", ["tf32", "float16"])
def test_low_precision_is_near_and_not_the_same(monkeypatch, precision, optimizer):
    make, given = maker(dropout=0.2), OPTIMIZERS[optimizer]
    wanted, _, _ = train(monkeypatch, "cpu", make, table(), optimizer=given)
    more = {"optimizer": given, "precision": precision}
    net, _, _ = train(monkeypatch, "cuda", make, table(), **more)
    apart = [error(host(net)[name], p) for name, p in host(wanted).items()]
    assert 1e-6 < max(apart) < 1e-2


@emulated
def test_small_slopes_live_in_half_precision(monkeypatch):
    # 2e-8 and less is 0 in half precision; scaled by 128 it is not.
    x, t = 1e-6 * normal(0, 20, 4), np.arange(20) % 3
    make = maker(sizes=(4, 3), weight_init="zeros", loss="half_squared_error")
    nets = {}
    for scale in (1.0, general.LOSS_SCALE):
        monkeypatch.setattr(general, "LOSS_SCALE", scale)
        targets = 2e-8 * np.eye(3)[t]
        more = {"optimizer": OPTIMIZERS["sgd"], "precision": "float16", "epochs": 1}
        net, _, _ = train(monkeypatch, "cuda", make, (x, targets), **more)
        nets[scale] = host(net)["0.b"]
    wanted, _, _ = train(
        monkeypatch, "cpu", make, (x, targets), optimizer=OPTIMIZERS["sgd"], epochs=1
    )
    assert error(nets[128.0], host(wanted)["0.b"]) < 1e-5


@emulated
def test_runs_are_equal_bit_for_bit_in_any_order_of_threads(monkeypatch):
    nets = []
    for order in (0, 1, 9):
        fake = fake_cupy.install(monkeypatch)
        fake.order = order
        net = maker(dropout=0.2)("cuda")
        gpunet.fit(net, table(), epochs=2, batch_size=10, optimizer="adam")
        nets.append(host(net))
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])
