"""Compiled engines: a whole span of training steps in one call.

An engine has its own steppers (`gpunet.training.steppers`). `gpunet.training` asks
five things of this package, by name; nothing below knows of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..backend import Array
from ..network import Network
from ..optimizers import Optimizer
from ..training.steppers import Hook
from . import cpu, cuda
from .cpu import predictor
from .cpu.compiler import target

__all__ = ["engine", "precisions", "predictor", "slower", "target", "why_unsupported"]


def _engine(net: Network) -> Any:
    """Return the package of the engine for the device a network is on, or None."""
    name = net.backend.name
    return cpu if name == "cpu" else cuda if name.startswith("cuda") else None


def why_unsupported(net: Network, optimizer: Optimizer, hooks: Sequence[Hook]) -> str:
    """Return why no compiled engine can train `net` with `optimizer`, or ""."""
    if package := _engine(net):
        return package.why_unsupported(net, optimizer, hooks)
    return f"there is none for {net.backend.name}"


def slower(
    net: Network, optimizer: Optimizer, n_steps: float, batch: int, x: Array
) -> str:
    """Return why the loop is preferable where an engine applies, or ""."""
    return _engine(net).slower(net, optimizer, n_steps, batch, x)


def precisions(net: Network) -> tuple[str, ...]:
    """Return the precisions of matrix products where `net` is."""
    return getattr(_engine(net), "PRECISIONS", ("float32",))


def engine(net: Network) -> tuple[str, Callable[..., list]]:
    """Return (name, make_steppers) of the engine for the device `net` is on."""
    package = _engine(net)
    return package.NAME, package.make_steppers
