"""Layers: hyper-parameters, and how data go forward and gradients go back.

A layer holds no arrays. Its long-term state, weights and biases, is `params`;
its transient state, what the backward pass needs of this forward pass, is the
cache. All arrays are (..., batch, features) and all weights (..., n_in, n_out);
leading axes are a population of networks. Backward turns dy, the gradient of the
loss with respect to the layer's output, into dx and one gradient a parameter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from numbers import Real
from typing import Any, ClassVar

from .activations import ActivationFunction, get_activation
from .backend import Array, HostArray, Params, namespace, scatter_add
from .errors import ConfigError, renamed_keywords
from .initializers import check_initializer, initial_values
from .random import Draws, HostGenerator

LayerParams = Mapping[str, Array]  # a layer's tensors, by their short names
Rng = Draws | None


def _positive(what: str, **sizes: int) -> None:
    for name, size in sizes.items():
        whole = isinstance(size, int) and not isinstance(size, bool)
        if not whole or not 1 <= size < 2**62:
            raise ConfigError(
                f"{what}: {name}: expected a whole number from 1 to 2^62, got "
                f"{size!r:.40}"
            )


class Layer:
    """The parent of layers: `tensors` names the parameters, of which it has none.

    One that changes the number of features says so by attributes n_in and n_out.
    """

    tensors: ClassVar[tuple[str, ...]] = ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter, by name."""
        return {}

    def init(self, rng: HostGenerator) -> dict[str, HostArray]:
        """Return the start of each parameter: float64 host arrays by name."""
        return {}

    def forward(
        self, params: LayerParams, x: Array, *, train: bool = False, rng: Rng = None
    ) -> tuple[Array, Any]:
        """Return (y, cache) for x of shape (..., batch, features)."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(
        self, params: LayerParams, cache: Any, dy: Array, *, need_dx: bool = True
    ) -> tuple[Array | None, Params]:
        """Return (dx, grads); dx is None when nobody needs it."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: z = x W + b.

    Parameters
    ----------
    n_in, n_out : int
        Neurons of the layer before and of this one.
    weight_init, bias_init : str, float or array
        How they start; see `gpunet.initializers`.

    W has shape (..., n_in, n_out), the transpose of the books' w_jk. b has shape
    (..., n_out) and is added: the notes' threshold is -b.
    """

    tensors: ClassVar = ("W", "b")
    n_in: int
    n_out: int
    weight_init: Any = "lecun_normal"
    bias_init: Any = "zeros"

    def __post_init__(self) -> None:
        _positive("Dense", n_in=self.n_in, n_out=self.n_out)
        check_initializer(self.weight_init)
        check_initializer(self.bias_init)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of W and b."""
        return {"W": (self.n_in, self.n_out), "b": (self.n_out,)}

    def init(self, rng: HostGenerator) -> dict[str, HostArray]:
        """Return W, shape (n_in, n_out), and b, shape (n_out,)."""
        sizes = (self.n_in, self.n_out)
        return {
            "W": initial_values(self.weight_init, rng, *sizes, sizes),
            "b": initial_values(self.bias_init, rng, *sizes, sizes[1:]),
        }

    def forward(self, params, x, *, train=False, rng=None) -> tuple[Array, Any]:
        """Return z = x W + b, shape (..., batch, n_out); the cache is x."""
        if x.shape[-1] != self.n_in:
            hint = "; flatten it first" if prod(x.shape[1:]) == self.n_in else ""
            raise ConfigError(
                f"Dense({self.n_in}, {self.n_out}) expected a last axis of "
                f"{self.n_in}, got x of shape {tuple(x.shape)}{hint}"
            )
        z = x @ params["W"]  # (..., batch, n_in) @ (..., n_in, n_out)
        b = params["b"]
        z += b if b.ndim == 1 else b[..., None, :]
        return z, x

    def backward(self, params, cache, dy, *, need_dx=True) -> tuple[Any, Params]:
        """Return dx = dz W^T and grads W = x^T dz, b = sum of dz over the batch."""
        x, dz = cache, dy
        xp = namespace(dz)
        x_columns = xp.matrix_transpose(x)
        # (..., n_in, batch) @ (..., batch, n_out); of a batch of one the product is
        # an outer product, which is 10 times faster so.
        dW = x_columns * dz if x.shape[-2] == 1 else x_columns @ dz
        grads = {"W": dW, "b": xp.sum(dz, axis=-2)}
        return dz @ xp.matrix_transpose(params["W"]) if need_dx else None, grads


_old_names = renamed_keywords(weights="weight_init", biases="bias_init")
Dense.__init__ = _old_names(Dense.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class Activation(Layer):
    """An activation function on every neuron: a = f(z).

    Parameters
    ----------
    function : str or ActivationFunction
        Such as "relu"; see `gpunet.activation`.
    """

    function: "str | ActivationFunction"

    def __post_init__(self) -> None:
        get_activation(self.function)  # an unknown name is refused here

    @cached_property
    def f(self) -> ActivationFunction:
        """The function that `function` names."""
        return get_activation(self.function)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "f"}  # may be a closure

    def forward(self, params, x, *, train=False, rng=None) -> tuple[Array, Any]:
        """Return a = f(z), the shape of z; the cache is (z, a)."""
        a = self.f.value(x)
        return a, (x, a)

    def backward(self, params, cache, dy, *, need_dx=True) -> tuple[Any, Params]:
        """Return dz = da f'(z)."""
        z, a = cache
        return self.f.backward(z, a, dy) if need_dx else None, {}


