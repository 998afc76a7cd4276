"""Activation functions, each with the slope that back-propagation needs.

An activation turns a neuron's weighted input z into its activation a. Beside the
value is the slope da/dz, written with z or with a, whichever is cheaper, and what
engines, exports and checks need to know of the function. A built-in one is a
function of this file that makes it, listed in `_MAKERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from typing import Any

from .backend import Array, namespace, open_backend
from .errors import ConfigError
from .io.messages import choices


@dataclass(frozen=True)
class ActivationFunction:
    """A function applied to z, with its slope.

    Attributes
    ----------
    name : str
        What a configuration says: "tanh", "leaky_relu:0.01".
    value : callable
        value(z) -> a, same shape (..., batch, features).
    slope : callable or None
        slope(z, a) -> da/dz, same shape.
    pullback : callable or None
        pullback(z, a, da) -> dz; where outputs depend on each other (softmax)
        or a faster form than `da * slope(z, a)` exists.
    untrainable : str
        A sentence that says why no gradient passes, or "".
    kind, parameter : str, float
        Of a built-in function, its name's parts: "leaky_relu", 0.01.
    smooth : bool
        Whether it has no kink, which a finite difference may not cross.
    analytic : bool
        Whether complex numbers go through it as the formula says.
    needs_z : bool
        Whether the slope needs z: a alone does not tell it.
    weight_init : str
        The start that suits the weights before it.
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array] | None
    pullback: Callable[[Array, Array, Array], Array] | None = None
    untrainable: str = ""
    kind: str = "custom"
    parameter: float = 0.0
    smooth: bool = False
    analytic: bool = False
    needs_z: bool = True
    weight_init: str = "lecun_normal"

    def __post_init__(self) -> None:
        if self.slope is None and self.pullback is None and not self.untrainable:
            reason = f"activation: {self.name}: it has neither slope nor pullback"
            object.__setattr__(self, "untrainable", f"{reason}; give one to train")

    @property
    def built_in(self) -> bool:
        """Whether its name says it all: it is one of `ACTIVATIONS`, unchanged."""
        return self.kind in _MAKERS and self == _make(self.kind, self.parameter)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.built_in:  # its functions may be closures, which no pickle accepts
            return get_activation, (self.name,)
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


_HE: dict[str, Any] = {"weight_init": "he_normal"}
_FROM_A: dict[str, Any] = {"needs_z": False}
_ANALYTIC: dict[str, Any] = {"smooth": True, "analytic": True}


def _relu() -> ActivationFunction:
    # The slope at exactly 0 is 0 (as in scikit-learn and PyTorch). a is never
    # below 0, so its sign is the slope: half the time of a cast comparison on
    # small arrays, a fifteenth of where().
    def pullback(z: Array, a: Array, da: Array) -> Array:
        return da * namespace(a).sign(a)

    return ActivationFunction("relu", _above, _positive, pullback, **_FROM_A, **_HE)


def _leaky_relu(alpha: float) -> ActivationFunction:
    # The slope at exactly 0 is 1, by the `x >= 0` of Albahari's program.
    def slope(z: Array, a: Array) -> Array:
        up = namespace(z).astype(z >= 0, z.dtype)
        return up + alpha * (1.0 - up)

    def value(z: Array) -> Array:
        xp = namespace(z)
        return xp.maximum(z, 0.0) + alpha * xp.minimum(z, 0.0)

    return ActivationFunction("leaky_relu", value, slope, **_HE)


def _elu(alpha: float) -> ActivationFunction:
    def value(z: Array) -> Array:
        xp = namespace(z)
        return xp.maximum(z, 0.0) + alpha * xp.expm1(xp.minimum(z, 0.0))

    def slope(z: Array, a: Array) -> Array:
        up = namespace(z).astype(z > 0, z.dtype)
        return up + (1.0 - up) * (a + alpha)  # alpha e^z = a + alpha below 0

    return ActivationFunction("elu", value, slope, **_FROM_A, **_HE)


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

    facts = {**_ANALYTIC, **_HE}
    return ActivationFunction("gelu", lambda z: z * inner(z), slope, **facts)


def _silu() -> ActivationFunction:
    def slope(z: Array, a: Array) -> Array:
        s = sigmoid(z)
        return s + a * (1.0 - s)

    facts = {**_ANALYTIC, **_HE}
    return ActivationFunction("silu", lambda z: z * sigmoid(z), slope, **facts)


def _softmax() -> ActivationFunction:
    # Every output moves every other: dz_j = a_j (da_j - sum_k da_k a_k).
    def pullback(z: Array, a: Array, da: Array) -> Array:
        xp = namespace(a)
        return a * (da - xp.sum(da * a, axis=-1, keepdims=True))

    facts = {**_ANALYTIC, **_FROM_A}
    return ActivationFunction("softmax", softmax, None, pullback, **facts)


