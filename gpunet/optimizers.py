"""Optimizers: how the gradient becomes the weights of the next training round.

Gradient descent is one line, `p -= rate * g`; the others remember past gradients
in arrays that each tensor has of its own. What they share (rates, penalties,
clipping, members of a population) is in `updates`. Only these two files of the
lesson write into arrays that they were given.
"""

from dataclasses import dataclass, fields
from math import sqrt
from numbers import Real
from typing import Any, ClassVar

from .backend import Array, namespace
from .errors import ConfigError
from .io.messages import choices
from .updates import Optimizer, Rate


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

    per_member: ClassVar = ("l2", "l1", "momentum")
    ranges: ClassVar = Optimizer.ranges | {"momentum": {"below": 1.0}}

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Velocity, unless the momentum is 0."""
        off = isinstance(self.momentum, Real) and self.momentum == 0
        return () if off else ("velocity",)

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move p as the formula says."""
        step = rate * g
        if not slots:
            p -= step
            return
        (v,), m = slots, self.member_value("momentum", p)
        v *= m
        v -= step
        if self.nesterov:
            p += m * v
            p -= step
        else:
            p += v


@dataclass
class AdaGrad(Optimizer):
    """Rates that fall with the past: s <- s + g^2, p <- p - rate g / (sqrt(s) + eps).

    Duchi et al. 2011, in the diagonal form.
    """

    learning_rate: Rate = 0.01
    eps: float = 1e-10

    slot_names: ClassVar = ("square",)
    ranges: ClassVar = Optimizer.ranges | {"eps": {}}

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move p as the formula says."""
        (s,) = slots
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

    slot_names: ClassVar = ("square",)
    ranges: ClassVar = Optimizer.ranges | {"decay": {"below": 1.0}, "eps": {}}

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move p as the formula says."""
        (s,) = slots
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

    slot_names: ClassVar = ("mean", "square")
    ranges: ClassVar = AdaGrad.ranges | {f"beta{i}": {"below": 1.0} for i in (1, 2)}

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move p as the formula says."""
        m, v = slots
        m *= self.beta1
        m += (1.0 - self.beta1) * g
        v *= self.beta2
        v += (1.0 - self.beta2) * (g * g)
        correction, eps = self.corrected(self.n_steps)
        root = namespace(p).sqrt(v)
        root += eps
        p -= rate * (correction * m / root)

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

    ranges: ClassVar = Adam.ranges | {"weight_decay": {}}

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move p as the formula says."""
        if name.endswith(".W"):
            p -= rate * (self.weight_decay * p)
        super().update(name, p, g, rate, *slots)

    def corrected(self, t: int) -> tuple[float, float]:
        """Return step t's factor on m / (sqrt(v) + eps), and its eps."""
        return super().corrected(t)[0], self.eps * sqrt(1.0 - self.beta2**t)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSProp,
    "adagrad": AdaGrad,
    "adam": Adam,
    "adamw": AdamW,
}


def get_optimizer(name: "str | Optimizer", **settings: Any) -> Optimizer:
    """Return the optimizer called `name` ("sgd", ...) with its settings.

    An Optimizer comes back as it is; an unknown name or setting is a ConfigError.
    """
    if isinstance(name, Optimizer):
        return name
    if not isinstance(name, str) or name not in OPTIMIZERS:
        hint = choices(name, OPTIMIZERS, "or give an instance of your class")
        raise ConfigError(f"optimizer: {name!r:.60}: no such optimizer; {hint}")
    known = [item.name for item in fields(OPTIMIZERS[name])]
    for key in settings:
        if key not in known:
            hint = choices(key, known)
            raise ConfigError(f"optimizer: {name}: no setting {key!r}; {hint}")
    return OPTIMIZERS[name](**settings)
