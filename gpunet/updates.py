"""What all optimizers share: rates, penalties, clipping, members, frozen tensors.

In a population every member is measured and scaled by itself, so that one that
diverges leaves the others as they are, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar

from .backend import Array, Backend, Params, namespace
from .errors import ConfigError, check_number
from .io.messages import choices, counted

Rate = float | Sequence[float]  # one number, or one for each member


def expand_members(value: Any, p: Array) -> Any:
    """Return per-member values (P,) with axes after them that fit p (P, ...)."""
    if isinstance(value, float):
        return value
    return namespace(p).reshape(value, (-1, *[1] * (p.ndim - 1)))


def gradient_norm(grads: Params, population: int | None = None) -> Array:
    """Return the length of each network's whole gradient.

    Parameters
    ----------
    grads : dict of str to array
    population : int, optional
        Length of the member axis, None without one.

    Returns
    -------
    norm : array, shape () or (P,)
    """
    total: Any = 0.0
    for g in grads.values():
        axes = tuple(range(1 if population else 0, g.ndim))
        total = total + namespace(g).sum(g * g, axis=axes)
    return namespace(total).sqrt(total)


def clip_by_norm(
    grads: Params, longest: float, population: int | None = None
) -> Params:
    """Return gradients scaled so that no network's is longer than `longest`."""
    norm = gradient_norm(grads, population)
    xp = namespace(norm)
    scale = xp.where(norm > longest, longest / norm, xp.ones_like(norm))
    return {
        name: g * (expand_members(scale, g) if population else scale)
        for name, g in grads.items()
    }


def add_penalties(params: Params, grads: Params, l2: Any, l1: Any) -> Params:
    """Return gradients with that of (l2 / 2) |W|^2 + l1 |W| added to each W's."""
    added = dict(grads)
    for name, g in grads.items():
        if name.endswith(".W"):
            W = params[name]
            g = g + expand_members(l2, W) * W
            if not (isinstance(l1, float) and l1 == 0.0):
                g = g + expand_members(l1, W) * namespace(W).sign(W)
            added[name] = g
    return added


def limit_weight_norm(W: Array, longest: float) -> None:
    """Scale the weights into each neuron to at most `longest`, in place."""
    xp = namespace(W)
    norm = xp.sqrt(xp.sum(W * W, axis=-2, keepdims=True))  # (..., 1, n_out)
    W *= xp.where(norm > longest, longest / norm, xp.ones_like(norm))


