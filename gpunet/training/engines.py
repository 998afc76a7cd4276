"""Engines: who takes the steps of a span.

The loop of `Part` runs the lesson's own lines on any device, step by step. A
compiled engine takes a whole span in one call, for the networks it knows, and is
proven equal to the loop; it stands upstairs in `fast/`, and is found by name.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from .._lazy import load
from ..errors import ConfigError
from ..network import Network
from ..optimizers import Optimizer
from .parts import Part, split

ENGINES = ("auto", "loop", "compiled")
PRECISIONS = ("float32", "tf32", "float16")


class Engine(NamedTuple):
    """What takes the steps.

    Attributes
    ----------
    name : str
        "loop", or the compiled engine's own name.
    split : callable
        As `gpunet.training.parts.split`.
    note : str
        Why "auto" took the loop, how long compiling took, or "".
    """

    name: str
    split: Callable[..., list[Part]]
    note: str = ""


LOOP = Engine("loop", split)


def check_engine(name: str, precision: str = "float32") -> None:
    """Refuse a name that is no engine's, or no precision (ConfigError)."""
    if name not in ENGINES:
        raise ConfigError(f"engine: {name!r}: choose from {', '.join(ENGINES)}")
    if precision not in PRECISIONS:
        choices = ", ".join(PRECISIONS)
        raise ConfigError(f"precision: {precision!r}: choose from {choices}")


def choose(
    engine: str,
    net: Network,
    optimizer: Optimizer,
    *,
    n_steps: float,
    hooks: Any,
    x: Any = None,
    batch: int = 1,
    on_disk: bool = False,
    precision: str = "float32",
) -> Engine:
    """Return the engine that trains `net`.

    Parameters
    ----------
    engine : "auto", "loop" or "compiled"
        "auto" takes the compiled engine where it applies and wins.
    n_steps : float
        That the run is likely to take; compiling must pay.
    hooks : sequence of callable
        Gradient hooks, which only the loop calls.
    x : array, shape (n, features...)
        The examples: how many numbers of them are 0 may decide what wins.
    batch : int
    on_disk : bool
        Whether batches are gathered from a file, which only the loop does.
    precision : "float32", "tf32" or "float16"
        Other than "float32" only compiled engines of GPUs know.

    Raises
    ------
    ConfigError
        Unknown name, "compiled" where no compiled engine applies, or a precision
        that the engine does not have.
    """
    check_engine(engine, precision)
    plain = precision == "float32"
    if plain and engine == "loop":
        return LOOP
    fast = load("fast")
    why = "the data stay on disk" if on_disk else fast.refuse(net, optimizer, hooks)
    if not plain:
        why = "the loop computes in the network's dtype" if engine == "loop" else why
        return _precise(fast, net, precision, why)
    if engine == "compiled" and why:
        raise ConfigError(f"engine: compiled: {why}; take engine auto or loop")
    if engine == "auto":
        why = why or fast.slower(net, optimizer, n_steps, batch, x)
    return LOOP._replace(note=why) if why else Engine(*fast.engine(net))


def compiler_target() -> str:
    """Return the compiler of the CPU's compiled engine, and what it compiles for."""
    return load("fast").target()


def _precise(fast: Any, net: Network, precision: str, why: str) -> Engine:
    if not why and (precision not in fast.precisions(net) or net.dtype != "float32"):
        why = f"{net.backend.name} has none for a {net.dtype} network"
    if why:
        raise ConfigError(f"precision: {precision}: {why}; take float32")
    name, split_parts = fast.engine(net)
    return Engine(f"{name}, {precision}", partial(split_parts, precision=precision))
