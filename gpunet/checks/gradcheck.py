"""Gradient checks: nudge one parameter, see how the loss moves, compare.

Each tensor is judged by itself, because a wrong bias hides in the length of the
whole gradient. Everything runs in float64 on the CPU: in float32 the best
difference quotient is off by 1e-4, which is as large as many a mistake.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from .._lazy import load
from ..activations import ActivationFunction
from ..backend import Array, HostArray
from ..backend.inputs import is_on
from ..blocks import layer_title
from ..errors import ConfigError
from ..io.messages import choices
from ..layers import Activation, Embedding
from ..losses import Loss, as_targets
from ..network import Network
from ..random import host_rng

METHODS = ("central", "complex")
LIMITS = {"central": 1e-7, "complex": 1e-12}  # achieved: 2e-10 and 4e-16
STEPS = {"central": 1e-5, "complex": 1e-30}


@dataclass(frozen=True)
class GradientCheck:
    """The result of the check of one tensor."""

    tensor: str  # such as "0.W"
    layer: str  # such as "Dense(784, 30)"
    index: tuple[int, ...]  # of the entry that differs most
    analytic: float  # its gradient by back-propagation
    numeric: float  # and by the nudge
    error: float  # largest |analytic - numeric| over the tensor's largest |numeric|
    limit: float  # the largest error that passes
    n_checked: int
    n_skipped: int  # entries whose nudge crosses a kink, where there is no slope

    @property
    def ok(self) -> bool:
        """Whether the error is within the limit; NaN is not."""
        return self.error <= self.limit


class GradientChecks(list[GradientCheck]):
    """The checks of a network's tensors, in their order."""

    @property
    def ok(self) -> bool:
        """Whether all pass."""
        return all(check.ok for check in self)

    def __repr__(self) -> str:
        failed = ", ".join(check.tensor for check in self if not check.ok)
        worst = max((check.error / check.limit for check in self), default=0.0)
        verdict = f"FAILED: {failed}" if failed else "all ok"
        of = f"{len(self)} tensors, {verdict}, at most {worst:.2g} of the limit"
        return f"GradientChecks({of})"

    def _repr_html_(self) -> str:
        return load("show.html").gradient_checks(self)


def check_gradients(
    net: Network,
    x: HostArray | Array,
    t: HostArray | Array,
    *,
    method: str = "central",
    step: float | None = None,
    max_entries: int = 200,
    seed: int = 0,
) -> GradientChecks:
    """Return a list with one check for each parameter tensor of a network.

    central: (C(w + h) - C(w - h)) / 2h, off by about h^2 and by rounding / h
    complex: Im C(w + ih) / h, exact to the last digits, for analytic functions

    Parameters
    ----------
    net : Network
        Unchanged: a float64 copy on the CPU is checked, without dropout. The
        members of a population are checked all at once, by the sum of their
        losses.
    x : array, shape (batch, features)
        A handful of rows is enough.
    t : array
        Labels (batch,) or targets (batch, n_out).
    method : "central", "complex"
    step : float, optional
        h; by default 1e-5 and 1e-30.
    max_entries : int
        A larger tensor is checked at this many entries: those of the largest
        gradient and a random sample of the rest.
    seed : int
        Key of the sample.

    Raises
    ------
    ConfigError
        An unknown method, a layer or loss that complex numbers cannot pass, or a
        tensor with no entry that can be nudged without crossing a kink.
    ConfigError, DataError
        x or t that `fit` would refuse.

    Notes
    -----
    Of a gradient next to nothing, differences measure only their own rounding
    (1e-11 of the loss); such a tensor's error is taken relative to that noise.

    Examples
    --------
    >>> import gpunet
    >>> net = gpunet.mlp([3, 4, 2], "tanh")
    >>> x = np.array([[0.1, -0.5, 0.3], [0.8, 0.2, -0.4]])
    >>> [c.tensor for c in check_gradients(net, x, np.array([0, 1])) if c.ok]
    ['0.W', '0.b', '2.W', '2.b']
    """
    if method not in METHODS:
        raise ConfigError(f"gradcheck: method: {method!r}: {choices(method, METHODS)}")
    h = STEPS[method] if step is None else float(step)
    if not 0 < h < 1:
        raise ConfigError(f"gradcheck: step must be in (0, 1), got {step!r}")
    if max_entries < 1:
        raise ConfigError(f"gradcheck: max_entries must be >= 1, got {max_entries}")
    if method == "complex":
        _check_analytic(net)
    bk = net.backend
    x, t = (bk.to_host(v) if is_on(v, bk) else v for v in (x, t))
    training = load("training.device_data")
    data = training.as_dataset((x, t))
    data = training.check_data(net, data, "check_gradients", one_class_ok=True)
    x, t = data.x, data.t
    x = x.astype(np.int64 if isinstance(net.layers[0], Embedding) else np.float64)
    t = t.astype(np.int64 if t.dtype.kind in "iub" else np.float64)
    rng = host_rng(seed, "check")
    copy = net.to("cpu")
    with copy.backend.use():
        return _check_all(_cast(copy, "float64"), x, t, method, h, max_entries, rng)


