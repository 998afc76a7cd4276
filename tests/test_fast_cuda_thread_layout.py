"""How a small network is shared by a block, and what compilers make of it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import nvrtc
import pytest
from emulation import build, compiler
from helpers import epsilons_off, exact_sigmoid, wide_grid

from gpunet.fast.cuda.persistent.source import source
from gpunet.fast.cuda.persistent.thread_layout import KernelSpec, thread_layouts

# Shared memory a block may have, in bytes, by the CUDA programming guide.
SHARED = dict(zip(nvrtc.ARCHITECTURES, (64, 163, 227, 227, 99), strict=True))
SHARED = {arch: k << 10 for arch, k in SHARED.items()}


def spec(*widths, hidden="sigmoid", **more):
    """Return what is trained: hidden layers of one kind, a softmax at the end."""
    kinds = [(hidden, 0.01)] * (len(widths) - 2) + [("identity", 0.0)]
    return KernelSpec(widths, tuple(kinds), **more)


NAMED = {
    "784-30-10": spec(784, 30, 10),
    "784-30-10 of bytes": spec(784, 30, 10, is_bytes=True),
    "784-30-10 with all rules": spec(
        784, 30, 10, is_bytes=True, momentum=True, nesterov=True, l2=True, weighted=True
    ),
    "784-16-16-10": spec(784, 16, 16, 10, hidden="relu", batch=32, is_bytes=True),
    "784-20-10 on-line": spec(784, 20, 10, hidden="tanh", batch=1),
    "784-10": spec(784, 10),
    "4-8-3": spec(4, 8, 3, hidden="leaky_relu"),
    "2-3-1": spec(
        2,
        3,
        1,
        batch=4,
        loss="sigmoid_cross_entropy",
        labels=False,
        accuracy="threshold",
    ),
}
# What 64 and 99 KB of shared memory do not hold: the general engine trains it.
TOO_LARGE = {
    ("784-30-10", "sm_75"),
    ("784-30-10 with all rules", "sm_75"),
    ("784-30-10 with all rules", "sm_120"),
    ("784-16-16-10", "sm_75"),
    ("784-16-16-10", "sm_120"),
}


PROBE = """
extern "C" __global__ void probe(float *z, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) z[i] = sigmoid(z[i]);
}
"""


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_sigmoid_keeps_small_numbers():
    z = np.append(wide_grid("float32"), np.float32([-np.inf, -1e4, 1e4, np.inf]))
    text = source(thread_layouts(NAMED["4-8-3"], SHARED["sm_90"])[0]) + PROBE
    a = z.copy()
    build(text)["probe"]((64,), (64,), (a, np.int32(len(a))))
    assert epsilons_off(a, exact_sigmoid(z)) < 4
    assert a[-4:].tolist() == [0, 0, 1, 1]


@pytest.mark.skipif(nvrtc.library() is None, reason="no NVRTC")
@pytest.mark.parametrize("arch", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize("name", NAMED)
def test_kernel_fits_registers_and_shared_memory(name, arch):
    known = thread_layouts(NAMED[name], SHARED[arch])
    assert bool(known) != ((name, arch) in TOO_LARGE)
    for layout in known[:1]:
        made = nvrtc.compile(source(layout), arch)
        assert "warning" not in made.log
        usage = made.usage["gpunet_span"]
        assert (usage.spills, usage.stack, usage.shared) == (0, 0, 0)
        assert usage.registers <= layout.register_limit
        assert usage.registers * layout.threads <= 65536
        assert layout.shared_bytes <= SHARED[arch]


@pytest.mark.parametrize("name", NAMED)
def test_every_plan_covers_all_weights_once(name):
    one = NAMED[name]
    n_in, n_1 = one.widths[:2]
    layouts = thread_layouts(one, SHARED["sm_90"])
    assert layouts
    for layout in layouts:
        seen = set()
        for slot in range(layout.slots):
            for k in range(layout.fours):
                first = 4 * (k * layout.slots + slot)
                seen |= set(range(first, first + 4))
            for k in range(layout.singles):
                seen.add(4 * layout.fours * layout.slots + k * layout.slots + slot)
        assert seen.issuperset(range(n_in)) and max(seen) < layout.x_stride
        assert 4 * layout.fours * layout.slots <= n_in
        assert layout.lanes_out * layout.outs >= n_1


def test_arrays_of_shared_memory_do_not_overlap():
    layouts = thread_layouts(NAMED["784-30-10 with all rules"], SHARED["sm_90"])
    assert layouts
    for layout in layouts:
        starts = []
        for name, place in layout.shared_memory.items():
            if name not in ("ZEROED", "ALL"):
                starts += place if isinstance(place, list) else [place]
        assert all(at % 4 == 0 for at in starts)
        assert all(a <= b for a, b in pairwise(starts))
        assert max(starts) <= layout.shared_memory["ALL"] == layout.shared_bytes // 4


def test_counts_are_those_of_the_arithmetic():
    best = thread_layouts(NAMED["784-30-10 of bytes"], SHARED["sm_90"])[0]
    assert (best.lanes_out, best.outs, best.tile) == (8, 4, 10)
    # 784 inputs, 32 neurons' room, 10 examples, forward and update; 128 a clock
    assert best.counts.products == 784 * 32 * 10 * 2 / 128
    # a lane reads 784 / slots inputs of 10 examples twice; 32 lanes x 4 bytes a clock
    assert best.counts.reads == 784 / best.slots * best.threads / 32 * 10 * 2
    assert best.counts.clocks < 6500


def test_networks_too_large_for_one_multiprocessor_have_no_plan():
    assert thread_layouts(spec(784, 64, 10, is_bytes=True), SHARED["sm_90"])
    assert not thread_layouts(spec(784, 100, 10, is_bytes=True), SHARED["sm_90"])
    assert not thread_layouts(replace(NAMED["784-30-10"], batch=100), SHARED["sm_90"])


def test_text_says_what_is_trained():
    text = source(thread_layouts(NAMED["784-30-10 with all rules"], SHARED["sm_90"])[0])
    assert "WIDTH[] = {784, 30, 10};" in text and "ACT[] = {SIGMOID, IDENTITY};" in text
    assert "#define HAS_MOMENTUM 1" in text and "float *vb1" in text
    assert "float *vb1" not in source(
        thread_layouts(NAMED["784-30-10"], SHARED["sm_90"])[0]
    )
