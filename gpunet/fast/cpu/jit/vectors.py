"""Vectors of 64 bytes: the words in which the hot loops are written.

The functions below are what they mean, in NumPy. `install` teaches numba the same
words as LLVM vectors, because its own loops cannot know that arrays do not overlap
and so keep sums in memory instead of registers: a row of 32 sums costs 10 cycles a
term in memory and 2 in registers. LLVM splits a vector where a machine's are shorter.
"""

import ctypes
import os
from typing import Any

import numpy as np

from ....backend import Array

_BYTES = 64
_SLEEP = "gpunet_sleep"  # what LLVM knows the system's function by, on every system
_PAUSE = 20 if os.name == "posix" else 0  # microseconds; Windows counts in thousands


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


def fill(a: Array, x: float) -> Array:
    """Return a vector of x alone, of the dtype of the array a."""
    return np.full(lanes(a.dtype), x, a.dtype)


def madd(acc: Array, x: float, v: Array) -> Array:
    """Return acc + x v, for a number x or a vector."""
    return acc + x * v


def total(v: Array) -> float:
    """Return the sum of the vector's numbers, in a fixed order."""
    return v.sum()


def ratio(m: Array, v: Array, eps: float) -> Array:
    """Return the vector m / (sqrt(v) + eps)."""
    return m / (np.sqrt(v) + eps)


def at(a: Array, k: int) -> float:
    """Return a[k] of a flat array, k at least 0."""
    return a[k]


def mulhi(a: int, b: int) -> int:
    """Return the upper 64 bits of the product of two uint64."""
    return np.uint64(int(a) * int(b) >> 64)


def tile(rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count):
    """Add X M to a tile of `rows` rows (1 or 4) and `vectors` vectors (1, 2 or 4).

    out[o + i so + j] += sum_k X[x + i xi + k xk] M[m + k ms + j], all arrays flat.
    The sums stay in registers, and each is added up in the order of k.
    """
    for i in range(rows):
        for j in range(vectors * lanes(out.dtype)):
            for k in range(count):
                out[o + i * so + j] += X[x + i * xi + k * xk] * M[m + k * ms + j]


def dots(out, o, so, A, a, sa, B, b, sb, n):
    """Put the products of four rows of A with four rows of B into a tile of `out`.

    out[o + i so + j] = sum_k A[a + i sa + k] B[b + j sb + k] for k < n.
    """
    for i in range(4):
        for j in range(4):
            p, q = a + i * sa, b + j * sb
            out[o + i * so + j] = np.dot(A[p : p + n], B[q : q + n])


def fetch(a: Array, o: int) -> None:
    """Ask the memory for the line that holds a[o], and go on."""


def arrive(sync: Array) -> None:
    """Add 1 to sync[0] at once for all threads."""
    sync[0] += 1


def peek(sync: Array, k: int) -> int:
    """Return sync[k] as other threads have left it."""
    return sync[k]


def pause() -> None:
    """Sleep a little: a thread that spins keeps its core from whom it waits for."""


def _address_of_sleep() -> int:
    """Return where the system's function lies that lets a thread sleep."""
    windows = os.name == "nt"
    f = ctypes.WinDLL("kernel32").Sleep if windows else ctypes.CDLL(None).usleep
    return ctypes.cast(f, ctypes.c_void_p).value


