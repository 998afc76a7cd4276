"""The compiled engine on the CPU: numba, with the hot loops as vectors of 64 bytes.

There is no BLAS inside, so no second pool of threads that competes with NumPy's. What
was tried, and its times: `scripts/benchmarks/RESULTS.md`.
"""

from collections.abc import Sequence

from ...backend import Array
from ...backend.threads import usable_threads
from ...blocks import dense_blocks
from ...network import Network
from ...optimizers import Adam, Optimizer
from ...training.steppers import Hook, Stepper, TrainingState
from . import lowering
from .compiler import missing, seconds_until_ready
from .estimates import Workload, blas_wins, compiled_seconds, loop_seconds
from .inference import predictor
from .jit import vectors
from .jit.lanes import train_lanes
from .jit.span import train_network
from .lanes import LaneStepper, why_alone
from .stepper import CompiledStepper
from .workspace import column_dtype

NAME = "compiled"
# Shorter runs use the loop whether or not code is compiled already, so that the same
# lines leave the same bits whatever the process has done before.
_MIN_SECONDS = 0.05

__all__ = [
    "NAME",
    "Workload",
    "make_steppers",
    "missing",
    "predictor",
    "seconds_until_ready",
    "slower",
    "why_loop",
    "why_unsupported",
]


def make_steppers(state: TrainingState) -> list[Stepper]:
    """Return the one stepper that trains all members: it has threads of its own."""
    if why_alone(state.net, state.batch_size, state.data.x):
        return [CompiledStepper(state)]
    return [LaneStepper(state)]


def why_unsupported(net: Network, optimizer: Optimizer, hooks: Sequence[Hook]) -> str:
    """Return why this engine cannot train `net`, or ""."""
    if hooks:
        return "callbacks with on_gradients are called by the loop alone"
    reason = missing() or lowering.why_unsupported(net)
    return reason or lowering.why_unsupported_optimizer(optimizer)


def slower(
    net: Network, optimizer: Optimizer, n_steps: float, batch: int, x: Array
) -> str:
    """Return why the loop is preferable for so many expected steps, or ""."""
    layers = [block.dense for block in dense_blocks(net.layers)]
    in_lanes = not why_alone(net, batch, x[:1000])
    work = Workload(
        n_steps,
        batch,
        net.population or 1,
        layers[0].n_out,
        sum(layer.n_out for layer in layers),
        net.n_parameters,
        isinstance(optimizer, Adam),
        vectors.lanes(net.dtype) if in_lanes else 0,
    )
    kernel = train_lanes if in_lanes else train_network
    wait = seconds_until_ready(kernel, net.dtype, column_dtype(layers[0].n_in))
    return why_loop(work, x, wait)


def why_loop(work: Workload, x: Array | None, wait: float, loop: float = 0.0) -> str:
    """Return why the loop is the better choice for some work, or "".

    x is None if its rows are lists already; `wait` and `loop` are seconds: until
    compiled code can run, and of the work otherwise if not by the Trainer's loop.
    """
    threads = usable_threads()
    if x is not None and blas_wins(work, x, threads):
        return "on one core BLAS multiplies such large matrices faster"
    loop = loop or loop_seconds(work)
    saved = max(loop - compiled_seconds(work, threads), 0.2 * loop)
    if loop < _MIN_SECONDS:
        return "the run is short"
    if saved < wait:
        return f"the run is short; compiling ({wait:.0f} s) would not pay"
    return ""
