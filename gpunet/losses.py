"""Losses (costs) as pairs: the value a person reads, the slope training needs.

A `Loss` holds two functions of one example: its cost and the slope of that cost
with respect to the network's output y. Over a batch the value is the mean of
the costs, so gradients do not grow with the batch. Targets t are integer labels
of shape (..., batch), made one-hot rows by comparison, or floats of y's shape.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from typing import Any

from .activations import check_slope, log_softmax, parse_name, sigmoid, softmax
from .backend import Array, namespace
from .errors import ConfigError


def as_targets(y: Array, t: Array) -> Array:
    """Return targets of y's shape (..., batch, n_out): labels become one-hot rows.

    Examples
    --------
    >>> import numpy as np
    >>> as_targets(np.zeros((2, 3)), np.array([2, 0])).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if t.ndim == y.ndim or t.dtype == y.dtype:
        return t
    if y.shape[-1] == 1:  # the label of a single output is its target
        return namespace(y).astype(t[..., None], y.dtype)
    return one_hot(t, y.shape[-1], y.dtype)


def one_hot(t: Array, n: int, dtype: Any) -> Array:
    """Return rows of n that are 1 at the label and 0 elsewhere, shape (..., n)."""
    xp = namespace(t)
    classes = xp.arange(n, device=t.device)  # int64, as labels are
    return xp.astype(t[..., None] == classes, dtype)


def _same(y: Array) -> Array:
    return y


