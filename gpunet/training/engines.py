"""Engines: who takes the steps of a span.

The loop of `Part` runs the lesson's own lines on any device, step by step. A
compiled engine takes a whole span in one call, for the networks it knows, and is
proven equal to the loop; it stands upstairs in `fast/`, and is found by name.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .._upstairs import upstairs
from ..errors import ConfigError
from ..network import Network
from ..optimizers import Optimizer
from .parts import Part, split

ENGINES = ("auto", "loop", "compiled")


class Engine(NamedTuple):
    """What takes the steps.

    Attributes
    ----------
    name : str
        "loop", or the compiled engine's own name.
    split : callable
        As `gpunet.training.parts.split`.
    note : str
        Why "auto" took the loop, or "".
    """

    name: str
    split: Callable[..., list[Part]]
    note: str = ""


LOOP = Engine("loop", split)


def check_engine(name: str) -> None:
    """Refuse a name that is no engine's (ConfigError)."""
    if name not in ENGINES:
        raise ConfigError(f"engine: {name!r}: choose from {', '.join(ENGINES)}")


def choose(
    engine: str,
    net: Network,
    optimizer: Optimizer,
    *,
    n_steps: int,
    hooks: Any,
    on_disk: bool = False,
) -> Engine:
    """Return the engine that trains `net`.

    Parameters
    ----------
    engine : "auto", "loop" or "compiled"
        "auto" takes the compiled engine where it applies and wins.
    n_steps : int
        Of the whole run; compiling must pay.
    hooks : sequence of callable
        Gradient hooks, which only the loop calls.
    on_disk : bool
        Whether batches are gathered from a file, which only the loop does.

    Raises
    ------
    ConfigError
        Unknown name, or "compiled" where no compiled engine applies.
    """
    check_engine(engine)
    if engine == "loop":
        return LOOP
    fast = upstairs("fast")
    why = "the data stay on disk" if on_disk else fast.refuse(net, optimizer, hooks)
    if engine == "compiled" and why:
        raise ConfigError(f"engine: compiled: {why}; take engine auto or loop")
    if engine == "auto":
        why = why or fast.slower(net, optimizer, n_steps)
    return LOOP._replace(note=why) if why else Engine(*fast.engine(net))
