"""The general CUDA engine: its kernels against the lesson, its steps against the loop.

Everything runs through the stand-in of CuPy and the emulation of CUDA: what is
proven here is arithmetic, indexing and glue; a GPU's own speed and races are not.
"""

from pathlib import Path

import fake_cupy
import numpy as np
import nvrtc
import pytest
from emulation import build, compiler
from helpers import epsilons_off, error, exact_sigmoid, normal, wide_grid
from tiny import carry, host, left_behind, same, settings, table, trainer, write_set

import gpunet
from gpunet.errors import ConfigError, DataError, Diverged
from gpunet.fast.cuda import lowering
from gpunet.fast.cuda.general import stepper as general
from gpunet.fast.cuda.lowering import ACTIVATIONS
from gpunet.layers import Activation, Dense, Dropout, Flatten
from gpunet.random import DropoutDraws
from gpunet.training.callbacks import Callback
from gpunet.training.steppers import LoopStepper

TEXT = (Path(general.__file__).parent / "general.cu").read_text("utf-8")
emulated = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
ORDERS = ("forwards", "backwards", 5)
f32, i32 = np.float32, np.int32


def kernel(name, real="float", pixel="float", half=0):
    options = (f"-Dreal={real}", f"-Dpixel={pixel}", f"-DHALF={half}")
    return build(TEXT, options)[name]


@pytest.fixture(autouse=True)
def general_engine(monkeypatch):
    """Small networks too: a more special engine may be what CUDA takes for them."""
    monkeypatch.setattr("gpunet.fast.cuda.make_steppers", general.make_steppers)


# What each kernel may take on sm_90, as NVRTC 13 reports it, with room for others.
REGISTERS = {
    **{"gather": 40, "dropout": 64, "bias_activation": 48, "pullback": 80},
    **{"loss_slope": 80, "momentum_step": 48, "adam_step": 48, "narrow_weights": 40},
}


