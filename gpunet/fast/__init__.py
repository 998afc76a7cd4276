"""Compiled engines: a whole span of training steps in one call.

An engine replaces `gpunet.training.parts.Part` from above; nothing below knows
of it. `gpunet.training.engines` asks three things of this package, by name.
"""

from collections.abc import Sequence
from typing import Any

from . import cpu
from .cpu import predictor

__all__ = ["engine", "predictor", "refuse", "slower"]


def refuse(net: Any, optimizer: Any, hooks: Sequence[Any]) -> str:
    """Return why no compiled engine can train `net` with `optimizer`, or ""."""
    if net.backend.name == "cpu":
        return cpu.refuse(net, optimizer, hooks)
    return f"there is none for {net.backend.name}"


def slower(net: Any, optimizer: Any, n_steps: int) -> str:
    """Return why the loop is to be preferred where an engine applies, or ""."""
    return cpu.slower(net, optimizer, n_steps)


def engine(net: Any) -> tuple[str, Any]:
    """Return (name, split) of the engine for the device `net` is on."""
    return "cpu", cpu.split
