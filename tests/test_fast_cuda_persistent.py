"""The persistent CUDA engine trains as the loop does; kernels run in the emulation."""

import fake_cupy
import numpy as np
import pytest
from emulation import compiler
from helpers import error, normal
from tiny import carry, host, same, settings, table, timeless, trainer, write_set

import gpunet
from gpunet import SGD, Adam, Dataset, mlp
from gpunet.errors import Diverged
from gpunet.fast import cuda
from gpunet.fast.cuda.general.stepper import GeneralStepper
from gpunet.fast.cuda.persistent import stepper as persistent
from gpunet.fast.cuda.persistent.stepper import PersistentStepper
from gpunet.losses import Loss

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
SPAN = "gpunet_span"


@pytest.fixture
def fake(monkeypatch):
    return fake_cupy.install(monkeypatch)


def job(device, sizes=(7, 6, 3), *, data=None, optimizer=None, **changes):
    """Return a Trainer of a small network; `changes` are mlp's or the Trainer's."""
    kind = {"batch_size": 10, "epochs": 1} | changes
    of_net = ("activation", "loss", "population", "output", "weight_init")
    made = {name: kind.pop(name) for name in of_net if name in kind}
    net = mlp(list(sizes), **made, seed=kind.pop("seed", 3), device=device)
    kind.setdefault("engine", "loop" if device == "cpu" else "compiled")
    x, t = table(48, sizes[0], sizes[-1])
    data = (x.astype(np.float32), t) if data is None else data
    return trainer(net, data, optimizer=optimizer or SGD(0.1), **kind)


def trained(device, *args, **kind):
    """Return a network's weights, its optimizer's slots and its last record."""
    run = job(device, *args, **kind)
    run.run()
    slots = {n: run.net.backend.to_host(s) for n, s in run.optimizer.state.items()}
    return host(run.net) | slots, run.history.records[-1]


def check_equal(fake, *args, optimizer=None, **kind):
    """Compare an epoch of the engine with one of the loop on NumPy."""
    made = optimizer or (lambda: SGD(0.1))
    fake.launches.clear()
    got, record = trained("cuda", *args, optimizer=made(), **kind)
    assert set(fake.launches) == {SPAN}
    wanted, reference = trained("cpu", *args, optimizer=made(), **kind)
    assert got.keys() == wanted.keys()
    for name, p in wanted.items():
        assert error(got[name], p) < 1e-5, name
    for name in reference.keys() - {"seconds"}:
        assert record[name] == pytest.approx(reference[name], rel=2e-5), name


