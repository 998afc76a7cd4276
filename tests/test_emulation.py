"""The emulation of CUDA and the compiler harness themselves."""

import numpy as np
import pytest
from emulation import build, compiler
from helpers import ROOT, run_python

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

SUMS = """
extern "C" __global__ void __launch_bounds__(256) sums(
    const float *x, float *out, int n, float scale) {
  __shared__ float part[8];
  DYNAMIC_SHARED(float, row);
  int k = threadIdx.x;
  row[k] = k < n ? x[blockIdx.x * n + k] : 0.0f;
  __syncthreads();
  float v = row[blockDim.x - 1 - k];
  for (int d = 16; d; d >>= 1) v += __shfl_xor_sync(~0u, v, d);
  if (k % 32 == 0) part[k / 32] = v;
  SYNC;
  if (k == 0) {
    float total = 0.0f;
    for (int w = 0; w < blockDim.x / 32; ++w) total += part[w];
    out[blockIdx.x] = scale * total;
  }
}
"""
ORDERS = ("forwards", "backwards", 7)


def run(source, order, block=128):
    x = np.arange(3 * 100, dtype=np.float32).reshape(3, 100)
    out = np.full(3, np.nan, np.float32)
    args = (x, out, np.int32(100), np.float32(2))
    kernel = build(source)["sums"]
    kernel((3,), (block,), args, shared_mem=4 * block, order=order)
    return out, 2 * x.sum(axis=1)


@pytest.mark.parametrize("order", ORDERS)
def test_kernel_with_barriers_and_shuffles_is_right_in_any_order(order):
    out, wanted = run(SUMS.replace("SYNC", "__syncthreads()"), order)
    assert np.array_equal(out, wanted)


def test_missing_barrier_shows_in_some_order():
    source = SUMS.replace("SYNC;", "")
    outs = [run(source, order) for order in ORDERS]
    assert not all(np.array_equal(out, wanted) for out, wanted in outs)


def test_barrier_that_some_threads_miss_aborts():
    source = SUMS.replace("SYNC;", "if (k < 64) __syncthreads();")
    code = f"from test_emulation import *\nrun({source!r}, 0)\n"
    done = run_python(code, path=[ROOT / "tests"])
    assert done.returncode == -6
    assert "waits for ever" in done.stderr


def test_arguments_of_another_type_are_refused():
    kernel = build(SUMS.replace("SYNC", "__syncthreads()"))["sums"]
    x, n, scale = np.zeros((1, 4), np.float32), np.int32(4), np.float32(1)
    for args in (
        (x.astype(np.float64), x, n, scale),
        (x[:, ::2], x, n, scale),
        (x, x, 4, scale),
        (x, x, n, 1.0),
        (x, x, np.int64(4), scale),
        (x, x, n),
    ):
        with pytest.raises(TypeError, match="argument"):
            kernel((1,), (32,), args)
    assert kernel.signature == ["pf", "pf", ".i", ".f"]


def test_a_block_beyond_what_gpus_take_is_refused():
    kernel = build(SUMS.replace("SYNC", "__syncthreads()"))["sums"]
    with pytest.raises(ValueError, match="no GPU takes"):
        kernel((1,), (2048,), (None, None, np.int32(1), np.float32(1)))


def test_code_that_does_not_compile_says_where():
    with pytest.raises(SyntaxError, match=r"kernel\.cu:1"):
        build('extern "C" __global__ void bad(float *x) { y[0] = 1; }')
