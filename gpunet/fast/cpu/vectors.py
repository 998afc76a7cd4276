"""Vectors of 64 bytes: the words in which the hot loops are written.

The functions below are what they mean, in NumPy. `install` teaches numba the same
words as LLVM vectors, because its own loops cannot know that arrays do not overlap
and so keep sums in memory instead of registers: a row of 32 sums costs 10 cycles a
term in memory and 2 in registers. LLVM splits a vector where a machine's are shorter.
"""

from typing import Any

import numpy as np

from ..._types import Array

_BYTES = 64


def lanes(dtype: Any) -> int:
    """Return how many numbers of a dtype a vector holds."""
    return _BYTES // np.dtype(dtype).itemsize


def load(a: Array, o: int) -> Array:
    """Return the vector at a[o]; a is flat and is not looked at for its length."""
    return a[o : o + _BYTES // a.itemsize].copy()


def store(a: Array, o: int, v: Array) -> None:
    """Write the vector v to a[o], in place."""
    a[o : o + v.size] = v


def zeros(a: Array) -> Array:
    """Return a vector of zeros, of the dtype of the array a."""
    return np.zeros(lanes(a.dtype), a.dtype)


def madd(acc: Array, x: float, v: Array) -> Array:
    """Return acc + x v, for a number x or a vector."""
    return acc + x * v


def total(v: Array) -> float:
    """Return the sum of the vector's numbers, in a fixed order."""
    return v.sum()


def at(a: Array, k: int) -> float:
    """Return a[k] of a flat array, k at least 0."""
    return a[k]


def mulhi(a: int, b: int) -> int:
    """Return the upper 64 bits of the product of two uint64."""
    return np.uint64(int(a) * int(b) >> 64)


def install(numba: Any) -> None:
    """Teach numba these words; once in a process."""
    from llvmlite import ir
    from numba.core import types
    from numba.core.datamodel import models
    from numba.extending import intrinsic, overload, register_model

    class Vector(types.Type):
        def __init__(self, dtype):
            self.dtype = dtype
            super().__init__(name=f"gpunet.Vector({dtype})")

    def llvm(dtype):
        kind = ir.FloatType() if dtype == types.float32 else ir.DoubleType()
        return ir.VectorType(kind, _BYTES * 8 // dtype.bitwidth)

    @register_model(Vector)
    class VectorModel(models.PrimitiveModel):
        def __init__(self, dmm, fe_type):
            super().__init__(dmm, fe_type, llvm(fe_type.dtype))

    def pointer(context, builder, sig, args, kind):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        place = builder.gep(array.data, [args[1]])
        return builder.bitcast(place, kind.as_pointer())

    @intrinsic
    def load_vector(typing, a, o):
        def emit(context, builder, sig, args):
            kind = llvm(sig.return_type.dtype)
            place = pointer(context, builder, sig, args, kind)
            return builder.load(place, align=sig.return_type.dtype.bitwidth // 8)

        return Vector(a.dtype)(a, types.intp), emit

    @intrinsic
    def store_vector(typing, a, o, v):
        def emit(context, builder, sig, args):
            place = pointer(context, builder, sig, args, llvm(sig.args[2].dtype))
            builder.store(args[2], place, align=sig.args[2].dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.none(a, types.intp, v), emit

    @intrinsic
    def zeros_vector(typing, a):
        def emit(context, builder, sig, args):
            return ir.Constant(llvm(sig.return_type.dtype), None)

        return Vector(a.dtype)(a), emit

    @intrinsic
    def madd_vector(typing, acc, x, v):
        x = x if isinstance(x, Vector) else acc.dtype

        def emit(context, builder, sig, args):
            acc, x, v = args
            if not isinstance(sig.args[1], Vector):
                kind = llvm(sig.return_type.dtype)
                zero = ir.Constant(ir.IntType(32), 0)
                one = builder.insert_element(ir.Constant(kind, ir.Undefined), x, zero)
                mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
                x = builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)
            # "contract" lets the two become one instruction, and nothing else.
            x = builder.fmul(x, v, flags=("contract",))
            return builder.fadd(acc, x, flags=("contract",))

        return acc(acc, x, v), emit

    @intrinsic
    def total_vector(typing, v):
        def emit(context, builder, sig, args):
            v, n = args[0], llvm(sig.args[0].dtype).count
            while n > 1:  # halves are added until one number is left
                n //= 2
                half = ir.VectorType(ir.IntType(32), n)
                low = ir.Constant(half, list(range(n)))
                high = ir.Constant(half, list(range(n, 2 * n)))
                v = builder.fadd(
                    builder.shuffle_vector(v, v, low),
                    builder.shuffle_vector(v, v, high),
                )
            return builder.extract_element(v, ir.Constant(ir.IntType(32), 0))

        return v.dtype(v), emit

    @intrinsic
    def at_raw(typing, a, k):
        def emit(context, builder, sig, args):
            array = context.make_array(sig.args[0])(context, builder, args[0])
            return builder.load(builder.gep(array.data, [args[1]]))

        return a.dtype(a, types.intp), emit

    @intrinsic
    def mulhi_raw(typing, a, b):
        def emit(context, builder, sig, args):
            wide = ir.IntType(128)
            a, b = (builder.zext(v, wide) for v in args)
            high = builder.lshr(builder.mul(a, b), ir.Constant(wide, 64))
            return builder.trunc(high, ir.IntType(64))

        return types.uint64(types.uint64, types.uint64), emit

    overload(load)(lambda a, o: lambda a, o: load_vector(a, o))
    overload(store)(lambda a, o, v: lambda a, o, v: store_vector(a, o, v))
    overload(zeros)(lambda a: lambda a: zeros_vector(a))
    overload(madd)(lambda acc, x, v: lambda acc, x, v: madd_vector(acc, x, v))
    overload(total)(lambda v: lambda v: total_vector(v))
    overload(at)(lambda a, k: lambda a, k: at_raw(a, k))
    overload(mulhi)(lambda a, b: lambda a, b: mulhi_raw(a, b))
