"""A step as a CUDA graph: recorded on the stand-in, replayed, equal to the loop's."""

import ctypes
import subprocess
from types import SimpleNamespace

import fake_cupy
import numpy as np
import pytest
from emulation import compiler
from helpers import error, normal
from test_fast_cuda_general import OPTIMIZERS, compare, general_engine, maker, train
from tiny import carry, host, left_behind, same, settings, table, write_set

import gpunet
from gpunet.errors import DeviceError, Diverged
from gpunet.fast.cuda.general import graph
from gpunet.fast.cuda.general.products import Products

REAL = graph.Cublas
assert general_engine  # a fixture that runs for every test here, too
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    """Ask for graphs, and let the stand-in be our own handle of cuBLAS."""
    monkeypatch.setenv("GPUNET_CUDA_GRAPH", "1")

    def cublas(cupy):
        own = cupy.cuda.cublas
        names = {n: getattr(own, n) for n in ("gemmEx", "gemmStridedBatchedEx")}
        return SimpleNamespace(handle=1, use=lambda stream: None, **names)

    monkeypatch.setattr(graph, "Cublas", cublas)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("population", [None, 3])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_graph_trains_as_the_loop_does(monkeypatch, optimizer, population, schedule):
    make = maker(population=population, dropout=0.2)
    own = {"optimizer": OPTIMIZERS[optimizer], "schedule": schedule}
    _, fake = compare(monkeypatch, make, table(), **own)
    recorded = optimizer not in ("clipped", "shortened", "rmsprop")
    assert fake.graphs == int(recorded)


def test_members_with_their_own_rates_keep_to_launches(monkeypatch):
    rates = {"optimizer": lambda: gpunet.SGD([0.1, 0.2]), "order": "shared"}
    _, fake = compare(monkeypatch, maker(population=2), table(), **rates)
    assert fake.graphs == 0


def test_shared_order_and_weights_lie_where_the_graph_reads_them(monkeypatch):
    x, t = table()
    data = gpunet.Dataset(x, t, 0.5 + t / 2)
    for order in ("own", "shared"):
        own = {"optimizer": OPTIMIZERS["momentum"], "order": order}
        _, fake = compare(monkeypatch, maker(population=3), data, **own)
        assert fake.graphs == 1


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_where_spans_end_does_not_show(tmp_path, optimizer, precision, monkeypatch):
    fake_cupy.install(monkeypatch)
    data = write_set(tmp_path / "data")
    more = {"precision": precision, "optimizer": optimizer, "dropout": 0.1}
    config = settings(data, device="cuda", schedule="one_cycle", **more)
    carry(config, tmp_path / "whole")
    carry(config, tmp_path / "parts", checkpoint_every_steps=2, max_steps=8)
    carry(config, tmp_path / "parts", resume="auto", checkpoint_every_steps=3)
    a, b = (left_behind(tmp_path / n)[0] for n in ("whole", "parts"))
    assert a.keys() == b.keys() and all((a[n] == b[n]).all() for n in a)