def _comparator() -> ActivationFunction:
    return ActivationFunction(
        "comparator",
        _positive,
        None,
        untrainable="activation: comparator: its slope is 0 wherever it has one, so "
        "no nudge of a weight changes the output and nothing can be learned; use "
        "sigmoid or leaky_relu to train",
    )


_MAKERS: dict[str, Callable[..., ActivationFunction]] = {
    "identity": lambda: ActivationFunction(
        "identity",
        lambda z: z,
        lambda z, a: namespace(z).ones_like(z),
        lambda z, a, da: da,
        **_ANALYTIC,
        **_FROM_A,
    ),
    "sigmoid": lambda: ActivationFunction(
        "sigmoid", sigmoid, lambda z, a: a * (1.0 - a), **_ANALYTIC, **_FROM_A
    ),
    "tanh": lambda: ActivationFunction(
        "tanh",
        lambda z: namespace(z).tanh(z),
        lambda z, a: 1.0 - a * a,
        **_ANALYTIC,
        **_FROM_A,
    ),
    "relu": _relu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": lambda: ActivationFunction(
        "softplus", softplus, lambda z, a: sigmoid(z), smooth=True
    ),
    "softmax": _softmax,
    "comparator": _comparator,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
}
_DEFAULTS = {"leaky_relu": 0.01, "elu": 1.0}  # of those that have a parameter
ACTIVATIONS = tuple(_MAKERS)


@cache  # so that a function equals itself, and `built_in` can tell
def _make(kind: str, parameter: float) -> ActivationFunction:
    if kind not in _DEFAULTS:
        return replace(_MAKERS[kind](), kind=kind)
    name = f"{kind}:{parameter!r}"
    made = _MAKERS[kind](parameter)
    return replace(made, name=name, kind=kind, parameter=parameter)


def get_activation(
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
        API functions (`gpunet.namespace(z)` has them).

    Raises
    ------
    ConfigError
        The name is unknown, or the slope is not the value's: the message says
        the first z at which a central difference disagrees, and both numbers.

    Examples
    --------
    >>> import numpy as np
    >>> leaky = get_activation("leaky_relu:0.01")
    >>> leaky.value(np.array([-3.0, 0.0, 2.0])).tolist()
    [-0.03, 0.0, 2.0]
    >>> cube = get_activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    """
    if isinstance(name, ActivationFunction):
        return name
    if value is not None or slope is not None:
        if value is None or slope is None:
            raise ConfigError(f"activation: {name}: give value and slope, or neither")
        check_slope(f"activation: {name}", value, lambda z: slope(z, value(z)))
        return ActivationFunction(name, value, slope)
    kind, parameter = parse_name("activation", name, ACTIVATIONS, _DEFAULTS)
    if not isfinite(parameter):
        raise ConfigError(
            f"activation: {name}: {name[len(kind) + 1 :]!r} is not a finite number; "
            f"write it as {kind}:0.1"
        )
    return _make(kind, parameter)


def parse_name(
    what: str, name: str, kinds: tuple[str, ...], defaults: dict[str, float]
) -> tuple[str, float]:
    """Return "elu:2" as ("elu", 2.0), NaN for what is not a number.

    Raises
    ------
    ConfigError
        No such kind, or one that has no parameter.
    """
    kind, _, number = str(name).partition(":")
    if kind not in kinds or (number and kind not in defaults):
        more = () if isinstance(name, str) else (f"or gpunet.{what}(name, ...)",)
        hint = choices(kind, kinds, *more)
        raise ConfigError(f"{what}: {name!r}: no such {what}; {hint}")
    try:
        return kind, float(number or defaults.get(kind, 0.0))
    except ValueError:
        return kind, float("nan")


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
        At some point |slope - difference| > 1e-6 (1 + |difference|), or another
        shape than (1, n).
    """
    h = 1e-5
    # Off the round numbers, where hand-written functions have their kinks.
    points = [0.0137 + 0.25 * k for k in range(-16, 17)]
    z = open_backend("cpu").array([points], "float64")
    exact, numeric = slope(z), (value(z + h) - value(z - h)) / (2 * h)
    if exact.shape != z.shape or numeric.shape != z.shape:
        raise ConfigError(
            f"{what}: the numbers returned have a wrong shape; an activation and each "
            "slope keep the shape, a loss sums its cost over the last axis"
        )
    for k, point in enumerate(points):
        slope_k, quotient = float(exact[0, k]), float(numeric[0, k])
        if not abs(slope_k - quotient) <= 1e-6 * (1 + abs(quotient)):
            raise ConfigError(
                f"{what}: the slope does not fit the value: at {point:.4f} it is "
                f"{slope_k:.6g}, a central difference {quotient:.6g}; correct one of "
                "the two"
            )
