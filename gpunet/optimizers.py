"""Optimizers: how the gradient becomes the weights of the next training round.

Gradient descent is one line, `p -= rate * g`; the others keep a running memory
("slots") of past gradients. Hyper-parameters are floats, or one value for each
member of a population. This is the only file of the lesson that writes into
arrays it was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from math import inf, sqrt
from numbers import Real
from typing import Any, ClassVar

from .backend import Array, Backend, Params, namespace
from .errors import ConfigError, check_number
from .updates import clip, shorten, spread

Rate = float | Sequence[float]  # one number, or one for each member


@dataclass
class Optimizer:
    """What all optimizers share; how a tensor moves is each one's own.

    Parameters
    ----------
    learning_rate : float or sequence of float
        One number, or one for each member of a population.
    l2, l1 : float or sequence of float
        Penalties: the gradient of (l2 / 2) |W|^2 + l1 |W| is added for weights,
        never for biases.
    max_norm : float, optional
        Largest length of the weights into one neuron, enforced after each step.
    clip_norm : float, optional
        Largest length of a network's whole gradient; longer ones are scaled.
    layer_rates : dict of str to float
        Factors on the learning rate, by layer ("0") or tensor ("0.W").
    frozen : sequence of str
        Layers or tensors that do not learn.

    Raises
    ------
    ConfigError
        A number that is not finite, is negative, or is out of its range.
    """

    learning_rate: Rate = 0.1
    l2: Rate = 0.0
    l1: Rate = 0.0
    max_norm: float | None = None
    clip_norm: float | None = None
    layer_rates: dict[str, float] = field(default_factory=dict)
    frozen: Sequence[str] = ()

    _per_member: ClassVar[tuple[str, ...]] = ("l2", "l1")
    _memory: ClassVar[tuple[str, ...]] = ()  # slots of each tensor

    def __post_init__(self):
        self.slots: Params = {}
        self.n_steps = 0
        for item in fields(self):
            _check_number(type(self).__name__, item.name, getattr(self, item.name))

    def start(self, params: Params, bk: Backend, population: int | None = None) -> None:
        """Begin a run: forget the past and lay out the numbers for `params`.

        Raises
        ------
        ConfigError
            More or fewer values than members, or a layer that does not exist.
        """
        for key in (*self.layer_rates, *self.frozen):
            if not any(key in (name, name.split(".")[0]) for name in params):
                raise ConfigError(
                    f"{type(self).__name__}: {key!r}: no such layer or tensor; "
                    f"choose from {', '.join(params)}"
                )
        self._backend = bk
        self._learning = [
            name
            for name in params
            if name not in self.frozen and name.split(".")[0] not in self.frozen
        ]
        dtype = next(iter(params.values())).dtype
        self._values = {
            what: self._member_values(what, bk, population, dtype)
            for what in self._per_member
        }
        self._population = population
        self._rates_given = self._host_values("learning_rate", population)
        self._penalized = any(
            not (isinstance(v, float) and v == 0.0)
            for v in (self._values["l2"], self._values["l1"])
        )
        self.slots = {
            f"{name}.{slot}": namespace(params[name]).zeros_like(params[name])
            for slot in self._memory
            for name in self._learning
        }
        self.n_steps = 0
        self._factor: Any = None

    def __getstate__(self):
        return self._moved("to_host")

    def __setstate__(self, state):
        vars(self).update(state)
        vars(self).update(self._moved("array"))

    def _moved(self, verb: str) -> dict[str, Any]:
        """Return the state with its arrays taken to the host, or back by "array"."""
        if not hasattr(self, "_backend"):  # not started: it has none
            return dict(vars(self))
        move = getattr(self._backend, verb)
        slots = {name: move(s) for name, s in self.slots.items()}
        rates = self._values.items()
        values = {k: v if type(v) is float else move(v) for k, v in rates}
        new = {"slots": slots, "_values": values, "_rates": {}, "_factor": None}
        return vars(self) | new  # the rates are computed anew by `step`

    def step(
        self, params: Params, grads: Params, factor: Any = 1.0, *, scaled: bool = False
    ) -> None:
        """Move every parameter against its gradient, in place.

        Parameters
        ----------
        params, grads : dict of str to array
            The same names and shapes; `params` is mutated.
        factor : float, or a list of one for each member
            What a schedule multiplies the learning rate with.
        scaled : bool
            Whether `grads` come from a slope multiplied with `slope_scale`.
        """
        self.n_steps += 1
        if scaled:
            self._move_scaled(params, grads)
            return
        if factor is not self._factor:
            self._factor = factor
            self._rates = {n: self._rate(n, params[n], factor) for n in self._learning}
        if self.clip_norm is not None:
            moving = {name: grads[name] for name in self._learning}
            grads = clip(moving, self.clip_norm, self._population)
        for name in self._learning:
            p, g = params[name], grads[name]
            if self._penalized and name.endswith(".W"):
                g = self._with_penalty(p, g)
            self._move(name, p, g, self._rates[name])
            if self.max_norm is not None and name.endswith(".W"):
                shorten(p, self.max_norm)

    def members(self, some: slice) -> "Optimizer":
        """Return this optimizer for some members; its slots are views of these."""
        part = object.__new__(type(self))
        vars(part).update(vars(self))
        part.slots = {name: s[some, ...] for name, s in self.slots.items()}
        part._values = {
            what: v if isinstance(v, float) else v[some]
            for what, v in self._values.items()
        }
        part._population = some.stop - some.start
        if isinstance(self._rates_given, list):
            part._rates_given = self._rates_given[some]
        part._factor = None  # the rates are the members' own
        return part

    def slope_scale(self, factor: Any, y: Array) -> Any:
        """Return what the loss's slope may be multiplied with, or None.

        Where the step is linear in the gradient, the learning rate need not multiply
        every gradient: the few numbers of that slope, of the shape of y, will do.
        """
        return None

    def _move(self, name: str, p: Array, g: Array, rate: Any) -> None:
        raise AssertionError("each optimizer has its own move")

    def _move_scaled(self, params: Params, grads: Params) -> None:
        raise AssertionError("only where slope_scale gives a number")

    def _host_values(self, what: str, population: int | None) -> Any:
        value = getattr(self, what)
        if isinstance(value, Real):
            return float(value)
        if len(value) != (population or 1):
            raise ConfigError(
                f"{type(self).__name__}: {what}: got {len(value)} values for "
                f"{population or 1} network(s); give one, or one for each"
            )
        return [float(v) for v in value] if population else float(value[0])

    def _member_values(
        self, what: str, bk: Backend, population: int | None, dtype: Any
    ) -> Any:
        value = self._host_values(what, population)
        if isinstance(value, float):
            return value
        return bk.xp.asarray(value, dtype=dtype, device=bk.device)

    def _rate(self, name: str, p: Array, factor: Any) -> Any:
        scale = self.layer_rates.get(
            name, self.layer_rates.get(name.split(".")[0], 1.0)
        )
        return self._scaled_rate(factor, scale, p)

    def _scaled_rate(self, factor: Any, scale: float, p: Array) -> Any:
        """Return learning rate x factor x scale, as a number or spread to fit p.

        Multiplied on the host in double precision and rounded once, so that a
        member's rate is the very number the single network would take.
        """
        rate = self._rates_given
        if isinstance(rate, float) and isinstance(factor, float):
            return rate * factor * scale
        n = self._population or 1
        rates = [rate] * n if isinstance(rate, float) else rate
        factors = [factor] * n if isinstance(factor, float) else factor
        each = [r * f * scale for r, f in zip(rates, factors, strict=True)]
        xp = namespace(p)
        return spread(xp.asarray(each, dtype=p.dtype, device=p.device), p)

    def _with_penalty(self, p: Array, g: Array) -> Array:
        l2, l1 = self._values["l2"], self._values["l1"]
        g = g + spread(l2, p) * p
        if isinstance(l1, float) and l1 == 0.0:
            return g
        return g + spread(l1, p) * namespace(p).sign(p)


@dataclass
class SGD(Optimizer):
    """Gradient descent: p <- p - rate g; with momentum v <- m v - rate g, p <- p + v.

    Parameters
    ----------
    momentum : float or sequence of float, from 0 to below 1
    nesterov : bool
        Step from where the momentum leads: p <- p + m v - rate g with the new v
        (Sutskever et al. 2013, eq. 3 and 4, in the form scikit-learn uses).
    """

    momentum: Rate = 0.0
    nesterov: bool = False

    _per_member: ClassVar = ("l2", "l1", "momentum")

    @property
    def _memory(self) -> tuple[str, ...]:
        off = isinstance(self.momentum, Real) and self.momentum == 0
        return () if off else ("velocity",)

    def slope_scale(self, factor, y):
        """Return rate * factor for plain SGD, spread over the members; else None."""
        plain = not (self._penalized or self.layer_rates or self._memory)
        if not plain or self.clip_norm is not None or self.max_norm is not None:
            return None
        return self._scaled_rate(factor, 1.0, y)

    def _move_scaled(self, params, grads):
        for name in self._learning:
            p = params[name]
            p -= grads[name]

    def _move(self, name, p, g, rate):
        if not self.slots:
            p -= rate * g
            return
        v = self.slots[f"{name}.velocity"]
        m = spread(self._values["momentum"], p)
        g = rate * g
        v *= m
        v -= g
        if self.nesterov:
            p += m * v
            p -= g
        else:
            p += v


@dataclass
class AdaGrad(Optimizer):
    """Rates that fall with the past: s <- s + g^2, p <- p - rate g / (sqrt(s) + eps).

    Duchi et al. 2011, in the diagonal form.
    """

    learning_rate: Rate = 0.01
    eps: float = 1e-10

    _memory: ClassVar = ("square",)

    def _move(self, name, p, g, rate):
        s = self.slots[f"{name}.square"]
        s += g * g
        p -= rate * g / (namespace(p).sqrt(s) + self.eps)


@dataclass
class RMSProp(Optimizer):
    """AdaGrad that forgets: s <- d s + (1 - d) g^2, p <- p - rate g / (sqrt(s) + eps).

    Tieleman and Hinton 2012, lecture 6e.
    """

    learning_rate: Rate = 0.001
    decay: float = 0.9
    eps: float = 1e-8

    _memory: ClassVar = ("square",)

    def _move(self, name, p, g, rate):
        s = self.slots[f"{name}.square"]
        s *= self.decay
        s += (1.0 - self.decay) * (g * g)
        p -= rate * g / (namespace(p).sqrt(s) + self.eps)


@dataclass
class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for their start at zero.

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
    p <- p - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)

    Kingma and Ba 2015, with the order of operations of the end of their section 2.
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    _memory: ClassVar = ("mean", "square")

    def _move(self, name, p, g, rate):
        m, v = self.slots[f"{name}.mean"], self.slots[f"{name}.square"]
        m *= self.beta1
        m += (1.0 - self.beta1) * g
        v *= self.beta2
        v += (1.0 - self.beta2) * (g * g)
        correction, eps = self.corrected(self.n_steps)
        step = namespace(p).sqrt(v)
        step += eps
        p -= rate * (correction * m / step)

    def corrected(self, t: int) -> tuple[float, float]:
        """Return step t's factor on m / (sqrt(v) + eps), and its eps."""
        return sqrt(1.0 - self.beta2**t) / (1.0 - self.beta1**t), self.eps


