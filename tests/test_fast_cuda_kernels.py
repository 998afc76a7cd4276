"""The kernels of the general CUDA engine against the formulas of `gpunet.layers`.

They run in the emulation of CUDA: what is proven is arithmetic and indexing; a GPU's
own speed and races are not.
"""

from pathlib import Path

import numpy as np
import nvrtc
import pytest
from emulation import build, compiler
from helpers import epsilons_off, error, exact_sigmoid, normal, wide_grid

import gpunet
from gpunet.fast.cuda import lowering
from gpunet.fast.cuda.general import stepper
from gpunet.fast.cuda.lowering import ACTIVATIONS
from gpunet.random import DropoutDraws

TEXT = (Path(stepper.__file__).parent / "general.cu").read_text("utf-8")
emulated = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
ORDERS = ("forwards", "backwards", 5)
f32, i32 = np.float32, np.int32


def kernel(name, real="float", pixel="float", half=0):
    options = (f"-Dreal={real}", f"-Dpixel={pixel}", f"-DHALF={half}")
    return build(TEXT, options)[name]


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
