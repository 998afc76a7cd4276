"""The LLVM of the words: each function emits one use of the word of its name.

Sums and products say "contract" alone: two may become one instruction, and nothing
else; without any flag numba would let LLVM reorder them.
"""

import ctypes
import operator
import os
from collections.abc import Callable
from typing import Any

from ..jit import vectors

SLEEP = "gpunet_sleep"  # what LLVM knows the system's function by, on every system
_PAUSE = 20 if os.name == "posix" else 0  # microseconds; Windows counts in thousands
_EXACT = ("contract",)


def address_of_sleep() -> int | None:
    """Return the address of the system's function that lets a thread sleep."""
    if os.name == "nt":
        sleep = ctypes.WinDLL("kernel32").Sleep  # type: ignore[attr-defined]
    else:
        sleep = ctypes.CDLL(None).usleep
    return ctypes.cast(sleep, ctypes.c_void_p).value


def llvm_vector(bits: int) -> Any:
    """Return the LLVM type of vectors of floating-point numbers of so many bits."""
    from llvmlite import ir

    kind = ir.FloatType() if bits == 32 else ir.DoubleType()
    return ir.VectorType(kind, vectors.BYTES * 8 // bits)


class Emitter:
    """What emits LLVM for one use of a word: its builder and the types it has there."""

    def __init__(self, context: Any, builder: Any, sig: Any):
        from llvmlite import ir

        self.context, self.builder, self.sig, self.ir = context, builder, sig, ir

    def vector(self, k: int) -> Any:
        """Return the LLVM type of vectors of the dtype of argument k."""
        return llvm_vector(self.sig.args[k].dtype.bitwidth)

    def data(self, k: int, array: Any) -> Any:
        """Return the address of the numbers of argument k, an array."""
        view = self.context.make_array(self.sig.args[k])
        return view(self.context, self.builder, array).data

    def pointer(self, base: Any, offset: Any, kind: Any) -> Any:
        """Return the address of base[offset], as that of a `kind`."""
        return self.builder.bitcast(self.builder.gep(base, [offset]), kind.as_pointer())

    def read(self, base: Any, offset: Any, kind: Any) -> Any:
        """Return the vector at base[offset]."""
        # 4: rows begin at whole vectors, but not every vector that is read does.
        return self.builder.load(self.pointer(base, offset, kind), align=4)

    def write(self, base: Any, offset: Any, v: Any) -> None:
        """Store a vector at base[offset]."""
        self.builder.store(v, self.pointer(base, offset, v.type), align=4)

    def splat(self, x: Any, kind: Any) -> Any:
        """Return a vector of the number x, or x itself if it is of that kind."""
        if x.type == kind:
            return x
        ir, word = self.ir, self.ir.IntType(32)
        v = self.builder.insert_element(ir.Constant(kind, ir.Undefined), x, word(0))
        mask = ir.Constant(ir.VectorType(word, kind.count), None)
        return self.builder.shuffle_vector(v, v, mask)

    def add_product(self, acc: Any, x: Any, y: Any) -> Any:
        """Return acc + x y."""
        product = self.builder.fmul(x, y, flags=_EXACT)
        return self.builder.fadd(acc, product, flags=_EXACT)

    def total(self, v: Any) -> Any:
        """Return the sum of a vector: halves are added until one number is left."""
        ir, n = self.ir, v.type.count
        while n > 1:
            n //= 2
            half = ir.VectorType(ir.IntType(32), n)
            parts = [
                self.builder.shuffle_vector(v, v, ir.Constant(half, list(range(a, b))))
                for a, b in ((0, n), (n, 2 * n))
            ]
            v = self.builder.fadd(*parts, flags=_EXACT)
        return self.builder.extract_element(v, ir.IntType(32)(0))

    def call(self, name: str, result: Any, *args: Any) -> Any:
        """Call a function of LLVM or the system by its name."""
        from numba.core import cgutils

        kind = self.ir.FunctionType(result, [x.type for x in args])
        f = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(f, args)


def _arithmetic(name: str) -> Callable:
    def emitted(e: Emitter, a: Any, b: Any) -> Any:
        kind = e.context.get_value_type(e.sig.return_type)
        f = getattr(e.builder, name)
        return f(e.splat(a, kind), e.splat(b, kind), flags=_EXACT)

    return emitted


def _less(e: Emitter, *args: Any) -> Any:
    kind = e.context.get_value_type(e.sig.return_type)
    a, b, x, y = (e.splat(v, kind) for v in args)
    return e.builder.select(e.builder.fcmp_ordered("<", a, b), x, y)


def _floor(e: Emitter, x: Any) -> Any:
    dtype = e.sig.return_type
    bits = getattr(dtype, "dtype", dtype).bitwidth
    lanes = f"v{x.type.count}" if hasattr(x.type, "count") else ""
    return e.call(f"llvm.floor.{lanes}f{bits}", x.type, x)


def _two_to(e: Emitter, n: Any) -> Any:
    dtype, ir = e.sig.return_type, e.ir
    bits = getattr(dtype, "dtype", dtype).bitwidth
    digits = 23 if bits == 32 else 52
    whole: Any = ir.IntType(bits)
    if hasattr(n.type, "count"):
        whole = ir.VectorType(whole, n.type.count)

    def constant(k: int) -> Any:
        vector = hasattr(n.type, "count")
        return ir.Constant(whole, [k] * n.type.count if vector else k)

    k = e.builder.add(
        e.builder.fptosi(n, whole), constant((1 << bits - digits - 2) - 1)
    )
    return e.builder.bitcast(e.builder.shl(k, constant(digits)), n.type)


def _load_wide(e: Emitter, a: Any, o: Any) -> Any:
    kind = llvm_vector(64)
    narrow = e.ir.VectorType(e.vector(0).element, kind.count)
    v = e.read(e.data(0, a), o, narrow)
    return v if narrow == kind else e.builder.fpext(v, kind)


def _ratio(e: Emitter, m: Any, v: Any, eps: Any) -> Any:
    name = f"llvm.sqrt.v{v.type.count}f{e.sig.args[0].dtype.bitwidth}"
    root = e.call(name, v.type, v)
    divisor = e.builder.fadd(root, e.splat(eps, v.type), flags=_EXACT)
    return e.builder.fdiv(m, divisor, flags=_EXACT)


def _mulhi(e: Emitter, a: Any, b: Any) -> Any:
    wide = e.ir.IntType(128)
    product = e.builder.mul(e.builder.zext(a, wide), e.builder.zext(b, wide))
    high = e.builder.lshr(product, e.ir.Constant(wide, 64))
    return e.builder.trunc(high, e.ir.IntType(64))


def _put(e: Emitter, a: Any, k: Any, x: Any) -> None:
    e.builder.store(x, e.builder.gep(e.data(0, a), [k]))


def _fetch(e: Emitter, a: Any, o: Any) -> None:
    word = e.ir.IntType(32)
    address = e.pointer(e.data(0, a), o, e.ir.IntType(8))
    flags = word(0), word(3), word(1)  # to read, and keep
    e.call("llvm.prefetch.p0", e.ir.VoidType(), address, *flags)


def _arrive(e: Emitter, sync: Any) -> None:
    data = e.data(0, sync)
    e.builder.atomic_rmw("add", data, data.type.pointee(1), "seq_cst")


def _peek(e: Emitter, sync: Any, k: Any) -> Any:
    return e.builder.load_atomic(e.builder.gep(e.data(0, sync), [k]), "acquire", 8)


def _pause(e: Emitter) -> None:
    word = e.ir.IntType(32)
    e.call(SLEEP, word, word(_PAUSE))


OPERATORS: dict[Callable, Callable] = {
    operator.add: _arithmetic("fadd"),
    operator.sub: _arithmetic("fsub"),
    operator.mul: _arithmetic("fmul"),
    operator.truediv: _arithmetic("fdiv"),
}
WORDS: dict[Callable, Callable] = {
    vectors.load: lambda e, a, o: e.read(e.data(0, a), o, e.vector(0)),
    vectors.store: lambda e, a, o, v: e.write(e.data(0, a), o, v),
    vectors.zeros: lambda e, a: e.ir.Constant(e.vector(0), None),
    vectors.fill: lambda e, a, x: e.splat(x, e.vector(0)),
    vectors.madd: lambda e, acc, x, v: e.add_product(acc, e.splat(x, v.type), v),
    **{vectors.less: _less, vectors.floor: _floor, vectors.two_to: _two_to},
    vectors.load_wide: _load_wide,
    vectors.total: lambda e, v: e.total(v),
    vectors.at: lambda e, a, k: e.builder.load(e.builder.gep(e.data(0, a), [k])),
    vectors.put: _put,
    **{vectors.ratio: _ratio, vectors.mulhi: _mulhi, vectors.fetch: _fetch},
    **{vectors.arrive: _arrive, vectors.peek: _peek, vectors.pause: _pause},
}
