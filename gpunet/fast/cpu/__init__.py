"""The compiled engine on the CPU: numba, with the hot loops as vectors of 64 bytes.

There is no BLAS inside, so no second pool of threads that competes with NumPy's.
What was tried on one core of a Zen 4 (AVX-512), MNIST, float32, plain SGD, with the
prediction in brackets; single runs, so differences below a tenth mean nothing:

- Lists of what is not zero (19 % of MNIST), four vectors of sums at once [1 to 2 cycles
  a vector]: 0.5 to 0.7 ns for a vector read, 0.8 to 0.9 if written back too.
- Arrays that begin at whole vectors, biases as vectors [half the time of the first
  layer]: 16 to 14 us a step of 784-16-16-10 at batch 10.
- Hidden rows whole instead of as lists from batch 4 on: 1213 to 940 us at batch 1024.
- Rows not a power of two apart [fewer cache conflicts]: 86 to 39 us at batch 1 of
  784-512-512-10.
- Tiles of 4 rows by 4 vectors in place of BLAS [80 to 90 % of the peak]: 110 GF/s
  forward at (1024, 512) x (512, 512), OpenBLAS 100.
- A wide first layer's columns as lists [a third off its update]: 1247 to 1144 us for
  the whole backward pass of 784-512-512-10 at batch 128.
- Prefetching 2 to 24 examples ahead [most of the waiting gone]: no distance differs;
  random rows of MNIST still cost 200 to 300 ns.
- Two threads for one network [near twice]: 33 to 16 ms at 784-512-512-10, batch 1024,
  but 12 to 14 us at batch 10 of 784-16-16-10, so used for large steps alone.
- Adam's step in vectors, narrow weights transposed on the way back, hidden rows read
  in place [1600 ns an example of 64-100-10, float64, batch 32]: 2739 to 1497.
- The softmax's sums in vectors, one logarithm for the clipped loss [60 ns an example]:
  40. A call that passes the tables for each example costs 140 ns.
"""

from collections.abc import Sequence
from typing import Any

from ...backend import Array
from ...backend.threads import usable_threads
from ...blocks import dense_blocks
from ...network import Network
from ...optimizers import Adam, Optimizer
from . import lowering
from .compiler import missing, seconds_until_ready
from .estimates import Workload, blas_wins, compiled_seconds, loop_seconds
from .inference import predictor
from .jit.span import train_network
from .stepper import make_steppers
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


def why_unsupported(net: Network, optimizer: Optimizer, hooks: Sequence[Any]) -> str:
    """Return why this engine cannot train `net`, or ""."""
    if hooks:
        return "callbacks with on_gradients are called by the loop alone"
    reason = missing() or lowering.why_unsupported(net)
    return reason or lowering.why_unsupported_optimizer(optimizer)


def slower(
    net: Network, optimizer: Optimizer, n_steps: float, batch: int, x: Array
) -> str:
    """Return why the loop is preferable, or "".

    Parameters
    ----------
    net : Network
    optimizer : Optimizer
    n_steps : float
        As many as are expected.
    batch : int
    x : array, shape (n, features)
    """
    layers = [block.dense for block in dense_blocks(net.layers)]
    work = Workload(
        n_steps,
        batch,
        net.population or 1,
        layers[0].n_out,
        sum(layer.n_out for layer in layers),
        net.n_parameters,
        isinstance(optimizer, Adam),
    )
    columns = column_dtype(layers[0].n_in)
    return why_loop(work, x, seconds_until_ready(train_network, net.dtype, columns))


def why_loop(work: Workload, x: Array | None, wait: float, loop: float = 0.0) -> str:
    """Return why the loop is the better choice for some work, or "".

    Parameters
    ----------
    work : Workload
    x : array, shape (n, features), or None if its rows are lists already
    wait : float
        Seconds until compiled code can run.
    loop : float
        Seconds that the work takes otherwise, if not by the Trainer's loop.
    """
    if x is not None and blas_wins(work, x):
        return "few inputs are 0: BLAS multiplies such batches faster by narrow layers"
    loop = loop or loop_seconds(work)
    saved = max(loop - compiled_seconds(work, usable_threads()), 0.2 * loop)
    if loop < _MIN_SECONDS:
        return "the run is short"
    if saved < wait:
        return f"the run is short; compiling ({wait:.0f} s) would not pay"
    return ""
