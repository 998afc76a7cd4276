"""What numba infers of the words: the types of their arguments and results."""

from collections.abc import Callable
from typing import Any

from ..jit import vectors
from .emit import llvm_vector


def vector_type() -> Any:
    """Return the numba type of vectors, made and registered; once in a process."""
    from numba.core import types
    from numba.core.datamodel import models
    from numba.extending import register_model

    class Vector(types.Type):
        def __init__(self, dtype):
            self.dtype = dtype
            super().__init__(name=f"gpunet.Vector({dtype})")

    @register_model(Vector)
    class VectorModel(models.PrimitiveModel):
        def __init__(self, dmm, fe_type):
            super().__init__(dmm, fe_type, llvm_vector(fe_type.dtype.bitwidth))

    return Vector


def operator_signature(Vector: Any) -> Callable:
    """Return what makes a signature of an operator between vectors and numbers."""

    def arithmetic(a, b):
        dtypes = [v.dtype for v in (a, b) if isinstance(v, Vector)]
        if not dtypes:
            return None  # numbers are numba's
        args = (v if isinstance(v, Vector) else dtypes[0] for v in (a, b))
        return Vector(dtypes[0])(*args)

    return arithmetic


def product_signatures() -> dict[Callable, Callable]:
    """Return the `signatures` of products of matrices."""
    from numba.core import types

    i, none = types.intp, types.none

    def tile(rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count):
        if all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors)):
            return none(rows, vectors, out, i, i, X, i, i, i, M, i, i, i)
        return None  # numba asks again, with the numbers

    def lane_tile(
        rows, vectors, out, o, so, sj, B, b, bi, bj, X, x, xi, xk, M, m, mk, mj, count
    ):
        if all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors)):
            arrays = (a for array in (out, B, X, M) for a in (array, i, i, i))
            return none(rows, vectors, *arrays, i)
        return None

    def dots(out, o, so, A, a, sa, B, b, sb, n):
        return none(out, i, i, A, i, i, B, i, i, i)

    def transpose(out, o, so, X, starts, k):
        return none(out, i, i, X, starts, i)

    return {
        vectors.tile: tile,
        vectors.lane_tile: lane_tile,
        vectors.dots: dots,
        vectors.transpose: transpose,
    }


def signatures(Vector: Any) -> dict[Callable, Callable]:
    """Return for each word what makes a signature of the types of its arguments."""
    from numba.core import types

    i, none = types.intp, types.none

    def madd(acc, x, v):
        return acc(acc, x if isinstance(x, Vector) else acc.dtype, v)

    def same(*args):
        dtype = next((a.dtype for a in args if isinstance(a, Vector)), args[-1])
        result = Vector(dtype) if any(isinstance(a, Vector) for a in args) else dtype
        return result(*(a if isinstance(a, Vector) else dtype for a in args))

    def ratio(m, v, eps):
        return m(m, v, eps if isinstance(eps, Vector) else m.dtype)

    return {
        vectors.load: lambda a, o: Vector(a.dtype)(a, i),
        vectors.store: lambda a, o, v: none(a, i, v),
        vectors.zeros: lambda a: Vector(a.dtype)(a),
        vectors.fill: lambda a, x: Vector(a.dtype)(a, a.dtype),
        vectors.madd: madd,
        vectors.less: lambda a, b, x, y: same(a, b, x, y),
        vectors.floor: lambda x: same(x),
        vectors.two_to: lambda n: same(n),
        vectors.load_wide: lambda a, o: Vector(types.float64)(a, i),
        vectors.total: lambda v: v.dtype(v),
        vectors.ratio: ratio,
        vectors.at: lambda a, k: a.dtype(a, i),
        vectors.put: lambda a, k, x: none(a, i, a.dtype),
        vectors.mulhi: lambda a, b: types.uint64(types.uint64, types.uint64),
        **product_signatures(),
        vectors.fetch: lambda a, o: none(a, i),
        vectors.arrive: lambda sync: none(sync),
        vectors.peek: lambda sync, k: types.int64(sync, i),
        vectors.pause: lambda: none(),
    }
