"""CUDA engines: training steps on an NVIDIA GPU by kernels written for them.

CuPy compiles the .cu texts of these folders when they are first used. The general
engine trains any row of dense layers, the persistent one small networks.
"""

from ...backend import Array
from ...network import Network
from ...optimizers import Optimizer
from .general.stepper import PRECISIONS, why_unsupported
from .persistent.stepper import make_steppers

__all__ = ["NAME", "PRECISIONS", "make_steppers", "slower", "why_unsupported"]

NAME = "cuda"


def slower(
    net: Network, optimizer: Optimizer, n_steps: float, batch: int, x: Array
) -> str:
    """Return "": a CUDA engine always makes fewer launches than the loop."""
    return ""