def install(numba: Any) -> None:
    """Teach numba these words; once in a process."""
    from llvmlite import binding, ir
    from numba.core import cgutils, types
    from numba.core.datamodel import models
    from numba.extending import intrinsic, overload, register_model

    binding.add_symbol(_SLEEP, _address_of_sleep())

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
    def fill_vector(typing, a, x):
        def emit(context, builder, sig, args):
            return splat(builder, llvm(sig.return_type.dtype), args[1])

        return Vector(a.dtype)(a, a.dtype), emit

    def data(context, builder, sig, args, k):
        return context.make_array(sig.args[k])(context, builder, args[k]).data

    def splat(builder, kind, x):
        none = ir.Constant(kind, ir.Undefined)
        one = builder.insert_element(none, x, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
        return builder.shuffle_vector(one, none, mask)

    def read(builder, base, place, kind):
        place = builder.bitcast(builder.gep(base, [place]), kind.as_pointer())
        return builder.load(place, align=4)

    def sums(builder, acc, x, y):
        flags = ("contract",)
        product = builder.fmul(x, y, flags=flags)
        builder.store(builder.fadd(builder.load(acc), product, flags=flags), acc)

    def halves(builder, v):
        n = v.type.count
        while n > 1:  # halves are added until one number is left
            n //= 2
            half = ir.VectorType(ir.IntType(32), n)
            low = ir.Constant(half, list(range(n)))
            high = ir.Constant(half, list(range(n, 2 * n)))
            v = builder.fadd(
                builder.shuffle_vector(v, v, low), builder.shuffle_vector(v, v, high)
            )
        return builder.extract_element(v, ir.IntType(32)(0))

    def tile_of(rows, vectors):
        @intrinsic
        def tile_sums(typing, out, o, so, X, x, xi, xk, M, m, ms, count):
            def emit(context, builder, sig, args):
                kind = llvm(sig.args[0].dtype)
                _, o, so, _, x, xi, xk, _, m, ms, count = args
                out, X, M = (data(context, builder, sig, args, k) for k in (0, 3, 7))
                n = o.type(kind.count)
                at, accs = [], []
                for i in range(rows):
                    row = builder.add(o, builder.mul(so, o.type(i)))
                    for j in range(vectors):
                        at.append(builder.add(row, builder.mul(n, o.type(j))))
                        accs.append(cgutils.alloca_once(builder, kind))
                        builder.store(read(builder, out, at[-1], kind), accs[-1])
                with cgutils.for_range(builder, count, intp=o.type) as loop:
                    k = loop.index
                    below = builder.add(m, builder.mul(k, ms))
                    ys = []
                    for j in range(vectors):
                        y = builder.add(below, builder.mul(n, o.type(j)))
                        ys.append(read(builder, M, y, kind))
                    left = builder.add(x, builder.mul(k, xk))
                    for i in range(rows):
                        place = builder.add(left, builder.mul(xi, o.type(i)))
                        v = builder.load(builder.gep(X, [place]))
                        v = splat(builder, kind, v)
                        for j in range(vectors):
                            sums(builder, accs[i * vectors + j], v, ys[j])
                for place, acc in zip(at, accs, strict=True):
                    p = builder.bitcast(builder.gep(out, [place]), kind.as_pointer())
                    builder.store(builder.load(acc), p, align=4)
                return context.get_dummy_value()

            i = types.intp
            return types.none(out, i, i, X, i, i, i, M, i, i, i), emit

        return tile_sums

    @intrinsic
    def dots_sums(typing, out, o, so, A, a, sa, B, b, sb, n):
        def emit(context, builder, sig, args):
            kind = llvm(sig.args[0].dtype)
            _, o, so, _, a, sa, _, b, sb, n = args
            out, A, B = (data(context, builder, sig, args, k) for k in (0, 3, 6))
            accs = [cgutils.alloca_once(builder, kind) for _ in range(16)]
            for acc in accs:
                builder.store(ir.Constant(kind, None), acc)
            step = o.type(kind.count)
            with cgutils.for_range(builder, builder.sdiv(n, step), intp=o.type) as loop:
                k = builder.mul(loop.index, step)
                xs, ys = [], []
                for i in range(4):
                    p = builder.add(a, builder.mul(sa, o.type(i)))
                    q = builder.add(b, builder.mul(sb, o.type(i)))
                    xs.append(read(builder, A, builder.add(p, k), kind))
                    ys.append(read(builder, B, builder.add(q, k), kind))
                for i in range(16):
                    sums(builder, accs[i], xs[i // 4], ys[i % 4])
            for i, acc in enumerate(accs):
                row = builder.add(o, builder.mul(so, o.type(i // 4)))
                place = builder.gep(out, [builder.add(row, o.type(i % 4))])
                builder.store(halves(builder, builder.load(acc)), place)
            return context.get_dummy_value()

        i = types.intp
        return types.none(out, i, i, A, i, i, B, i, i, i), emit

    tiles = {(r, v): tile_of(r, v) for r in (1, 4) for v in (1, 2, 4)}

    def tile_meaning(rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count):
        f = tiles[rows.literal_value, vectors.literal_value]
        return lambda rows, vectors, out, o, so, X, x, xi, xk, M, m, ms, count: f(
            out, o, so, X, x, xi, xk, M, m, ms, count
        )

    overload(tile, prefer_literal=True)(tile_meaning)
    overload(dots)(
        lambda out, o, so, A, a, sa, B, b, sb, n: (
            lambda out, o, so, A, a, sa, B, b, sb, n: dots_sums(
                out, o, so, A, a, sa, B, b, sb, n
            )
        )
    )

    @intrinsic
    def madd_vector(typing, acc, x, v):
        x = x if isinstance(x, Vector) else acc.dtype

        def emit(context, builder, sig, args):
            acc, x, v = args
            if not isinstance(sig.args[1], Vector):
                x = splat(builder, llvm(sig.return_type.dtype), x)
            # "contract" lets the two become one instruction, and nothing else.
            x = builder.fmul(x, v, flags=("contract",))
            return builder.fadd(acc, x, flags=("contract",))

        return acc(acc, x, v), emit

    @intrinsic
    def ratio_vector(typing, m, v, eps):
        def emit(context, builder, sig, args):
            m, v, eps = args
            name = f"llvm.sqrt.v{v.type.count}f{sig.args[0].dtype.bitwidth}"
            kind = ir.FunctionType(v.type, [v.type])
            root = cgutils.get_or_insert_function(builder.module, kind, name)
            root = builder.call(root, [v])
            return builder.fdiv(m, builder.fadd(root, splat(builder, v.type, eps)))

        return m(m, v, m.dtype), emit

    @intrinsic
    def total_vector(typing, v):
        def emit(context, builder, sig, args):
            return halves(builder, args[0])

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

    @intrinsic
    def fetch_line(typing, a, o):
        def emit(context, builder, sig, args):
            place = pointer(context, builder, sig, args, ir.IntType(8))
            word = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
            name = "llvm.prefetch.p0"
            f = cgutils.get_or_insert_function(builder.module, kind, name)
            builder.call(f, [place, word(0), word(3), word(1)])  # to read, and keep
            return context.get_dummy_value()

        return types.none(a, types.intp), emit

    @intrinsic
    def arrive_atomic(typing, sync):
        def emit(context, builder, sig, args):
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            builder.atomic_rmw("add", data, data.type.pointee(1), "seq_cst")
            return context.get_dummy_value()

        return types.none(sync), emit

    @intrinsic
    def peek_atomic(typing, sync, k):
        def emit(context, builder, sig, args):
            array = context.make_array(sig.args[0])(context, builder, args[0])
            return builder.load_atomic(builder.gep(array.data, [args[1]]), "acquire", 8)

        return types.int64(sync, types.intp), emit

    @intrinsic
    def pause_thread(typing):
        def emit(context, builder, sig, args):
            word = ir.IntType(32)
            kind = ir.FunctionType(word, [word])
            f = cgutils.get_or_insert_function(builder.module, kind, _SLEEP)
            builder.call(f, [word(_PAUSE)])
            return context.get_dummy_value()

        return types.none(), emit

    overload(fetch)(lambda a, o: lambda a, o: fetch_line(a, o))
    overload(arrive)(lambda sync: lambda sync: arrive_atomic(sync))
    overload(peek)(lambda sync, k: lambda sync, k: peek_atomic(sync, k))
    overload(pause)(lambda: lambda: pause_thread())
    overload(load)(lambda a, o: lambda a, o: load_vector(a, o))
    overload(store)(lambda a, o, v: lambda a, o, v: store_vector(a, o, v))
    overload(fill)(lambda a, x: lambda a, x: fill_vector(a, x))
    overload(zeros)(lambda a: lambda a: zeros_vector(a))
    overload(madd)(lambda acc, x, v: lambda acc, x, v: madd_vector(acc, x, v))
    overload(ratio)(lambda m, v, eps: lambda m, v, eps: ratio_vector(m, v, eps))
    overload(total)(lambda v: lambda v: total_vector(v))
    overload(at)(lambda a, k: lambda a, k: at_raw(a, k))
    overload(mulhi)(lambda a, b: lambda a, b: mulhi_raw(a, b))
