"""The compiled engine on the CPU: numba, with the hot loops as vectors."""

from collections.abc import Sequence
from typing import Any

from ...network import Network
from ...optimizers import Optimizer
from .compiler import missing
from .engine import split
from .inference import predictor
from .plan import refuse_loss, refuse_optimizer, rows_of

_PAYS = 2.0  # seconds of the loop, by a rough count; importing numba takes one

__all__ = ["predictor", "refuse", "slower", "split"]


def refuse(net: Network, optimizer: Optimizer, hooks: Sequence[Any]) -> str:
    """Return why this engine cannot train `net`, or ""."""
    if hooks:
        return "callbacks with on_gradients are called by the loop alone"
    return (
        missing()
        or rows_of(net)[1]
        or refuse_loss(net.loss)
        or refuse_optimizer(optimizer)
    )


def slower(net: Network, optimizer: Optimizer, n_steps: int) -> str:
    """Return why the loop is to be preferred, or "".

    Judged by the configuration alone, never by what a cache holds: the same run
    takes the same engine everywhere, and a short one never waits for numba.
    """
    seconds = n_steps * (net.population or 1) * (4e-5 + 3e-9 * net.n_parameters)
    return "" if seconds >= _PAYS else "the run is short; compiling would not pay"