@dataclass(frozen=True)
class Loss:
    """A cost with its slope.

    Attributes
    ----------
    name : str
        What a configuration says.
    cost : callable
        cost(y, t) -> shape (..., batch): the cost of each example, nats for
        the cross-entropies, squared units of y for the squares.
    cost_slope : callable
        cost_slope(y, t) -> shape (..., batch, n_out): d cost / d y.
    inverse_link : callable
        inverse_link(y) -> what `predict` shows: probabilities, or y itself.
    on_logits : bool
        Whether y is to be the last weighted input z, without an activation.
    kind, parameter : str, float
        Of a built-in loss, its name's parts: "huber", 0.5.
    analytic : bool
        Whether complex numbers go through it as the formula says.
    square_factor : callable or None
        square_factor(n_out) is the factor of sum (y - t)^2 in a squared error.
    side : callable or None
        side(y, t) -> booleans: on which side of its kinks an output is.
    """

    name: str
    cost: Callable[[Array, Array], Array]
    cost_slope: Callable[[Array, Array], Array]
    inverse_link: Callable[[Array], Array] = _same
    on_logits: bool = False
    kind: str = "custom"
    parameter: float = 0.0
    analytic: bool = False
    square_factor: Callable[[int], float] | None = None
    side: Callable[[Array, Array], Array] | None = None

    @property
    def built_in(self) -> bool:
        """Whether its name says it all: it is one of `LOSSES`, unchanged."""
        named = str(self.name).partition(":")[0] == self.kind
        return named and self.kind in _MAKERS and self == get_loss(self.name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.built_in:  # its functions are closures, which no pickle accepts
            return get_loss, (self.name,)
        return super().__reduce_ex__(protocol)

    def value(self, y: Array, t: Array, weight: Array | None = None) -> Array:
        """Return the cost, mean over the batch, shape (...).

        Parameters
        ----------
        y : array, shape (..., batch, n_out)
        t : labels (..., batch) or targets (..., batch, n_out)
        weight : array, shape (..., batch), optional
            Each example's weight; mean 1 over the data set keeps the scale.
        """
        cost = self.cost(y, as_targets(y, t))
        if weight is not None:
            cost = cost * weight
        return namespace(y).sum(cost, axis=-1) / y.shape[-2]

    def slope(self, y: Array, t: Array, weight: Array | None = None) -> Array:
        """Return the slope of `value` with respect to y, shape of y."""
        dy = self.cost_slope(y, as_targets(y, t)) / y.shape[-2]
        return dy if weight is None else dy * weight[..., None]


def _total(q: Array) -> Array:
    return namespace(q).sum(q, axis=-1)


def _squared_error(factor: Callable[[int], float]) -> Loss:
    def cost(y: Array, t: Array) -> Array:
        e = y - t
        return factor(y.shape[-1]) * _total(e * e)

    def slope(y: Array, t: Array) -> Array:
        return (2.0 * factor(y.shape[-1])) * (y - t)

    return Loss("", cost, slope, analytic=True, square_factor=factor)


def _cross_entropy(smoothing: float) -> Loss:
    def smooth(t: Array) -> Array:
        return (1.0 - smoothing) * t + smoothing / t.shape[-1] if smoothing else t

    def cost(y: Array, t: Array) -> Array:
        xp = namespace(y)
        # 0 x -inf is NaN: a wrong class of logit -inf costs nothing, so bound it.
        bounded = xp.maximum(log_softmax(y), -float(xp.finfo(y.dtype).max) / 8)
        return -_total(smooth(t) * bounded)

    def slope(y: Array, t: Array) -> Array:
        return softmax(y) - smooth(t)

    return Loss("", cost, slope, softmax, on_logits=True, analytic=True)


def _binary_cross_entropy(smoothing: float) -> Loss:
    def smooth(t: Array) -> Array:
        return (1.0 - smoothing) * t + 0.5 * smoothing if smoothing else t

    def cost(y: Array, t: Array) -> Array:
        xp = namespace(y)
        # -t log s(y) - (1 - t) log(1 - s(y)), in a form with nothing to overflow.
        rest = xp.log1p(xp.exp(-xp.abs(y)))
        return _total(xp.maximum(y, 0.0) - y * smooth(t) + rest)

    def slope(y: Array, t: Array) -> Array:
        return sigmoid(y) - smooth(t)

    return Loss("", cost, slope, sigmoid, on_logits=True)


def _absolute_error() -> Loss:
    def cost(y: Array, t: Array) -> Array:
        return _total(namespace(y).abs(y - t))

    def slope(y: Array, t: Array) -> Array:
        return namespace(y).sign(y - t)

    return Loss("", cost, slope, side=lambda y, t: y > t)


def _huber(delta: float) -> Loss:
    # Huber 1964: e^2 / 2 within delta, then a line of slope delta.
    def slope(y: Array, t: Array) -> Array:
        xp = namespace(y)
        return xp.minimum(xp.maximum(y - t, -delta), delta)

    def cost(y: Array, t: Array) -> Array:
        c = slope(y, t)
        return _total(c * ((y - t) - 0.5 * c))

    def side(y: Array, t: Array) -> Array:
        return namespace(y).stack([y - t < -delta, y - t > delta])

    return Loss("", cost, slope, side=side)


def _hinge() -> Loss:
    # One against the rest: sum_k max(0, 1 - s_k y_k) with s = 2 t - 1.
    def side(y: Array, t: Array) -> Array:
        return (2.0 * t - 1.0) * y < 1.0

    def cost(y: Array, t: Array) -> Array:
        return _total(namespace(y).maximum(1.0 - (2.0 * t - 1.0) * y, 0.0))

    def slope(y: Array, t: Array) -> Array:
        return namespace(y).astype(side(y, t), y.dtype) * (1.0 - 2.0 * t)

    return Loss("", cost, slope, side=side)


_MAKERS: dict[str, Callable[..., Loss]] = {
    "squared_error": lambda: _squared_error(lambda n: 1.0),
    "half_squared_error": lambda: _squared_error(lambda n: 0.5),
    "mean_squared_error": lambda: _squared_error(lambda n: 1.0 / n),
    "absolute_error": _absolute_error,
    "hinge": _hinge,
    "softmax_cross_entropy": _cross_entropy,
    "sigmoid_cross_entropy": _binary_cross_entropy,
    "huber": _huber,
}
_SMOOTHING = (0.0, "smoothing from 0 to below 1", lambda v: 0 <= v < 1)
# Of a number after the colon: its default, what it must be, and whether it is.
_PARAMETERS: dict[str, tuple[float, str, Callable[[float], bool]]] = {
    "softmax_cross_entropy": _SMOOTHING,
    "sigmoid_cross_entropy": _SMOOTHING,
    "huber": (1.0, "a delta above 0", lambda v: 0 < v < inf),
}
_DEFAULTS = {kind: default for kind, (default, _, _) in _PARAMETERS.items()}
LOSSES = tuple(_MAKERS)


@cache  # so that a loss equals itself, and `built_in` can tell
def _make(kind: str, parameter: float) -> Loss:
    made = _MAKERS[kind](parameter) if kind in _DEFAULTS else _MAKERS[kind]()
    return replace(made, kind=kind, parameter=parameter)


def get_loss(
    name: "str | Loss",
    cost: Callable[[Array, Array], Array] | None = None,
    cost_slope: Callable[[Array, Array], Array] | None = None,
) -> Loss:
    """Return the loss called `name`, or make one from a pair.

    Parameters
    ----------
    name : str
        One of `LOSSES`; "softmax_cross_entropy:0.1" smooths labels by 0.1,
        "huber:0.5" sets delta. With a pair given, the new loss's own name.
    cost : callable, optional
        cost(y, t) -> cost of each example, shape (..., batch).
    cost_slope : callable, optional
        cost_slope(y, t) -> d cost / d y, shape (..., batch, n_out).

    Raises
    ------
    ConfigError
        Unknown name, parameter out of range, or a slope that is not the cost's.

    Examples
    --------
    >>> import numpy as np
    >>> half = get_loss("half_squared_error")
    >>> y, t = np.array([[0.2, 0.2, 0.2, 0.2]]), np.zeros((1, 4))
    >>> float(half.value(y, t).round(3)), half.slope(y, t).tolist()
    (0.08, [[0.2, 0.2, 0.2, 0.2]])
    """
    if isinstance(name, Loss):
        return name
    if cost is not None or cost_slope is not None:
        return _from_pair(name, cost, cost_slope)
    kind, parameter = parse_name("loss", name, LOSSES, _DEFAULTS)
    _, bounds, fits = _PARAMETERS.get(kind, _SMOOTHING)
    if not fits(parameter):
        number = name[len(kind) + 1 :]
        raise ConfigError(f"loss: {name}: {number!r} is not {bounds}; change it")
    return replace(_make(kind, parameter), name=name)


def _from_pair(name: str, cost: Callable | None, cost_slope: Callable | None) -> Loss:
    if cost is None or cost_slope is None:
        raise ConfigError(f"loss: {name}: give cost and cost_slope, or neither")

    # Each point becomes an example with one output, and its target is 0.3.
    def value(y: Array) -> Array:
        y = namespace(y).matrix_transpose(y)
        return cost(y, namespace(y).ones_like(y) * 0.3)[None, :]

    def slope(y: Array) -> Array:
        xp = namespace(y)
        y = xp.matrix_transpose(y)
        return xp.matrix_transpose(cost_slope(y, xp.ones_like(y) * 0.3))

    check_slope(f"loss: {name}", value, slope)
    return Loss(name, cost, cost_slope)
