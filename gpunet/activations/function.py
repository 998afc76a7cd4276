"""What belongs to an activation function; one is found by its name or made."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from typing import Any

from ..backend import Array
from ..errors import ConfigError
from .validation import check_slope, parse_name


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
        return self.kind in MAKERS and self == _make(self.kind, self.parameter)

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


# What `formulas` fills: how each built-in function is made, and the parameter of those
# that have one.
MAKERS: dict[str, Callable[..., ActivationFunction]] = {}
DEFAULTS: dict[str, float] = {}


@cache  # so that a function equals itself, and `built_in` can tell
def _make(kind: str, parameter: float) -> ActivationFunction:
    if kind not in DEFAULTS:
        return replace(MAKERS[kind](), kind=kind)
    name = f"{kind}:{parameter!r}"
    made = MAKERS[kind](parameter)
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
    kind, parameter = parse_name("activation", name, tuple(MAKERS), DEFAULTS)
    if not isfinite(parameter):
        raise ConfigError(
            f"activation: {name}: {name[len(kind) + 1 :]!r} is not a finite number; "
            f"write it as {kind}:0.1"
        )
    return _make(kind, parameter)