@dataclass(frozen=True)
class Dropout(Layer):
    """Silence each activation with probability `rate` while training.

    The others are divided by 1 - rate (inverted dropout; Srivastava et al. 2014).
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.rate, Real) or not 0 <= self.rate < 1:
            raise ConfigError(
                f"Dropout: rate: expected a number from 0 to below 1, got {self.rate!r}"
            )

    def forward(self, params, x, *, train=False, rng=None) -> tuple[Array, Any]:
        """Return x with activations silenced; the cache is the mask, or None."""
        if not train or self.rate == 0:
            return x, None
        if rng is None:
            raise ConfigError(
                "Dropout: train=True needs rng, a source of random numbers"
            )
        keep = namespace(x).astype(rng.uniform(x.shape[-2:]) >= self.rate, x.dtype)
        mask = keep / (1.0 - self.rate)
        return x * mask, mask

    def backward(self, params, cache, dy, *, need_dx=True) -> tuple[Any, Params]:
        """Return dx: what was silenced passes nothing back."""
        return dy if cache is None else dy * cache, {}


@dataclass(frozen=True)
class Flatten(Layer):
    """Make rows of pictures: (..., batch, *shape) becomes (..., batch, prod)."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        whole = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        object.__setattr__(self, "shape", whole)
        _positive("Flatten", **{f"shape[{k}]": n for k, n in enumerate(self.shape)})

    def forward(self, params, x, *, train=False, rng=None) -> tuple[Array, Any]:
        """Return x with its last axes made one; the cache is nothing."""
        rank = len(self.shape)
        if tuple(x.shape[-rank:]) != self.shape:
            raise ConfigError(
                f"Flatten expected last axes {self.shape}, got x of shape "
                f"{tuple(x.shape)}"
            )
        flat = (*x.shape[:-rank], prod(self.shape))
        return namespace(x).reshape(x, flat), None

    def backward(self, params, cache, dy, *, need_dx=True) -> tuple[Any, Params]:
        """Return dx in the shape of the pictures."""
        return namespace(dy).reshape(dy, (*dy.shape[:-1], *self.shape)), {}


@dataclass(frozen=True)
class Embedding(Layer):
    """A table of vectors looked up by integer: rows of W side by side.

    The same as a Dense layer on one-hot inputs, without the multiplications.

    Parameters
    ----------
    n_words, n_features : int
        W has shape (..., n_words, n_features); x holds integers, shape
        (..., batch, k), and y has shape (..., batch, k * n_features).
    weight_init : str, float or array
    """

    tensors: ClassVar = ("W",)
    n_words: int
    n_features: int
    weight_init: Any = "standard_normal"

    def __post_init__(self) -> None:
        _positive("Embedding", n_words=self.n_words, n_features=self.n_features)
        check_initializer(self.weight_init)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of W."""
        return {"W": (self.n_words, self.n_features)}

    def init(self, rng: HostGenerator) -> dict[str, HostArray]:
        """Return W, shape (n_words, n_features)."""
        sizes = (self.n_words, self.n_features)
        return {"W": initial_values(self.weight_init, rng, *sizes, sizes)}

    def forward(self, params, x, *, train=False, rng=None) -> tuple[Array, Any]:
        """Return the rows that x names; the cache is the row numbers used."""
        W = params["W"]
        xp = namespace(W)
        lead, tail = W.shape[:-2], x.shape[-2:]
        x = xp.broadcast_to(x, (*lead, *tail))
        # One long table: member m's word w stands in row m * n_words + w.
        first = xp.arange(prod(lead), dtype=x.dtype, device=x.device) * self.n_words
        rows = xp.reshape(x, (prod(lead), prod(tail))) + first[:, None]
        rows = xp.reshape(rows, (-1,))
        table = xp.reshape(W, (-1, self.n_features))
        y = xp.take(table, rows, axis=0)
        return xp.reshape(y, (*lead, tail[0], tail[1] * self.n_features)), rows

    def backward(self, params, cache, dy, *, need_dx=True) -> tuple[Any, Params]:
        """Return no dx (integers have none) and the grads of the rows used."""
        W = params["W"]
        xp = namespace(W)
        table = xp.zeros(
            (prod(W.shape[:-1]), self.n_features), dtype=W.dtype, device=W.device
        )
        scatter_add(table, cache, xp.reshape(dy, (-1, self.n_features)))
        return None, {"W": xp.reshape(table, W.shape)}


Embedding.__init__ = _old_names(Embedding.__init__)  # type: ignore[method-assign]


_KINDS: tuple[type[Layer], ...] = (Dense, Activation, Dropout, Flatten, Embedding)
LAYERS = {kind.__name__: kind for kind in _KINDS}