NETWORKS = {
    "one layer": ((5, 3), {}),
    "many inputs, sigmoid": ((301, 30, 10), {"activation": "sigmoid"}),
    "deep, tanh": ((7, 5, 9, 4, 3), {"activation": "tanh"}),
    "leaky": ((12, 33, 3), {"activation": "leaky_relu:-0.3"}),
    "wide output": ((41, 4, 40), {}),
    "squares": ((7, 6, 3), {"loss": "squared_error", "output": "sigmoid"}),
    "half squares": ((7, 6, 3), {"loss": "half_squared_error"}),
    "mean squares": ((7, 6, 3), {"loss": "mean_squared_error", "output": "tanh"}),
    "equal outputs": (
        (7, 6, 3),
        {
            "weight_init": 0.0,
            "batch_size": None,
            "data": (np.ones((47, 7), np.float32), np.arange(47) ** 2 % 3),
        },
    ),
    "smoothed": ((7, 6, 3), {"loss": "softmax_cross_entropy:0.1"}),
    "sigmoids": ((7, 6, 3), {"loss": "sigmoid_cross_entropy:0.2"}),
    "one sigmoid": ((7, 6, 1), {"loss": "sigmoid_cross_entropy"}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_as_by_the_loop(fake, name):
    sizes, kind = NETWORKS[name]
    if sizes[-1] == 1:
        x, t = table(48, sizes[0], 2)
        kind = kind | {"data": (x.astype(np.float32), t)}
    check_equal(fake, sizes, **kind)


RULES = {
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "nesterov": lambda: SGD(0.05, momentum=0.8, nesterov=True),
    "l2": lambda: SGD(0.1, l2=0.03),
    "momentum and l2": lambda: SGD(0.05, l2=0.03, momentum=0.5),
}


@pytest.mark.parametrize("name", RULES)
def test_optimizers_move_as_by_the_loop(fake, name):
    check_equal(fake, (21, 6, 5, 3), optimizer=RULES[name], epochs=2)


@pytest.mark.parametrize("batch", [1, 10, 32, 48])
@pytest.mark.parametrize("population", [None, 3])
def test_batches_and_populations_train_as_by_the_loop(fake, batch, population):
    kind = {"batch_size": batch, "population": population, "epochs": 1}
    check_equal(fake, (70, 12, 3), **kind)


def test_members_have_rates_momenta_and_penalties_of_their_own(fake):
    def rule():
        return SGD([0.1, 0.02, 0.3], momentum=[0.9, 0.0, 0.5], l2=[0.0, 0.1, 0.02])

    for shuffle in ("per_member", "shared", False):
        kind = {"population": 3, "shuffle": shuffle, "schedule": "cosine"}
        check_equal(fake, optimizer=rule, **kind)


def test_schedules_act_at_every_step(fake):
    check_equal(fake, schedule="one_cycle", epochs=2)


def pictures(n_in):
    """Return bytes that are to be multiplied with 1 / 255."""
    x, t = table(48, n_in, 3)
    pixels = np.clip(x * 50 + 100, 0, 255).astype(np.uint8)
    whole = Dataset(pixels, t, scale=1 / 255)
    return gpunet.Splits(whole, None, whole, 3, "bytes")


def test_bytes_stay_bytes_on_the_device(fake):
    run = job("cuda", (12, 6, 3), data=pictures(12))
    assert run.steppers[0].layout.spec.is_bytes and run.steppers[0]._x.dtype == np.uint8
    odd = job("cuda", (11, 6, 3), data=pictures(11))
    assert not odd.steppers[0].layout.spec.is_bytes
    for n_in in (12, 11, 16):
        check_equal(fake, (n_in, 6, 3), data=pictures(n_in))


def test_examples_have_weights_and_targets_of_their_own(fake):
    x, t = table(48, 7, 3)
    x, weight = x.astype(np.float32), 0.1 + np.arange(48) % 5
    check_equal(fake, data=Dataset(x, t, weight))
    check_equal(fake, data=Dataset(x, normal(5, 48, 3), weight), loss="squared_error")
    own = {"population": 2, "batch_size": 7, "loss": "half_squared_error"}
    check_equal(fake, data=Dataset(x, normal(5, 48, 3), weight), **own)


def test_untracked_training_moves_the_same(fake):
    check_equal(fake, compute_metrics=False)
    tracked, _ = trained("cuda")
    assert same(trained("cuda", compute_metrics=False)[0], tracked)


@pytest.mark.parametrize("order", [1, 7])
def test_no_barrier_is_missing(fake, order):
    kinds = [
        {"sizes": (300, 30, 10), "batch_size": 10},
        {"sizes": (40, 16, 16, 3), "batch_size": 32, "population": 2},
    ]
    for kind in kinds:
        rule = lambda: SGD(0.1, momentum=0.9, l2=0.01)  # noqa: E731
        fake.order = 0
        first = trained("cuda", kind.pop("sizes"), optimizer=rule(), **kind)
        fake.order = order
        sizes = (300, 30, 10) if kind["batch_size"] == 10 else (40, 16, 16, 3)
        assert same(first[0], trained("cuda", sizes, optimizer=rule(), **kind)[0])


def test_member_equals_the_network_alone_bit_for_bit(fake):
    kind = {"batch_size": 7, "epochs": 2, "schedule": "cosine"}
    rates, momenta = [0.1, 0.3], [0.9, 0.2]
    crowd, _ = trained(
        "cuda", optimizer=SGD(rates, momentum=momenta), population=2, **kind
    )
    for i in range(2):
        rule = SGD(rates[i], momentum=momenta[i])
        alone, _ = trained("cuda", optimizer=rule, seed=3 + i, **kind)
        assert same({n: p[i] for n, p in crowd.items()}, alone)


def test_spans_and_launches_of_any_length_are_one_run(fake, monkeypatch):
    whole, record = trained("cuda", optimizer=SGD(0.1, momentum=0.9))
    monkeypatch.setattr(persistent, "_MAX_STEPS", 2)
    fake.launches.clear()
    pieces, again = trained("cuda", optimizer=SGD(0.1, momentum=0.9))
    assert same(whole, pieces) and fake.launches == [SPAN] * 3
    for name in ("loss", "accuracy", "grad_norm"):
        assert record[name] == again[name]


def test_stop_between_launches_is_heeded(fake, monkeypatch):
    monkeypatch.setattr(persistent, "_MAX_STEPS", 2)
    run = job("cuda")
    part = run.steppers[0]
    part.batches.start_epoch(0)
    run.stop("enough")
    assert part.run(0, 0, 5, [1.0] * 5) == 2
    assert run.optimizer.n_steps == 2


def test_resumed_run_is_the_uninterrupted_one(fake, tmp_path):
    data = write_set(tmp_path / "data")
    config = settings(data, device="cuda", engine="compiled", optimizer="sgd")
    config |= {"momentum": 0.9, "schedule": "cosine"}
    net, *_ = carry(config, tmp_path / "whole")
    carry(config, tmp_path / "run", max_steps=7)
    resumed, *_ = carry(config, tmp_path / "run", resume="auto")
    assert set(fake.launches) == {SPAN} and same(host(net), host(resumed))
    records = [timeless(tmp_path / f / "history.jsonl") for f in ("whole", "run")]
    assert records[0] == records[1]


def too_large():
    """Return x whose products with weights of 2 are infinite, of both signs."""
    x, t = table(48, 7, 3)
    x[20:, :2] = 3e38, -3e38
    return x.astype(np.float32), t


@pytest.mark.parametrize(
    ("rate", "kind"),
    [
        (30.0, {"loss": "squared_error", "epochs": 3}),
        (0.001, {"data": too_large(), "weight_init": 2.0, "shuffle": False}),
    ],
)
def test_divergence_stops_at_the_step_of_the_loop(fake, rate, kind):
    said, stood = [], []
    for device in ("cpu", "cuda"):
        run = job(device, optimizer=SGD(rate), activation="relu", **kind)
        with np.errstate(all="ignore"), pytest.raises(Diverged) as caught:
            run.run()
        said.append(str(caught.value))
        stood.append((run.epoch, run.step_in_epoch, run.step, run.optimizer.n_steps))
        assert all(np.isfinite(p).all() for p in host(run.net).values())
    assert said[0] == said[1] and stood[0] == stood[1]
    assert "not finite" in said[0] and stood[0][2] > 0


def test_member_that_diverges_leaves_the_others_alone(fake):
    kind = {"loss": "squared_error", "activation": "relu", "epochs": 3}
    run = job("cuda", optimizer=SGD([0.01, 30.0, 0.02]), population=3, **kind)
    with np.errstate(all="ignore"):
        run.run()
    assert run.active == [True, False, True]
    for i, rate in ((0, 0.01), (2, 0.02)):
        alone, _ = trained("cuda", optimizer=SGD(rate), seed=3 + i, **kind)
        assert same({n: p[i] for n, p in host(run.net).items()}, alone)
    assert np.isfinite(host(run.net)["0.W"]).all()


def own_loss():
    return Loss("squared_error", lambda y, t: (y - t)[..., 0], lambda y, t: y * 0 + 1)


@pytest.mark.parametrize(
    ("net", "rule", "hooks", "why"),
    [
        ({}, SGD(0.1), [print], "must see every gradient"),
        ({"dtype": "float64"}, SGD(0.1), [], "float32, and the network is float64"),
        ({}, Adam(), [], "optimizer Adam is not SGD"),
        ({}, SGD(0.1, clip_norm=1.0, l1=0.1), [], "no kernel for l1, clip_norm"),
        ({}, SGD(0.1, frozen=["0"]), [], "no kernel for frozen"),
        ({"activation": "gelu"}, SGD(0.1), [], "no kernel for the activation gelu"),
        ({"dropout": 0.5}, SGD(0.1), [], "no kernel for Dropout"),
        ({"loss": "hinge"}, SGD(0.1), [], "no kernel for the loss hinge"),
        ({"loss": own_loss()}, SGD(0.1), [], "no kernel for the loss squared_error"),
        ({"sizes": [784, 512, 10]}, SGD(0.1), [], "407,050 weights and what trains"),
    ],
)
def test_what_it_cannot_train_is_refused_with_the_reason(fake, net, rule, hooks, why):
    net = mlp(**{"sizes": [4, 3, 2], "device": "cuda"} | net)
    assert why in persistent.why_unsupported(net, rule, hooks)


def test_what_it_refuses_goes_to_the_general_engine(fake):
    many = np.zeros((2000, 7), np.float32), np.arange(2000) % 3
    for kind in ({"optimizer": Adam()}, {"data": many, "batch_size": 2000}):
        assert type(job("cuda", **kind).steppers[0]) is GeneralStepper
    assert type(job("cuda").steppers[0]) is PersistentStepper
    assert type(job("cuda", engine="auto").steppers[0]) is PersistentStepper
    net = mlp([4, 3, 2], device="cuda")
    assert not cuda.why_unsupported(net, Adam(), [])
