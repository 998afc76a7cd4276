"""Selects the implementation that executes training steps.

The loop runs the lesson's own lines on any device, step by step. A compiled
engine executes a whole span in one call, for the networks it knows, and is proven
equal to the loop; it is upstairs in `fast/`, and is loaded by name.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import NamedTuple

from .._lazy import load
from ..errors import ConfigError
from .settings import Settings
from .steppers import Stepper, TrainingState, make_steppers


class Engine(NamedTuple):
    """What executes the steps.

    Attributes
    ----------
    name : str
        "loop", or the compiled engine's own name.
    make_steppers : callable
        As `gpunet.training.steppers.make_steppers`.
    note : str
        Why "auto" chose the loop, how long compiling took, or "".
    """

    name: str
    make_steppers: Callable[[TrainingState], list[Stepper]]
    note: str = ""


LOOP = Engine("loop", make_steppers)


def choose(state: TrainingState, settings: Settings, n_steps: float) -> Engine:
    """Return the engine that trains a network.

    Parameters
    ----------
    state : TrainingState
    settings : Settings
        engine "auto" chooses the compiled engine where it applies and wins.
    n_steps : float
        That the run is likely to take; compiling must pay.

    Raises
    ------
    ConfigError
        "compiled" where no compiled engine applies, or a precision that the
        engine does not have.
    """
    engine, precision, net = settings.engine, settings.precision, state.net
    plain = precision == "float32"
    if plain and engine == "loop":
        return LOOP
    fast = load("fast")
    reason = "the data stay on disk"
    if not state.data.on_disk:
        reason = fast.why_unsupported(net, state.optimizer, state.hooks)
    if not plain:
        if engine == "loop":
            reason = "the loop computes in the network's dtype"
        return _precise(fast, state, precision, reason)
    if engine == "compiled" and reason:
        raise ConfigError(f"engine: compiled: {reason}; use engine auto or loop")
    if engine == "auto":
        batch, x = state.batch_size, state.data.x
        reason = reason or fast.slower(net, state.optimizer, n_steps, batch, x)
    return LOOP._replace(note=reason) if reason else Engine(*fast.engine(net))


def compiler_target() -> str:
    """Return the compiler of the CPU's compiled engine, and what it compiles for."""
    return load("fast").target()


def _precise(
    fast: ModuleType, state: TrainingState, precision: str, reason: str
) -> Engine:
    net = state.net
    if not reason and (precision not in fast.precisions(net) or net.dtype != "float32"):
        reason = f"{net.backend.name} has none for a {net.dtype} network"
    if reason:
        raise ConfigError(f"precision: {precision}: {reason}; use float32")
    name, make = fast.engine(net)
    return Engine(f"{name}, {precision}", partial(make, precision=precision))
