"""The words of `jit.vectors` and `jit.power` for numba: types, LLVM, registration."""

from functools import partial
from typing import Any

from ..jit import power
from . import emit, signatures, tiles
from .parts import part_compiler

__all__ = ["install", "part_compiler"]


def install() -> None:
    """Teach numba the words; once in a process."""
    from llvmlite import binding
    from numba import float32, types
    from numba.extending import lower_builtin, overload, type_callable

    binding.add_symbol(emit.SLEEP, emit.address_of_sleep())
    Vector = signatures.vector_type()
    for word, typer in signatures.signatures(Vector).items():
        type_callable(word)(partial(_typer, typer))
        emitted = (emit.WORDS | tiles.WORDS)[word]
        lower_builtin(word, types.VarArg(types.Any))(partial(_lower, emitted))
    typer = signatures.operator_signature(Vector)
    for operation, emitted in emit.OPERATORS.items():
        type_callable(operation)(partial(_typer, typer))
        for a, b in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
            lower_builtin(operation, a, b)(partial(_lower, emitted))
    # Sums in their order: n (_HIGH + _LOW) in one would lose |x| / 6 last digits.
    exact = overload(power.power, jit_options={"fastmath": {"contract"}})
    exact(
        lambda x: (
            power.power32 if float32 in (x, getattr(x, "dtype", x)) else power.power64
        )
    )
    exact = overload(power.logarithm, jit_options={"fastmath": {"contract"}})
    exact(lambda a, b: power.logarithm64)


def _typer(typer: Any, context: Any) -> Any:
    return typer


def _lower(word: Any, context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = word(emit.Emitter(context, builder, sig), *args)
    return context.get_dummy_value() if value is None else value