def test_longer_spans_are_recorded_anew(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    nets = []
    for first_span in (2, 16):
        job = gpunet.training.trainer(
            maker()("cuda"),
            table(300),
            epochs=2,
            batch_size=4,
            optimizer=gpunet.SGD(0.1),
        )
        job._span = first_span
        job._adapt = lambda n, seconds, job=job: setattr(job, "_span", 2 * job._span)
        before = fake.graphs
        job.run()
        nets.append((host(job.net), fake.graphs - before))
    assert same(nets[0][0], nets[1][0])
    assert nets[0][1] > nets[1][1] >= 1


def test_divergence_is_replayed_by_the_graph(monkeypatch):
    x, t = table()
    x[17, 0] = 1e30
    lines = []
    for device in ("cpu", "cuda"):
        make = maker(sizes=(4, 6, 3), activation="relu")
        with pytest.raises(Diverged) as caught:
            train(monkeypatch, device, make, (x, t), optimizer=lambda: gpunet.SGD(1e9))
        lines.append(str(caught.value))
    assert lines[0] == lines[1]


def test_graphs_are_off_unless_asked_for(monkeypatch):
    monkeypatch.setenv("GPUNET_CUDA_GRAPH", "0")
    more = {"optimizer": OPTIMIZERS["sgd"]}
    _, _, fake = train(monkeypatch, "cuda", maker(), table(), **more)
    assert fake.graphs == 0


# cuBLAS's C interface as its header declares it, with products by plain loops.
SHIM = r"""
typedef void *Handle;
static int workspace_set;
extern "C" int cublasCreate_v2(Handle *h) { *h = (Handle)0x7fff00001234; return 0; }
extern "C" int cublasSetStream_v2(Handle h, void *) { workspace_set = 0; return 0; }
extern "C" int cublasSetWorkspace_v2(Handle h, void *p, unsigned long size) {
  workspace_set = p && size >= 1 << 20;
  return !workspace_set;
}
extern "C" int cublasGemmStridedBatchedEx(
    Handle h, int ta, int tb, int m, int n, int k, const void *alpha, const void *A,
    int at, int lda, long long sa, const void *B, int bt, int ldb, long long sb,
    const void *beta, void *C, int ct, int ldc, long long sc, int count, int compute,
    int algorithm) {
  if (h != (Handle)0x7fff00001234 || !workspace_set) return 1;
  if (at || bt || ct || compute != 68 || algorithm != -1) return 15;
  for (int i = 0; i < count; ++i)
    for (int c = 0; c < n; ++c)
      for (int r = 0; r < m; ++r) {
        const float *a = (const float *)A + i * sa, *b = (const float *)B + i * sb;
        float *to = (float *)C + i * sc + r + (long long)c * ldc, sum = 0;
        for (int j = 0; j < k; ++j)
          sum += (ta ? a[j + r * lda] : a[r + j * lda]) *
                 (tb ? b[c + j * ldb] : b[j + c * ldb]);
        float scale = *(const float *)beta;
        *to = *(const float *)alpha * sum + (scale ? scale * *to : 0);
      }
  return 0;
}
extern "C" int cublasGemmEx(Handle h, int ta, int tb, int m, int n, int k,
                            const void *alpha, const void *A, int at, int lda,
                            const void *B, int bt, int ldb, const void *beta, void *C,
                            int ct, int ldc, int compute, int algorithm) {
  return cublasGemmStridedBatchedEx(h, ta, tb, m, n, k, alpha, A, at, lda, 0, B, bt,
                                    ldb, 0, beta, C, ct, ldc, 0, 1, compute, algorithm);
}
"""


@pytest.fixture
def cublas(tmp_path, monkeypatch):
    """Open our own handle on the shim."""
    fake_cupy.install(monkeypatch)
    (tmp_path / "shim.cpp").write_text(SHIM)
    path, true = tmp_path / "libcublas.so.13", ctypes.CDLL
    flags = ["-shared", "-fPIC", "-w", str(tmp_path / "shim.cpp"), "-o", str(path)]
    subprocess.run([*compiler(), *flags], check=True)
    monkeypatch.setattr(
        graph.ctypes, "CDLL", lambda name: true(str(tmp_path / name)) if name else None
    )
    import cupy

    return cupy, REAL(cupy)


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize(("turn_a", "turn_b"), [(0, 0), (1, 0), (0, 1)])
def test_own_handle_passes_what_the_c_interface_takes(cublas, members, turn_a, turn_b):
    cupy, own = cublas
    products = Products(own, cupy, "float32")
    lead = (members,) if members else ()
    a = normal(1, *lead, *((5, 4) if turn_a else (4, 5))).astype(np.float32)
    b = normal(2, *((3, 5) if turn_b else (5, 3))).astype(np.float32)
    out = normal(3, *lead, 4, 3).astype(np.float32)
    alpha, beta = products.number(-0.5), products.number(2.0)
    device = [cupy.asarray(x) for x in (a, b, out)]
    turns = {"turn_a": bool(turn_a), "turn_b": bool(turn_b)}
    products.prepare(*device, alpha, beta, **turns)()
    wanted = 2 * out - 0.5 * ((a.mT if turn_a else a) @ (b.mT if turn_b else b))
    assert error(fake_cupy.plain(device[2]), wanted) < 1e-6


def test_cublas_that_fails_says_how_to_do_without(cublas):
    _, own = cublas
    with pytest.raises(DeviceError, match="cublasGemmEx fails with status 1; unset"):
        own.gemmEx(1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 68, -1)
