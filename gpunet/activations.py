"""Activation functions, each with the slope that back-propagation needs.

An activation turns a neuron's weighted input z into its activation a. Beside
the value stands the slope da/dz, written with z or with a, whichever is
cheaper. `activation("relu")` looks one up by name; a number after a colon sets
its parameter, as in "leaky_relu:0.05"; a pair of your own functions becomes one
after its slope has been checked against finite differences.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from .backend import Array, namespace, open_backend
from .errors import ConfigError


@dataclass(frozen=True)
class ActivationFunction:
    """A function applied to z, with its slope.

    Attributes
    ----------
    name : str
        What a configuration says: "tanh", "leaky_relu:0.01".
    value : callable
        value(z) -> a, same shape (..., batch, features).
    slope : callable
        slope(z, a) -> da/dz, same shape.
    pullback : callable or None
        pullback(z, a, da) -> dz; where outputs depend on each other (softmax)
        or a faster form than `da * slope(z, a)` exists.
    untrainable : str
        A sentence that says why no gradient passes, or "".
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array] | None
    pullback: Callable[[Array, Array, Array], Array] | None = None
    untrainable: str = ""

    @property
    def built_in(self) -> bool:
        """Whether its name says it all: it is one of `ACTIVATIONS`."""
        kind = str(self.name).partition(":")[0]
        parts = (self.value, self.slope, self.pullback)
        return kind in ACTIVATIONS and defined_in((__name__,), parts)

    def __reduce_ex__(self, protocol):
        if self.built_in:  # its functions may be closures, which no pickle takes
            return activation, (self.name,)
        return super().__reduce_ex__(protocol)

    def backward(self, z: Array, a: Array, da: Array) -> Array:
        """Return dz = da * slope, the gradient one step further back.

        Raises
        ------
        ConfigError
            The activation cannot be trained (the comparator).
        """
        if self.pullback is not None:
            return self.pullback(z, a, da)
        if self.slope is None:
            raise ConfigError(self.untrainable)
        return da * self.slope(z, a)


def defined_in(modules: tuple[str, ...], functions: Iterable[Any]) -> bool:
    """Return whether each function, or None, comes from one of the modules."""
    return all(
        f is None or getattr(f, "__module__", None) in modules for f in functions
    )


def sigmoid(z: Array) -> Array:
    """Return sigma(z) = 1 / (1 + e^-z), each between 0 and 1.

    Computed as e^z / (1 + e^z), which keeps small numbers: (1 + tanh(z / 2)) / 2
    is 0 in float32 below z = -17. From z = 40 on it is 1 in either precision, so
    a larger z counts as 40 and e^z cannot overflow.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 10.0])).round(10).tolist()
    [0.0, 0.5, 0.9999546021]
    >>> float(sigmoid(np.array(-100.0)))
    3.720075976020836e-44
    """
    xp = namespace(z)
    a = xp.exp(xp.minimum(z, 40.0))
    a /= 1.0 + a
    return a


def softmax(z: Array) -> Array:
    """Return e^z_k / sum_j e^z_j over the last axis; every row sums to 1.

    The row's maximum is taken off first: it cancels, and nothing overflows.
    """
    xp = namespace(z)
    a = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    a /= xp.sum(a, axis=-1, keepdims=True)
    return a


def log_softmax(z: Array) -> Array:
    """Return log(softmax(z)) over the last axis, finite where softmax is 0."""
    xp = namespace(z)
    s = z - xp.max(z, axis=-1, keepdims=True)
    return s - xp.log(xp.sum(xp.exp(s), axis=-1, keepdims=True))


def softplus(z: Array) -> Array:
    """Return log(1 + e^z), without overflow at either end."""
    xp = namespace(z)
    return xp.log1p(xp.exp(-xp.abs(z))) + _above(z)


def _above(z: Array) -> Array:
    """Return max(z, 0); NaN stays NaN."""
    return namespace(z).maximum(z, 0.0)


def _positive(z: Array, a: Array | None = None) -> Array:
    return namespace(z).astype(z > 0, z.dtype)


def _relu() -> ActivationFunction:
    # The slope at exactly 0 is 0 (as in scikit-learn and PyTorch). a is never
    # below 0, so its sign is the slope: half the time of a cast comparison on
    # small arrays, a fifteenth of where().
    def pullback(z: Array, a: Array, da: Array) -> Array:
        return da * namespace(a).sign(a)

    return ActivationFunction("relu", _above, _positive, pullback)


def _leaky_relu(alpha: float = 0.01) -> ActivationFunction:
    # The slope at exactly 0 is 1, by the `x >= 0` of Albahari's program.
    def slope(z: Array, a: Array) -> Array:
        up = namespace(z).astype(z >= 0, z.dtype)
        return up + alpha * (1.0 - up)

    def value(z: Array) -> Array:
        xp = namespace(z)
        return xp.maximum(z, 0.0) + alpha * xp.minimum(z, 0.0)

    return ActivationFunction(f"leaky_relu:{alpha!r}", value, slope)


def _elu(alpha: float = 1.0) -> ActivationFunction:
    def value(z: Array) -> Array:
        xp = namespace(z)
        return xp.maximum(z, 0.0) + alpha * xp.expm1(xp.minimum(z, 0.0))

    def slope(z: Array, a: Array) -> Array:
        up = namespace(z).astype(z > 0, z.dtype)
        return up + (1.0 - up) * (a + alpha)  # alpha e^z = a + alpha below 0

    return ActivationFunction(f"elu:{alpha!r}", value, slope)


_GELU_SCALE = 1.5957691216057308  # 2 sqrt(2 / pi)


