"""The built-in activation functions: formulas, and the functions that make them.

Beside the value is the slope da/dz, written with z or with a, whichever is cheaper,
and what engines, exports and checks need to know of the function. A built-in one is a
function of this file that makes it, listed in `MAKERS`.
"""

from typing import Any

from ..backend import Array, namespace
from .function import DEFAULTS, MAKERS, ActivationFunction


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


MAKERS |= {
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
DEFAULTS |= {"leaky_relu": 0.01, "elu": 1.0}  # of those that have a parameter
ACTIVATIONS = tuple(MAKERS)
