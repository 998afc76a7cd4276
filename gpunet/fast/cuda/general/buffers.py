"""What the general engine lays out before it trains: stages, and a batch's arrays.

A stage is a Dense layer with the activation and the Dropout that follow it. For
each size of batch a `Plan` holds the arrays that a step writes, and the matrix
products between them, so that a step allocates nothing.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from ....activations import get_activation
from ....backend import Array
from ....layers import Activation, Dense, Dropout, Layer

ACTIVATIONS = (
    *("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu"),
    *("silu", "softplus"),
)
_NEED_Z = {"leaky_relu", "gelu", "silu", "softplus"}  # a alone does not tell the slope


class Stage(NamedTuple):
    """A Dense layer and what follows it.

    Attributes
    ----------
    at : int
        The Dense layer's place in the row: its tensors are f"{at}.W" and f"{at}.b".
    n_in, n_out : int
    kind : str
        The activation's name; "identity" where there is none.
    alpha : float
        Its parameter.
    rate : float
        Of the Dropout; 0 where there is none.
    """

    at: int
    n_in: int
    n_out: int
    kind: str = "identity"
    alpha: float = 0.0
    rate: float = 0.0

    @property
    def needs_z(self) -> bool:
        """Whether the slope needs z beside a."""
        return self.kind in _NEED_Z


def stages(layers: Sequence[Layer]) -> list[Stage] | str:
    """Return the stages of a row of layers, or why it is none."""
    found: list[Stage] = []
    for i, layer in enumerate(layers):
        own = type(layer)  # a class derived from it may compute anything
        name = own.__name__
        if own is Dense:
            found.append(Stage(i, layer.n_in, layer.n_out))
        elif not found:
            return f"it begins with {name}, not with Dense"
        elif own is Dropout:
            if found[-1].rate:
                return "two Dropouts follow each other"
            found[-1] = found[-1]._replace(rate=layer.rate)
        elif own is Activation:
            kind, _, number = get_activation(layer.function).name.partition(":")
            before = found[-1]
            if kind not in ACTIVATIONS or not _built_in(layer.function):
                return f"it has no kernel for the activation {kind}"
            if before.kind != "identity" or before.rate:
                return f"the activation {kind} does not stand right after a Dense layer"
            found[-1] = before._replace(kind=kind, alpha=float(number or 0))
        else:
            return f"it has no kernel for {name}"
    return found or "it has no Dense layer"


def _built_in(function: Any) -> bool:
    return isinstance(function, str)


class Plan:
    """The arrays of a step on batches of one size, and its matrix products.

    Parameters
    ----------
    engine : General
    rows : int
        Examples of the batch.
    """

    def __init__(self, engine: Any, rows: int):
        net, products, pool = engine.net, engine.products, engine.pool
        lead = (net.population,) if net.population else ()
        half = engine.half
        first = engine.stages[0]
        x_lead = lead if engine.batches.per_member else ()
        self.rows, self.total = rows, rows * (net.population or 1)
        self.x = pool.take("x", (*x_lead, rows, first.n_in), engine.operand)
        given, self.z, self.a, self.da = self.x, [], [], []
        self.half_a, self.half_dz, self.masks = [], [], []
        self.forward, self.to_left, self.to_weights = [], [], []
        zero, one = engine.zero, engine.one
        for i, s in enumerate(engine.stages):
            shape = (*lead, rows, s.n_out)
            z = pool.take(f"z{i}", shape)
            a = pool.take(f"a{i}", shape) if s.needs_z else z
            da = pool.take(f"da{i}", shape)
            h = pool.take(f"h{i}", shape, "float16") if half else None
            dh = pool.take(f"dh{i}", shape, "float16") if half else None
            mask = pool.take(f"mask{i}", shape, "uint8") if s.rate else None
            W = engine.weights[i]
            self.forward.append(products.prepare(given, W, z, one, zero))
            dz, alpha = dh if half else da, engine.alphas[i]
            self.to_weights.append(
                (
                    products.prepare(
                        given, dz, engine.grads[f"{s.at}.W"], alpha, zero, turn_a=True
                    ),
                    products.prepare(
                        given,
                        dz,
                        net.params[f"{s.at}.W"],
                        alpha,
                        engine.betas[i],
                        turn_a=True,
                    ),
                )
            )
            self.to_left.append(
                products.prepare(dz, W, self.da[-1], one, zero, turn_b=True)
                if i
                else None
            )
            self.z.append(z)
            self.a.append(a)
            self.da.append(da)
            self.half_a.append(h)
            self.half_dz.append(dh)
            self.masks.append(mask)
            given = h if half else a
        self.costs = pool.take("costs", (self.total,))
        self.hits = pool.take("hits", (self.total,), "int32")


class Pool:
    """Arrays by name, as large as the largest batch needs; smaller ones share them."""

    def __init__(self, xp: Any, dtype: str):
        self._xp, self._dtype, self._flat = xp, dtype, {}

    def take(self, name: str, shape: tuple[int, ...], dtype: str = "") -> Array:
        """Return an array of that shape; plans are made from the largest down."""
        if name not in self._flat:
            self._flat[name] = self._xp.empty(prod(shape), dtype=dtype or self._dtype)
        return self._xp.reshape(self._flat[name][: prod(shape)], shape)