@pytest.mark.skipif(nvrtc.library() is None, reason="nvidia-cuda-nvrtc is absent")
@pytest.mark.parametrize("arch", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize(
    ("real", "pixel", "half"),
    [("float", "float", 0), ("float", "unsigned char", 1), ("double", "double", 0)],
)
def test_text_compiles_for_every_gpu_without_spilling(arch, real, pixel, half):
    options = (f"-Dreal={real}", f"-Dpixel={pixel}", f"-DHALF={half}")
    made = nvrtc.compile(TEXT, arch, options)
    assert made.cubin[:4] == b"\x7fELF" and "warning" not in made.log
    assert made.usage.keys() == REGISTERS.keys()
    for name, used in made.usage.items():
        assert used.spills == 0 and used.stack == 0, (name, used)
        assert used.registers <= REGISTERS[name] * (1 + (real == "double")), name
        assert used.shared < 16384


@emulated
@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("real", ["float", "double"])
def test_activation_kernels_are_the_lessons(kind, real):
    dtype = {"float": np.float32, "double": np.float64}[real]
    batch, n, members = 7, 19, 2
    z = (3 * normal(1, members, batch, n)).astype(dtype)
    b, da = normal(2, members, n).astype(dtype), normal(3, *z.shape).astype(dtype)
    f = gpunet.activation(kind)
    alpha = dtype(float(f.name.partition(":")[2] or 0))
    code = i32(ACTIVATIONS.index(kind))
    wanted_z = z + b[:, None, :]
    wanted = f.value(wanted_z)
    tight = {"float": 2e-6, "double": 1e-14}[real]
    for order in ORDERS:
        kept, a = z.copy(), np.empty_like(z)
        sizes = (i32(members * batch), i32(batch), i32(n))
        args = (kept, b, a, None, None, *sizes, code, alpha, dtype(1))
        kernel("bias_activation", real, real)((3,), (64,), args, order=order)
        assert error(kept, wanted_z) < 1e-7 and error(a, wanted) < tight
        dz, sums = da.copy(), np.ones((members, n), dtype)
        args = (dz, kept, a, None, dz, None, sums, i32(batch), i32(n), code, alpha)
        args += (dtype(1), dtype(1), dtype(-0.5))
        kernel("pullback", real, real)((2, members), (16, 32), args, order=order)
        slope = f.backward(wanted_z, wanted, da)
        assert error(dz, slope) < 4 * tight
        assert error(sums, 1 - 0.5 * slope.sum(axis=1)) < 10 * tight


@emulated
@pytest.mark.parametrize("real", ["float", "double"])
def test_sigmoid_of_the_kernels_keeps_small_numbers(real):
    dtype = {"float": np.float32, "double": np.float64}[real]
    ends = np.array([-np.inf, -1e4, 1e4, np.inf], dtype)
    z = np.append(wide_grid(dtype), ends)[:, None]
    b, sizes = np.zeros(1, dtype), (i32(len(z)), i32(len(z)), i32(1))
    code = i32(ACTIVATIONS.index("sigmoid"))
    a = np.empty_like(z)
    args = (z.copy(), b, a, None, None, *sizes, code, dtype(0), dtype(1))
    kernel("bias_activation", real, real)((64,), (64,), args)
    assert epsilons_off(a, exact_sigmoid(z)) < 4
    assert a[-4:, 0].tolist() == [0, 0, 1, 1]


@emulated
def test_activation_kernels_pass_not_a_number_on():
    for kind in ACTIVATIONS:
        z, b = np.full((1, 2), np.nan, f32), np.zeros(2, f32)
        sizes = (i32(1), i32(1), i32(2), i32(ACTIVATIONS.index(kind)))
        args = (z, b, z, None, None, *sizes, f32(0.1), f32(1))
        kernel("bias_activation")((1,), (32,), args)
        assert np.isnan(z).all(), kind


@emulated
def test_bias_gradient_does_not_read_what_was_there():
    da, sums = np.ones((40, 3), f32), np.full(3, np.nan, f32)
    args = (da, da, da, None, da, None, sums, i32(40), i32(3), i32(0))
    kernel("pullback")((1, 1), (16, 32), (*args, f32(0), f32(1), f32(0), f32(0.5)))
    assert sums.tolist() == [20.0] * 3


@emulated
@pytest.mark.parametrize("drawn", [0, 3, 40])
def test_dropout_masks_are_those_of_the_loop(drawn):
    bk, n, rate = gpunet.open_backend("cpu"), 45, 0.3
    draws = DropoutDraws(bk, (5, 6), 2).at(4, 9)
    draws.uniform((1, drawn))
    wanted = draws.uniform((1, n))[:, 0] >= f32(rate)
    mask = np.full((2, n), 7, np.uint8)
    args = (np.stack(draws.keys), mask, i32(n), np.int64(drawn))
    args += (np.int64(4), np.int64(9), f32(rate))
    kernel("dropout")((2, 2), (4,), args)
    assert np.array_equal(mask[:, : 8 * 7 - drawn % 8], wanted[:, : 8 * 7 - drawn % 8])


LOSSES = [
    ("softmax_cross_entropy", True),
    ("softmax_cross_entropy:0.1", True),
    ("softmax_cross_entropy:0.1", False),
    ("sigmoid_cross_entropy", True),
    ("sigmoid_cross_entropy:0.2", False),
    ("squared_error", True),
    ("half_squared_error", False),
    ("mean_squared_error", False),
]


@emulated
@pytest.mark.parametrize(("name", "labelled"), LOSSES)
@pytest.mark.parametrize("n", [3, 10, 37])
def test_loss_kernel_is_the_lessons(name, labelled, n):
    loss, batch, first, stride = gpunet.loss(name), 9, 4, 20
    y, b = (2 * normal(1, 2, batch, n)).astype(f32), normal(2, 2, n).astype(f32)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n, (2, stride))
    targets = rng.random((2, stride, n)).astype(f32)
    weight = rng.random((2, stride)).astype(f32)
    z = y + b[:, None] if loss.on_logits else y
    part = np.s_[:, first : first + batch]
    t, w = (labels if labelled else targets)[part], weight[part]
    kind = lowering.LOSSES.index(lowering.loss_kind(loss))
    smoothing = 0.0 if loss.square_factor else loss.parameter
    factor = lowering.square_factor(gpunet.mlp([2, n], loss=loss))
    scales = np.array([0.5, 2.0], f32)
    for order in ORDERS:
        dy, costs = np.empty_like(y), np.empty((2, batch), f32)
        hits, tickets = np.empty((2, batch), i32), np.zeros(2, np.uint32)
        total, right = np.ones(2, f32), np.ones(2, np.int64)
        args = (y, b if loss.on_logits else None)
        args += (labels, None) if labelled else (None, targets)
        args += (weight, dy, None, costs, hits, tickets, total)
        args += (right if labelled else None, i32(batch), i32(n), i32(stride))
        args += (
            i32(first),
            i32(kind),
            f32(smoothing),
            f32(factor),
            f32(9),
            scales,
        )
        kernel("loss_slope")((3, 2), (128,), args, order=order)
        scale = scales[:, None, None] / batch
        assert error(dy, scale * batch * loss.slope(z, t, w)) < 2e-6
        assert error(total, 1 + loss.value(z, t, w) * batch) < 1e-6
        assert not tickets.any()
        if labelled:
            assert (right == 1 + (z.argmax(-1) == t).sum(-1)).all()


@emulated
def test_loss_of_impossible_logits_is_bounded_as_in_the_lesson():
    loss, y = gpunet.loss("softmax_cross_entropy"), np.array([[-np.inf, 2.0, 1.0]], f32)
    for label in (0, 1):
        t, dy, total = np.array([label]), np.empty_like(y), np.zeros(1, f32)
        args = (y, None, t, None, None, dy, None, np.empty(1, f32), np.empty(1, i32))
        args += (np.zeros(1, np.uint32), total, None, i32(1), i32(3), i32(0), i32(0))
        args += (i32(0), f32(0), f32(0), f32(1), None)
        kernel("loss_slope")((1, 1), (128,), args)
        assert error(dy, loss.slope(y, t)) < 1e-6
        assert error(total, loss.value(y, t)[None]) < 1e-6


