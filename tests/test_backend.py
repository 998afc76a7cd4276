"""The seam: devices by name, copies and views, and what happens without a GPU."""

import numpy as np
import pytest
from helpers import normal, on_device, run_python

import gpunet
from gpunet.backend import Backend, namespace, open_backend, scatter_add
from gpunet.random import host_rng

HEAVY = [
    *("cupy", "torch", "numba", "sklearn", "scipy", "matplotlib", "mpi4py", "onnx"),
    *("rich", "safetensors"),
]


def test_open_backend_gives_the_device_asked_for(bk):
    x = bk.array([[1.0, 2.0]])
    assert on_device(bk, x) and namespace(x) is bk.xp
    assert open_backend(bk) is bk and open_backend(bk.name).name == bk.name
    assert bk.note == ""


def test_array_copies_and_keeps_dtype(bk):
    for order in "CF":
        for dtype in ("float32", "float64", "int64"):
            host = np.array([[0, 1, 2], [3, 4, 5]], dtype, order=order)
            x = bk.array(host)
            host[...] = 9
            assert x.dtype == bk.dtype(dtype) and x.shape == (2, 3)
            assert bk.to_host(x).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_array_takes_strided_and_read_only_memory(bk):
    host = normal(0, 4, 6)[::-2, ::3]
    host.flags.writeable = False
    for make in (bk.array, bk.view):
        x = make(host, "float32")
        assert x.dtype == bk.dtype("float32") and on_device(bk, x)
        assert np.array_equal(bk.to_host(x), host.astype(np.float32))


def test_array_of_the_cpu_is_in_c_order():
    bk = open_backend("cpu")
    host = np.asfortranarray(normal(0, 3, 4))
    assert bk.array(host).flags.c_contiguous and bk.view(host).flags.c_contiguous
    same = normal(0, 3, 4)
    assert np.shares_memory(bk.view(same), same)
    assert not np.shares_memory(bk.array(same), same)


def test_to_host_gives_c_order(bk):
    x = bk.array(normal(1, 2, 3, 4))
    turned = bk.to_host(bk.xp.matrix_transpose(x))
    assert type(turned) is np.ndarray and turned.flags.c_contiguous
    assert np.array_equal(turned, np.swapaxes(normal(1, 2, 3, 4), 1, 2))
    total = bk.to_host(bk.xp.sum(bk.array([1.0, 2.0])))
    assert type(total) is np.ndarray and total.shape == () and total == 3.0


def test_device_verbs_answer(bk):
    assert bk.synchronize() is None
    assert bk.memory() is None or bk.memory()[0] <= bk.memory()[1]
    with bk.use():
        assert float(bk.xp.sum(bk.array([2.0]))) == 2.0


def test_use_silences_numpy_inside_alone():
    bk = open_backend("cpu")
    with bk.use():
        assert np.isinf(bk.xp.exp(bk.array([1e4])))[0]
    with pytest.warns(RuntimeWarning, match="overflow"):
        bk.xp.exp(bk.array([1e4]))


def test_scatter_add_gives_repeated_rows_all(bk):
    for dtype in ("float32", "float64"):
        target = bk.array(np.ones((4, 2)), dtype)
        index = bk.array([2, 0, 2, 2], "int64")
        rows = bk.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype)
        got = scatter_add(target, index, rows)
        assert got.dtype == bk.dtype(dtype)
        for x in (got, target):
            assert bk.to_host(x).tolist() == [[4, 5], [1, 1], [14, 17], [1, 1]]
        bk.scatter_add(target, bk.array([1], "int64"), rows[:1, :])
        assert bk.to_host(target)[1].tolist() == [2, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "uint64"])
@pytest.mark.parametrize("n, m, width", [(200, 900, 7), (3, 500, 1), (5, 0, 4)])
def test_scatter_add_sums_in_the_order_of_the_rows(dtype, kind, n, m, width):
    rng = np.random.Generator(np.random.PCG64(0))
    index = rng.integers(0, n, m).astype(kind)
    rows, start = (normal(s, k, width).astype(dtype) for s, k in ((1, m), (2, n)))
    wanted = start.copy()
    for k, row in zip(index, rows, strict=True):
        wanted[k] += row
    for order in ("C", "F"):
        target = start.copy(order)
        scatter_add(target, index, np.asfortranarray(rows))
        assert np.array_equal(target, wanted)
    wide = np.zeros((n, 2 * width), dtype)  # what is no whole table keeps its neighbors
    scatter_add(wide[:, ::2], index, rows)
    assert not wide[:, 1::2].any() and (m == 0) != wide[:, ::2].any()


def test_scatter_add_refuses_a_row_that_is_not_there():
    target = np.zeros((3, 2))
    for index in (3, -4):
        with pytest.raises(IndexError):
            scatter_add(target, np.array([index]), np.ones((1, 2)))
    with pytest.raises(ValueError, match="broadcast"):
        scatter_add(target, np.array([0, 1]), np.ones((3, 2)))


def test_lean_numpy_equals_numpy():
    xp, x = open_backend("cpu").xp, normal(2, 3, 4, 5)
    for axis in (None, -1, 1, (0, 2)):
        for keep in (False, True):
            for name in ("sum", "max"):
                got = getattr(xp, name)(x, axis=axis, keepdims=keep)
                assert np.array_equal(got, getattr(np, name)(x, axis, keepdims=keep))
    assert np.array_equal(xp.matrix_transpose(x), np.swapaxes(x, 1, 2))
    assert np.array_equal(xp.take(x, np.array([2, 0]), axis=1), x[:, [2, 0]])
    assert np.array_equal(xp.reshape(x, (12, 5)), x.reshape(12, 5))
    assert xp.astype(x, np.float32).dtype == np.float32
    assert xp.astype(x, x.dtype, copy=False) is x
    assert xp.astype(x, x.dtype) is not x
    assert xp.tanh is np.tanh and xp.__name__ == "numpy"


def test_namespace_knows_results_of_sums(bk):
    x = bk.array(normal(3, 2, 3), "float32")
    assert namespace(bk.xp.sum(x)) is bk.xp
    assert namespace(bk.xp.sum(x, axis=-1)) is bk.xp


def test_backend_is_frozen(bk):
    assert isinstance(bk, Backend)
    with pytest.raises(AttributeError):
        bk.device = None


def test_host_rng_is_keyed_by_all_it_is_given():
    def draw(*key):
        return host_rng(*key).random(4).tolist()

    keys = [
        (seed, purpose, *more)
        for seed in (0, 1, 7, 2**40)
        for purpose in ("init", "shuffle", "dropout", "split", "check")
        for more in ((1,), (2,), (5,))
    ]
    streams = [draw(*key) for key in keys]
    assert streams == [draw(*key) for key in keys]
    assert len({tuple(s) for s in streams}) == len(keys)


def test_host_rng_tells_a_key_from_no_key():
    assert host_rng(5, "shuffle").random() != host_rng(0, "shuffle", 5).random()
    assert host_rng(0, "shuffle").random() != host_rng(0, "shuffle", 0).random()


def test_host_rng_leaves_the_global_state_alone():
    before = np.random.get_state()[1].tolist()
    gpunet.mlp([3, 4, 2])
    host_rng(0, "init").random(9)
    assert np.random.get_state()[1].tolist() == before


def test_import_leaves_heavy_libraries_alone():
    done = run_python(
        "import sys, gpunet\n"
        "net = gpunet.mlp([2, 3, 2], device=gpunet.open_backend('cpu'))\n"
        "gpunet.SGD(0.1), gpunet.schedule('cosine'), net.forward\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])",
        timeout=5,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
