"""Compiled engines: a whole span of training steps in one call.

An engine has steppers of its own (`gpunet.training.steppers`); nothing below knows
of it. `gpunet.training` asks five things of this package, by name.
"""

from collections.abc import Sequence
from typing import Any

from . import cpu, cuda
from .cpu import predictor
from .cpu.compiler import target

__all__ = ["engine", "precisions", "predictor", "slower", "target", "why_unsupported"]


def _place(net: Any) -> Any:
    name = net.backend.name
    return cpu if name == "cpu" else cuda if name.startswith("cuda") else None


def why_unsupported(net: Any, optimizer: Any, hooks: Sequence[Any]) -> str:
    """Return why no compiled engine can train `net` with `optimizer`, or ""."""
    if place := _place(net):
        return place.refuse(net, optimizer, hooks)
    return f"there is none for {net.backend.name}"


def slower(net: Any, optimizer: Any, n_steps: int, batch: int, x: Any) -> str:
    """Return why the loop is to be preferred where an engine applies, or ""."""
    return _place(net).slower(net, optimizer, n_steps, batch, x)


def precisions(net: Any) -> tuple[str, ...]:
    """Return what matrix products can be computed in where `net` is."""
    return getattr(_place(net), "PRECISIONS", ("float32",))


def engine(net: Any) -> tuple[str, Any]:
    """Return (name, make_steppers) of the engine for the device `net` is on."""
    place = _place(net)
    return place.NAME, place.make_steppers
