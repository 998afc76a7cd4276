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


def signatures() -> dict[Callable, Callable]:
    """Return for each word what makes a signature of the types of its arguments."""
    from numba.core import types

    Vector, i, none = vector_type(), types.intp, types.none

    def madd(acc, x, v):
        return acc(acc, x if isinstance(x, Vector) else acc.dtype, v)

    def tile(rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count):
        if all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors)):
            return none(rows, vectors, out, i, i, X, i, i, i, M, i, i, i)
        return None  # numba asks again, with the numbers

    def dots(out, o, so, A, a, sa, B, b, sb, n):
        return none(out, i, i, A, i, i, B, i, i, i)

    return {
        vectors.load: lambda a, o: Vector(a.dtype)(a, i),
        vectors.store: lambda a, o, v: none(a, i, v),
        vectors.zeros: lambda a: Vector(a.dtype)(a),
        vectors.fill: lambda a, x: Vector(a.dtype)(a, a.dtype),
        vectors.madd: madd,
        vectors.total: lambda v: v.dtype(v),
        vectors.ratio: lambda m, v, eps: m(m, v, m.dtype),
        vectors.at: lambda a, k: a.dtype(a, i),
        vectors.mulhi: lambda a, b: types.uint64(types.uint64, types.uint64),
        vectors.tile: tile,
        vectors.dots: dots,
        vectors.fetch: lambda a, o: none(a, i),
        vectors.arrive: lambda sync: none(sync),
        vectors.peek: lambda sync, k: types.int64(sync, i),
        vectors.pause: lambda: none(),
    }