def _cast(net: Network, dtype: str) -> Network:
    params = {name: p.astype(dtype) for name, p in net.params.items()}
    return net.with_params(params, dtype=dtype)


def _check_analytic(net: Network) -> None:
    functions: dict[str, ActivationFunction | Loss] = {
        f"layer {i}": layer.f
        for i, layer in enumerate(net.layers)
        if isinstance(layer, Activation)
    }
    for what, function in (functions | {"loss": net.loss}).items():
        if not function.analytic:
            raise ConfigError(
                f"gradcheck: {what}: {function.name} is not known to be analytic, so "
                "a complex step says nothing; use method central"
            )


def _check_all(
    net: Network,
    x: Array,
    t: Array,
    method: str,
    h: float,
    most: int,
    rng: np.random.Generator,
) -> GradientChecks:
    y, caches = net.forward(x)
    grads = net.backward(caches, net.loss.slope(y, t))
    noise = 0.0
    if method == "central":
        loss = float(np.sum(np.abs(net.loss.value(y, t))))
        noise = 2.0 * np.finfo(float).eps / h * loss / LIMITS[method]
    else:
        net = _cast(net, "complex128")
    checks = GradientChecks()
    for i, layer in enumerate(net.layers):
        tail = _Tail(net, i, x, t, method, h)
        for name in (f"{i}.{tensor}" for tensor in layer.tensors):
            entries = _choose(grads[name], most, rng)
            checks.append(_check_tensor(tail, name, grads[name], entries, noise))
        x = tail.through(i, x)
    return checks


@dataclass(frozen=True)
class _Tail:
    """The network from layer `first` on, with x before that layer."""

    net: Network
    first: int
    x: Array
    t: Array
    method: str
    h: float

    def through(self, i: int, x: Array) -> Array:
        return self.net.layers[i].forward(self.net.params.by_layer[i], x)[0]

    def cost(self) -> tuple[Array, list[Array]]:
        """Return the cost of each example, and on which side of each kink it is."""
        x, sides = self.x, []
        for i in range(self.first, len(self.net.layers)):
            layer = self.net.layers[i]
            if isinstance(layer, Activation) and not layer.f.smooth:
                sides.append(x > 0)
            x = self.through(i, x)
        loss, t = self.net.loss, as_targets(x, self.t)
        if loss.side is not None:
            sides.append(loss.side(x, t))
        return loss.cost(x, t), sides

    def numeric(self, p: Array, index: tuple[int, ...]) -> float | None:
        """Return d cost / d p[index], or None where the nudge crosses a kink."""
        before, h = p[index], self.h
        if self.method == "complex":
            p[index] = before + 1j * h
            total = np.sum(self.cost()[0].imag) / h
        else:
            p[index] = before + h
            above, sides = self.cost()
            p[index] = before - h
            below, others = self.cost()
            # The costs' differences first and their sum then: less rounding.
            total = np.sum(above - below) / (2 * h)
            if not all(map(np.array_equal, sides, others)):
                total = None
        p[index] = before
        return None if total is None else float(total) / self.x.shape[-2]


def _check_tensor(
    tail: _Tail, name: str, grad: Array, entries: list[tuple[int, ...]], noise: float
) -> GradientCheck:
    p = tail.net.params[name]
    measured = [(index, tail.numeric(p, index)) for index in entries]
    kept = [(index, n) for index, n in measured if n is not None]
    layer = layer_title(tail.net.layers[tail.first])
    if not kept:
        raise ConfigError(
            f"gradcheck: {name} of {layer}: every nudge moves a neuron across a kink; "
            "give other data, other weights or a smaller step"
        )
    numeric = np.array([n for _, n in kept])
    analytic = np.array([grad[index] for index, _ in kept])
    apart = np.abs(analytic - numeric)
    # NaN counts as the worst; max() might pass over it.
    worst = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
    scale = max(float(np.max(np.abs(numeric))), noise)
    error = float(apart[worst] / scale) if apart[worst] != 0 else 0.0
    return GradientCheck(
        tensor=name,
        layer=layer,
        index=kept[worst][0],
        analytic=float(analytic[worst]),
        numeric=float(numeric[worst]),
        error=error,
        limit=LIMITS[tail.method],
        n_checked=len(kept),
        n_skipped=len(measured) - len(kept),
    )


def _choose(grad: Array, most: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return indices: all, or those of the largest gradient and a sample."""
    chosen = np.arange(prod(grad.shape))
    if len(chosen) > most:
        order = np.argsort(-np.abs(grad), axis=None, kind="stable")
        top = max(1, most // 10)
        sample = rng.choice(order[top:], most - top, replace=False)
        chosen = np.concatenate([order[:top], sample])
    return [tuple(map(int, np.unravel_index(k, grad.shape))) for k in chosen]
