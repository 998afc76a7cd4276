"""The start: how weights and biases are drawn before the first step.

Each initializer uses a host generator and the layer's sizes and returns a float64
host array; it is cast and copied to the device later, so one seed makes one start
on every device and in every precision. A start is written as a name ("he_normal"),
a number (a constant) or an array.
"""

from collections.abc import Callable
from math import sqrt
from numbers import Real
from typing import Any

from .backend import HostArray, namespace
from .errors import ConfigError, OutOfMemory
from .io.messages import choices
from .random import HostGenerator

# Standard deviation of each start; a uniform one spans sqrt(3) of them.
_DEVIATION: dict[str, Callable[[int, int], float]] = {
    "standard": lambda n_in, n_out: 1.0,  # Nielsen's large start, chapter 1
    "lecun": lambda n_in, n_out: sqrt(1 / n_in),  # Nielsen's chapter 3; LeCun 1998
    "glorot": lambda n_in, n_out: sqrt(2 / (n_in + n_out)),  # Glorot, Bengio 2010
    "he": lambda n_in, n_out: sqrt(2 / n_in),  # He et al. 2015, eq. 10
}
INITIALIZERS = (
    *(f"{kind}_{form}" for kind in _DEVIATION for form in ("normal", "uniform")),
    "zeros",
)
_LARGEST = 2.0**127  # beyond twice this float32 has only infinity


def initial_values(
    start: Any, rng: HostGenerator, n_in: int, n_out: int, shape: tuple[int, ...]
) -> HostArray:
    """Return the start of one tensor, on the host.

    Parameters
    ----------
    start : str, float or array
        A name of `INITIALIZERS`, a constant, or the values themselves.
    rng : HostGenerator
        NumPy's `Generator`.
    n_in, n_out : int
        The layer's sizes, which set the standard deviation.
    shape : tuple of int
        Shape of the tensor: (n_in, n_out) for weights, (n_out,) for biases.

    Returns
    -------
    values : float64 host array of `shape`

    Raises
    ------
    ConfigError
        Unknown name, or values of another shape.
    OutOfMemory
        The host cannot hold it.
    """
    try:
        zeros = rng.random(shape)  # drawn, so that seeds keep their networks
        zeros[...] = 0.0
    except (ValueError, MemoryError) as error:  # NumPy has a largest shape, too
        size = 8 * n_in * n_out
        raise OutOfMemory(
            f"memory: a tensor of shape {tuple(shape)} needs {size:,} bytes; use "
            "fewer neurons"
        ) from error
    if isinstance(start, str):
        check_initializer(start)
        if start == "zeros":
            return zeros
        kind, _, form = start.partition("_")
        deviation = _DEVIATION[kind](n_in, n_out)
        if form == "normal":
            return rng.standard_normal(shape) * deviation
        limit = sqrt(3) * deviation
        return rng.uniform(-limit, limit, shape)
    if not isinstance(start, Real):
        start = namespace(zeros).asarray(start, dtype=zeros.dtype)
        if start.shape != tuple(shape):
            raise ConfigError(
                f"initializer: expected an array of shape {tuple(shape)}, got "
                f"{start.shape}; weights are (n_in, n_out), biases (n_out,)"
            )
    return zeros + start


def check_initializer(start: Any) -> None:
    """Refuse a name that no initializer has, or a useless number (ConfigError)."""
    if isinstance(start, str) and start not in INITIALIZERS:
        raise ConfigError(
            f"initializer: {start!r}: no such initializer; "
            f"{choices(start, INITIALIZERS, 'a number or an array')}"
        )
    number: Any = start  # of the numeric tower, which no type checker knows
    if isinstance(start, Real) and not abs(number) <= _LARGEST:
        raise ConfigError(
            f"initializer: expected a number that float32 can hold, got {start!r:.40}"
        )
