"""The gate: what people give as x becomes one array, or a sentence says why not."""

from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from helpers import normal, run_python

import gpunet
from gpunet import Dataset, mlp
from gpunet.backend.inputs import numeric_array
from gpunet.checks import explain
from gpunet.errors import DataError

X = normal(0, 6, 4).astype(np.float32)
T = np.array([0, 1, 2, 0, 1, 2])


class Tensor:
    """A tensor of PyTorch: on a GPU, or with a gradient, it refuses NumPy."""

    requires_grad, device, dtype = True, "cuda:0", "torch.float32"

    def __init__(self, x):
        self.x = np.asarray(x)

    def detach(self):
        other = Tensor(self.x)
        other.requires_grad = False
        return other

    def cpu(self):
        other = Tensor(self.x)
        other.device, other.requires_grad = "cpu", self.requires_grad
        return other

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        if self.device != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return np.asarray(self.x, dtype)


class JaxArray:
    """An array of JAX, which copies itself to the host."""

    def __init__(self, x):
        self.x = np.asarray(x)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.x, dtype)


class Capsule:
    """An array that speaks DLPack alone."""

    def __init__(self, x):
        self.x = np.array(x)

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


class CudaArray:
    """An array of CuPy, which never copies itself silently."""

    __cuda_array_interface__ = None

    def __init__(self, x):
        self.x = np.array(x)

    def get(self):
        return self.x

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


class Table:
    """A table of some other library."""

    columns = ("a", "b")


WAYS = {
    "list": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())) if x.ndim == 2 else tuple(x),
    "list of rows": list,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "F order": lambda x: np.asfortranarray(x),
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "object": lambda x: x.astype(object),
    "masked": lambda x: np.ma.array(x, mask=False),
    "PyTorch": Tensor,
    "JAX": JaxArray,
    "DLPack": Capsule,
    "CuPy": CudaArray,
}


@pytest.mark.parametrize("way", WAYS)
def test_every_door_takes_every_kind_of_rows(way):
    net, give = mlp([4, 3], "tanh", seed=1), WAYS[way]
    assert np.array_equal(net.predict(give(X)), net.predict(X))
    assert np.array_equal(net.classify(give(X)), net.classify(X))
    assert np.array_equal(net.predict(give(X[0])), net.predict(X[0]))
    result = gpunet.evaluate(net, (X, T))
    assert gpunet.evaluate(net, (give(X), give(T))) == result
    a, b = explain(net, give(X[1]), 2), explain(net, X[1], 2)
    assert a.cost == b.cost
    other = mlp([4, 3], "tanh", seed=1)
    gpunet.fit(net, (X, T), epochs=2)
    gpunet.fit(other, Dataset(give(X), give(T)).take(slice(None)), epochs=2)
    assert np.array_equal(other.params["0.W"], net.params["0.W"])


@pytest.mark.parametrize("way", WAYS)
def test_compiled_predictor_takes_the_same(way):
    pytest.importorskip("numba")
    predict, give = gpunet.predictor(mlp([4, 3], "tanh", seed=1)), WAYS[way]
    assert np.array_equal(predict(give(X)), predict(X))
    assert np.array_equal(predict(give(X[0])), predict(X[0]))
    masked = np.ma.array(X.astype("float32"), mask=X > 0.5)
    with pytest.raises(DataError, match=r"predictor: x: has .* masked entries"):
        predict(masked)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f8", "g"])
def test_rows_of_any_real_dtype_are_cast(dtype):
    net, rows = mlp([4, 3]), np.array([[0, 1, 1, 0], [1, 1, 0, 0]], dtype)
    assert np.array_equal(net.predict(rows), net.predict(rows.astype(np.float32)))


def frames(**columns):
    """Return the columns as a DataFrame of each library that is there."""
    found = []
    for name in ("pandas", "polars"):
        if find_spec(name):
            found.append(import_module(name).DataFrame(columns))
    return found or pytest.skip("neither pandas nor polars is installed")


def test_tables_are_rows_of_numbers():
    columns = {"a": [1, 2], "b": [True, False], "c": [0.5, 1.5], "d": [2, 3]}
    rows = np.array([[1, 1, 0.5, 2], [2, 0, 1.5, 3]])
    net = mlp([4, 3])
    for frame in frames(**columns):
        assert np.array_equal(net.predict(frame), net.predict(rows))
        history = gpunet.fit(mlp([4, 2]), (frame, frame["d"]), epochs=1)
        assert len(history) == 1


def test_column_that_is_not_numbers_is_named():
    for frame in frames(a=[1, 2], town=["Rome", "Oslo"], c=[1.0, 2.0]):
        with pytest.raises(
            DataError, match=r"x, column 'town': .* element 0 is 'Rome'"
        ):
            mlp([3, 2]).predict(frame)
        with pytest.raises(DataError, match="training data, column 'town': must be"):
            gpunet.fit(mlp([3, 2]), (frame, [0, 1]))


def test_nullable_columns_of_pandas_are_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [3, 4]}, dtype="Int64")
    assert numeric_array(frame, "features", "x").tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("x", "why"),
    [
        ((row for row in X), "is a generator, which can be read only once"),
        (map(list, X), "is a map, which can be read only once"),
        ({"a": X}, "is a dict; give an array, one row an example"),
        ({1.0, 2.0}, "is a set"),
        (np.ma.array(X, mask=X > 0.5), r"masked entries; fill them: x.filled\(0\)"),
        ([[1.0, 2.0], [3.0]], r"is not an array \(rows of several lengths\); give"),
        (X * 1j, "must be numbers, got complex64"),
        ("text", "must be numbers, got <U4; element 0 is 'text'"),
        (Dataset(X, T), "element 0 is a Dataset"),
        (None, "element 0 is None"),
        (Table(), "element 0 is a Table"),
    ],
)
def test_what_is_not_rows_gets_a_sentence(x, why):
    net = mlp([4, 3])
    with pytest.raises(DataError, match=f"predict: x: .*{why}"):
        net.predict(x)
    if not isinstance(x, map) and "generator" not in why:
        with pytest.raises(DataError, match=why):
            gpunet.evaluate(net, (x, T))


def test_sparse_matrix_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"is a sparse matrix; give x.toarray\(\)"):
        mlp([4, 3]).predict(sparse.csr_matrix(X))


def test_fractions_are_numbers():
    rows = numeric_array([[Fraction(1, 2), 1]], "features", "x")
    assert rows.dtype == np.float64 and rows.tolist() == [[0.5, 1.0]]


def test_no_library_is_imported_to_look_at_x():
    code = (
        "import sys, gpunet; gpunet.mlp([2, 2]).predict([[0, 1]])\n"
        "print({'pandas', 'polars', 'torch', 'jax', 'scipy'} & {*sys.modules})"
    )
    assert run_python(code).stdout == "set()\n"