@dataclass
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: W <- W - rate decay W first.

    p <- p - rate m' / (sqrt(v') + eps), m' = m / (1 - b1^t), v' = v / (1 - b2^t)

    Loshchilov and Hutter 2019, algorithm 2. In Adam's lines eps is eps sqrt(1 - b2^t).
    """

    weight_decay: float = 0.01

    def _move(self, name, p, g, rate):
        if name.endswith(".W"):
            p -= rate * (self.weight_decay * p)
        super()._move(name, p, g, rate)

    def corrected(self, t: int) -> tuple[float, float]:
        """Return step t's factor on m / (sqrt(v) + eps), and its eps."""
        return super().corrected(t)[0], self.eps * sqrt(1.0 - self.beta2**t)


OPTIMIZERS = {
    "sgd": SGD,
    "rmsprop": RMSProp,
    "adagrad": AdaGrad,
    "adam": Adam,
    "adamw": AdamW,
}


def optimizer(name: "str | Optimizer", **settings: Any) -> Optimizer:
    """Return the optimizer called `name` ("sgd", "adam", ...) with its settings.

    An Optimizer comes back as it is.

    Raises
    ------
    ConfigError
        Unknown name, or a setting the optimizer does not have.
    """
    if isinstance(name, Optimizer):
        return name
    if name not in OPTIMIZERS:
        raise ConfigError(
            f"optimizer: {name!r}: no such optimizer; choose from "
            f"{', '.join(OPTIMIZERS)}"
        )
    kind = OPTIMIZERS[name]
    known = [item.name for item in fields(kind)]
    for key in settings:
        if key not in known:
            raise ConfigError(
                f"optimizer: {name}: no setting {key!r}; choose from {', '.join(known)}"
            )
    return kind(**settings)


def _check_number(who: str, what: str, value: Any) -> None:
    optional = what in ("max_norm", "clip_norm") and value is None
    if optional or what in ("frozen", "nesterov"):
        return
    value = list(value.values()) if what == "layer_rates" else value
    values = [value] if isinstance(value, Real | str | None) else list(value)
    top = 1.0 if what in ("momentum", "decay", "beta1", "beta2") else inf
    positive = what in ("learning_rate", "max_norm", "clip_norm")
    for v in values:
        check_number(f"{who}: {what}", v, positive=positive, below=top)