@dataclass
class Optimizer:
    """The parent of optimizers; a child has `update`, and `slot_names` for memory.

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

    Attributes
    ----------
    state : dict of str to array
        The memory of each tensor: "0.W.velocity" for the slot "velocity".
    n_steps : int

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

    per_member: ClassVar[tuple[str, ...]] = ("l2", "l1")  # and the learning rate
    ranges: ClassVar[dict[str, dict[str, Any]]] = {
        **{name: {"positive": True} for name in ("learning_rate", "max_norm")},
        **{"clip_norm": {"positive": True}, "l2": {}, "l1": {}, "layer_rates": {}},
    }

    def __post_init__(self) -> None:
        self.state: Params = {}
        self.n_steps = 0
        for name, bounds in self.ranges.items():
            value = getattr(self, name)
            if value is None and name in ("max_norm", "clip_norm"):
                continue
            value = list(value.values()) if name == "layer_rates" else value
            values = [value] if isinstance(value, Real | str | None) else list(value)
            for number in values:
                check_number(f"{type(self).__name__}: {name}", number, **bounds)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of the arrays, shaped like each tensor, that `update` remembers."""
        return ()

    def update(self, name: str, p: Array, g: Array, rate: Any, *slots: Array) -> None:
        """Move one tensor against its gradient, in place.

        Parameters
        ----------
        name : str
            Such as "0.W".
        p, g : array
            The tensor, mutated, and its gradient.
        rate : float or array that broadcasts with p
        *slots : array, mutated
            One for each of `slot_names`, zero before the first step.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update")

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
                    f"{choices(key, params)}"
                )
        self._backend, self._population = bk, population
        self._learning = [
            name
            for name in params
            if name not in self.frozen and name.split(".")[0] not in self.frozen
        ]
        self._learning_rate = self._host_value("learning_rate")
        dtype = next(iter(params.values())).dtype
        self._values = {}
        for name in self.per_member:
            value = self._host_value(name)
            if not isinstance(value, float):
                value = bk.xp.asarray(value, dtype=dtype, device=bk.device)
            self._values[name] = value
        self.state = {
            f"{name}.{slot}": namespace(params[name]).zeros_like(params[name])
            for slot in self.slot_names
            for name in self._learning
        }
        self.n_steps = 0
        self._factor: Any = None
        self._slots = self._slots_by_tensor()

    def step(self, params: Params, grads: Params, factor: Any = 1.0) -> None:
        """Move every parameter against its gradient, in place.

        Parameters
        ----------
        params, grads : dict of str to array
            The same names and shapes; `params` is mutated.
        factor : float, or a list of one for each member
            What a schedule multiplies the learning rate with.
        """
        self.n_steps += 1
        if factor is not self._factor:
            self._factor = factor
            self._rates = {n: self._rate(n, params[n], factor) for n in self._learning}
        rates = self._rates
        if self.clip_norm is not None:
            grads = {name: grads[name] for name in self._learning}
            grads = clip_by_norm(grads, self.clip_norm, self._population)
        l2, l1 = self._values["l2"], self._values["l1"]
        if not (isinstance(l2, float) and isinstance(l1, float) and l2 == l1 == 0.0):
            grads = add_penalties(params, grads, l2, l1)
        for name, slots in self._slots.items():
            self.update(name, params[name], grads[name], rates[name], *slots)
            if self.max_norm is not None and name.endswith(".W"):
                limit_weight_norm(params[name], self.max_norm)

    def rates(self, factor: Any = 1.0) -> list[float]:
        """Return each member's learning rate times the schedule's factor."""
        rate, n = self._learning_rate, self._population or 1
        rates = rate if isinstance(rate, list) else [rate] * n
        factors = factor if isinstance(factor, list) else [factor] * n
        return [r * float(f) for r, f in zip(rates, factors, strict=True)]

    def member_value(self, name: str, p: Array) -> Any:
        """Return a hyper-parameter of `per_member`, shaped to broadcast with p."""
        return expand_members(self._values[name], p)

    def members(self, some: slice) -> "Optimizer":
        """Return this optimizer for some members; its state are views of this one's."""
        part = object.__new__(type(self))
        vars(part).update(vars(self))
        part.state = {name: s[some, ...] for name, s in self.state.items()}
        part._values = {
            name: v if isinstance(v, float) else v[some]
            for name, v in self._values.items()
        }
        part._population = some.stop - some.start
        if isinstance(self._learning_rate, list):
            part._learning_rate = self._learning_rate[some]
        part._factor = None  # the rates are the members' own
        part._slots = part._slots_by_tensor()
        return part

    def _slots_by_tensor(self) -> dict[str, list[Array]]:
        return {
            name: [self.state[f"{name}.{slot}"] for slot in self.slot_names]
            for name in self._learning
        }

    def _host_value(self, name: str) -> Any:
        value = getattr(self, name)
        if isinstance(value, Real):
            return float(value)
        n = self._population or 1
        if len(value) != n:
            remedy = "one for each" if self._population else "make a population"
            raise ConfigError(
                f"{type(self).__name__}: {name}: got {counted(len(value), 'value')} "
                f"for {counted(n, 'network')}; give one, or {remedy}"
            )
        return [float(v) for v in value] if self._population else float(value[0])

    def _rate(self, name: str, p: Array, factor: Any) -> Any:
        """Return learning rate x factor x layer's rate, as a number or to fit p.

        Multiplied on the host in double precision and rounded once, so that a
        member's rate is the very number the single network would use.
        """
        by_layer = self.layer_rates.get(name.split(".")[0], 1.0)
        scale = self.layer_rates.get(name, by_layer)
        if isinstance(self._learning_rate, float) and isinstance(factor, float):
            return self._learning_rate * factor * scale
        each = [rate * scale for rate in self.rates(factor)]
        rates = namespace(p).asarray(each, dtype=p.dtype, device=p.device)
        return expand_members(rates, p)

    def __getstate__(self) -> dict[str, Any]:
        return self._moved("to_host")

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        vars(self).update(self._moved("array"))
        if self.state:
            self._slots = self._slots_by_tensor()

    def _moved(self, verb: str) -> dict[str, Any]:
        """Return the attributes, arrays taken to the host, or back by "array"."""
        if not hasattr(self, "_backend"):  # not started: it has no arrays
            return dict(vars(self))
        move = getattr(self._backend, verb)
        state = {name: move(s) for name, s in self.state.items()}
        values = self._values.items()
        moved = {k: v if type(v) is float else move(v) for k, v in values}
        new = {"state": state, "_values": moved, "_rates": {}, "_factor": None}
        if verb == "to_host":
            new["_slots"] = {name: [] for name in self._learning}
        return vars(self) | new  # the rates are computed anew by `step`
