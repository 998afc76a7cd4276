"""CUDA engines: training steps on an NVIDIA GPU by kernels of our own.

The kernels are the .cu texts of this folder, compiled by CuPy when they are first
used. The general engine takes any row of dense layers; every kernel has its
reference in the lesson, and is proven equal to it.
"""

from collections.abc import Sequence
from typing import Any

from .general import stepper as general
from .persistent.stepper import make_steppers

__all__ = ["NAME", "PRECISIONS", "make_steppers", "refuse", "slower"]

NAME = "cuda"
PRECISIONS = general.PRECISIONS


def refuse(net: Any, optimizer: Any, hooks: Sequence[Any]) -> str:
    """Return why no CUDA engine can train `net` with `optimizer`, or ""."""
    return general.refuse(net, optimizer, hooks)


def slower(net: Any, optimizer: Any, n_steps: int, batch: int, x: Any) -> str:
    """Return "": a CUDA engine makes fewer launches than the loop, always."""
    return ""