@emulated
def test_half_precision_is_rounded_as_by_numpy():
    x = np.array([[0.1, 70000.0, 1e-8, -3.3333]], f32)
    out, index = np.empty((1, 4), np.float16), np.zeros(1, np.int64)
    args = (x, index, out, i32(4), i32(0), i32(0), f32(0.5))
    kernel("gather", half=1)((1, 1), (32,), args)
    with np.errstate(over="ignore"):
        assert np.array_equal(out, (x * f32(0.5)).astype(np.float16))


# ---- the engine against the loop ---------------------------------------------


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


class Watch(Callback):
    """Counts what happens inside spans, at their ends and at epochs' ends."""

    every_steps = 0

    def __init__(self, fake):
        self.fake, self.marks = fake, []

    def on_span(self, trainer):
        self.marks.append((trainer.step, self.fake.copies_to_host))


@emulated
@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_nothing_comes_to_the_host_inside_a_span(monkeypatch, engine, optimizer):
    fake = fake_cupy.install(monkeypatch)
    watch, counted = Watch(fake), []
    stepper = LoopStepper if engine == "loop" else general.GeneralStepper
    true = stepper.run

    def run(self, *args):
        before = fake.copies_to_host
        done = true(self, *args)
        counted.append(fake.copies_to_host - before)
        return done

    monkeypatch.setattr(stepper, "run", run)
    net = maker(dropout=0.2)("cuda")
    gpunet.fit(
        net,
        table(480),
        epochs=2,
        batch_size=4,
        optimizer=OPTIMIZERS[optimizer](),
        schedule="cosine",
        engine=engine,
        callbacks=[watch],
    )
    assert counted and not any(counted)
    # At a span's end one table of flags, at an epoch's the three sums.
    spans, epochs = len(watch.marks), 2
    assert fake.copies_to_host <= spans + 3 * epochs + len(net.params)


@emulated
def test_a_step_allocates_nothing_and_launches_little(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    net = maker(sizes=(4, 8, 8, 3), dropout=0)("cuda")
    job = trainer(net, table(), epochs=1, batch_size=10, optimizer=gpunet.SGD(0.1))
    part = job.steppers[0]
    part.batches.start_epoch(0)
    part.batches.load_chunk(0, 4)
    part._updates.refresh()
    before, fake.launches[:] = fake.allocations, []
    part._step(0, 0, 1.0, False)
    assert fake.allocations == before
    # 3 forward products, 2 to the left, 3 to the weights; gather, 2 activations,
    # the loss and 3 pullbacks.
    assert fake.launches.count("gemm") == 8 and len(fake.launches) == 15
    assert job.engine.name == "cuda"


@emulated
def test_divergence_is_found_at_its_step_and_undone(monkeypatch):
    x, t = table()
    x[17, 0] = 1e30
    lines = {}
    for device in ("cpu", "cuda"):
        make = maker(sizes=(4, 6, 3), activation="relu")
        with pytest.raises(Diverged) as caught:
            train(monkeypatch, device, make, (x, t), optimizer=lambda: gpunet.SGD(1e9))
        lines[device] = str(caught.value)
    assert lines["cuda"] == lines["cpu"]
    assert "step" in lines["cpu"]


# ---- what it does not take ---------------------------------------------------


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


# ---- what surrounds it -------------------------------------------------------


@emulated
def test_labels_out_of_range_never_reach_the_device(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    x, t = table()
    for wrong in (3, -1):
        t[5] = wrong
        net = maker()("cuda")
        fake.launches.clear()
        with pytest.raises(DataError, match=f"label.*{wrong}|{wrong}.*label"):
            gpunet.fit(net, (x, t), epochs=1)
        assert fake.launches == []


@emulated
@pytest.mark.parametrize(("first", "second"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_checkpoint_of_one_device_opens_on_the_other(
    tmp_path, monkeypatch, first, second
):
    fake_cupy.install(monkeypatch)
    data, out = write_set(tmp_path / "data"), tmp_path / "run"
    carry(settings(data, device=first), out, max_steps=7)
    before = left_behind(out)[0]
    net, _, _, _ = carry(
        settings(data, device=second),
        out,
        resume="auto",
        max_steps=7,
        given={"device"},
    )
    assert net.backend.name.startswith(second)
    after = left_behind(out)[0]
    kept = [name for name in before if name.startswith("checkpoint ")]
    assert kept and all(np.array_equal(before[n], after[n]) for n in kept)
    carry(settings(data, device=second), out, resume="auto", given={"device"})