def _gelu() -> ActivationFunction:
    # The tanh form of Hendrycks and Gimpel (2016, eq. 2): the standard has no erf.
    # (1 + tanh(u)) / 2 = sigma(2 u), which keeps small numbers.
    def inner(z: Array) -> Array:
        return sigmoid(_GELU_SCALE * (z + 0.044715 * z * z * z))

    def slope(z: Array, a: Array) -> Array:
        s = inner(z)
        d_inner = _GELU_SCALE * (1.0 + 0.134145 * z * z)
        return s + z * s * (1.0 - s) * d_inner

    return ActivationFunction("gelu", lambda z: z * inner(z), slope)


def _silu() -> ActivationFunction:
    def slope(z: Array, a: Array) -> Array:
        s = sigmoid(z)
        return s + a * (1.0 - s)

    return ActivationFunction("silu", lambda z: z * sigmoid(z), slope)


def _softmax() -> ActivationFunction:
    # Every output moves every other: dz_j = a_j (da_j - sum_k da_k a_k).
    def pullback(z: Array, a: Array, da: Array) -> Array:
        xp = namespace(a)
        return a * (da - xp.sum(da * a, axis=-1, keepdims=True))

    return ActivationFunction("softmax", softmax, None, pullback)


def _comparator() -> ActivationFunction:
    return ActivationFunction(
        "comparator",
        _positive,
        None,
        untrainable="activation: comparator: its slope is 0 wherever it has one, so "
        "no nudge of a weight changes the output and nothing can be learned; use "
        "sigmoid or leaky_relu to train",
    )


# name -> maker; a maker with a parameter takes it as its one argument.
_PLAIN: dict[str, Callable[[], ActivationFunction]] = {
    "identity": lambda: ActivationFunction(
        "identity",
        lambda z: z,
        lambda z, a: namespace(z).ones_like(z),
        lambda z, a, da: da,
    ),
    "sigmoid": lambda: ActivationFunction(
        "sigmoid", sigmoid, lambda z, a: a * (1.0 - a)
    ),
    "tanh": lambda: ActivationFunction(
        "tanh", lambda z: namespace(z).tanh(z), lambda z, a: 1.0 - a * a
    ),
    "relu": _relu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": lambda: ActivationFunction(
        "softplus", softplus, lambda z, a: sigmoid(z)
    ),
    "softmax": _softmax,
    "comparator": _comparator,
}
_WITH_PARAMETER: dict[str, Callable[..., ActivationFunction]] = {
    "leaky_relu": _leaky_relu,
    "elu": _elu,
}
ACTIVATIONS = (*_PLAIN, *_WITH_PARAMETER)


def activation(
    name: "str | ActivationFunction",
    value: Callable[[Array], Array] | None = None,
    slope: Callable[[Array, Array], Array] | None = None,
) -> ActivationFunction:
    """Return the activation called `name`, or make one from a pair.

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`; "leaky_relu:0.05" and "elu:2" set the parameter.
        With `value` and `slope` given, the new activation's own name.
    value, slope : callable, optional
        value(z) -> a and slope(z, a) -> da/dz, element by element, in array
        API functions (`gpunet.namespace(z)` gives them).

    Raises
    ------
    ConfigError
        The name is unknown, or the slope is not the value's: the message gives
        the first z at which a central difference disagrees, and both numbers.

    Examples
    --------
    >>> import numpy as np
    >>> leaky = activation("leaky_relu:0.01")
    >>> leaky.value(np.array([-3.0, 0.0, 2.0])).tolist()
    [-0.03, 0.0, 2.0]
    >>> cube = activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    """
    if isinstance(name, ActivationFunction):
        return name
    if value is not None or slope is not None:
        if value is None or slope is None:
            raise ConfigError(f"activation: {name}: give value and slope, or neither")
        check_slope(f"activation: {name}", value, lambda z: slope(z, value(z)))
        return ActivationFunction(name, value, slope)
    kind, _, number = str(name).partition(":")
    if kind in _PLAIN and not number:
        return _PLAIN[kind]()
    if kind in _WITH_PARAMETER:
        try:
            parameter = [float(number)] if number else []
        except ValueError:
            parameter = [inf]
        if not all(map(isfinite, parameter)):
            raise ConfigError(
                f"activation: {name}: {number!r} is no finite number; write it as "
                f"{kind}:0.1"
            )
        return _WITH_PARAMETER[kind](*parameter)
    raise ConfigError(
        f"activation: {name!r}: no such activation; choose from "
        f"{', '.join(ACTIVATIONS)}"
    )


def check_slope(
    what: str, value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> None:
    """Refuse a slope that central differences of the value contradict.

    Parameters
    ----------
    what : str
        The name that the message begins with.
    value, slope : callable
        Functions of one float64 array of shape (1, n), element by element.

    Raises
    ------
    ConfigError
        At some point |slope - difference| > 1e-6 (1 + |difference|).
    """
    h = 1e-5
    # Off the round numbers, where hand-written functions have their kinks.
    points = [0.0137 + 0.25 * k for k in range(-16, 17)]
    z = open_backend("cpu").array([points], "float64")
    exact, numeric = slope(z), (value(z + h) - value(z - h)) / (2 * h)
    for k, point in enumerate(points):
        given, found = float(exact[0, k]), float(numeric[0, k])
        if not abs(given - found) <= 1e-6 * (1 + abs(found)):
            raise ConfigError(
                f"{what}: the slope does not fit the value: at {point:.4f} it gives "
                f"{given:.6g}, a central difference {found:.6g}; correct one of the two"
            )
