"""The network: layers in a row, their parameters, forward and backward.

One training step is four lines, and everything else in gpunet serves them:

    y, caches = net.forward(x, train=True)
    dy = net.loss.slope(y, t)
    grads = net.backward(caches, dy)
    optimizer.step(net.params, grads)
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, Literal, overload

from ._lazy import load
from .backend import Array, Backend, HostArray, Params, namespace, open_backend
from .backend.classes import named
from .backend.inputs import example_rows, in_chunks
from .errors import ConfigError
from .layers import Embedding, Layer
from .losses import Loss, get_loss
from .parameters import Parameters, check_layers, initial_parameters, known_dtype
from .random import Draws, member_seeds, members_at


class Network:
    """Layers in a row with their parameters, or a population of such networks.

    Layers that do not fit each other, or a bad seed, are a ConfigError. A
    population is a sequence: `len(nets)`, `nets[3]`, `nets[2:5]`, `for net in nets`.

    Parameters
    ----------
    layers : sequence of Layer
    loss : str or Loss
        The cost that training lowers; it also says what `predict` shows.
    population : int, optional
        How many networks to hold at once; None holds one, without a member
        axis. Every parameter gets a leading axis of this length.
    seed : int or sequence of int
        Key of the start. Member i of a population takes seed + i, or the i-th
        of a sequence: it equals the single network with that seed.
    device : str or Backend
        See `open_backend`.
    dtype : "float32", "float64"

    Attributes
    ----------
    params : dict of str to array
        "0.W", "0.b", ...: the layer's index and the tensor's name.
    classes : tuple or None
        What the labels 0, 1, ... stand for, if not for themselves: `fit` sets it.

    Examples
    --------
    >>> from gpunet.layers import Activation, Dense
    >>> net = Network([Dense(784, 16), Activation("relu"), Dense(16, 10)])
    >>> net
    784-16-10 relu, 12,730 parameters
    """

    classes: tuple | None = None
    _trained = False  # or loaded: what its outputs stand for is settled

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: "str | Loss" = "softmax_cross_entropy",
        *,
        population: int | None = None,
        seed: int | Sequence[int] = 0,
        device: "str | Backend" = "cpu",
        dtype: str = "float32",
    ):
        self.layers = tuple(layers)
        self.loss = get_loss(loss)
        self.seeds = member_seeds(seed, population)
        self.population = population
        self.backend = open_backend(device)
        self.dtype = known_dtype(dtype)
        check_layers(self.layers, self.loss)
        self._params = initial_parameters(
            self.layers, self.seeds, population, self.backend, self.dtype
        )
        self._first = min((int(n.split(".")[0]) for n in self._params), default=0)
        self._names = [
            [(name, f"{i}.{name}") for name in layer.tensors]
            for i, layer in enumerate(self.layers)
        ]

    @property
    def params(self) -> Parameters:
        """The parameters; set wholly, they must be exactly these (ConfigError)."""
        return self._params

    @params.setter
    def params(self, tensors: Params) -> None:
        if tensors is not self._params:  # net.params |= ... sets what it changed
            self._params.check_names(tensors)
            self._params.update(tensors)

    @property
    def n_parameters(self) -> int:
        """Weights and biases of one network."""
        n = sum(prod(p.shape) for p in self.params.values())
        return n // (self.population or 1)

    @property
    def n_in(self) -> int | None:
        """Features of an example; None for words of an Embedding, any number."""
        for layer in self.layers:
            if isinstance(layer, Embedding):
                return None
            if isinstance(n := getattr(layer, "n_in", None), int):
                return n
        return None

    @property
    def n_out(self) -> int:
        """Outputs: the `n_out` of the last layer that has one, or ConfigError."""
        if not self.widths:
            raise ConfigError("network: no layer has an n_out; add a Dense layer")
        return self.widths[-1]

    @property
    def widths(self) -> list[int]:
        """The `n_out` of each layer that has one: Dense, and custom ones."""
        widths = [getattr(layer, "n_out", None) for layer in self.layers]
        return [n for n in widths if isinstance(n, int)]

    def forward(
        self, x: Array, *, train: bool = False, rng: Draws | None = None
    ) -> tuple[Array, list[Any]]:
        """Return the output y, shape (..., batch, n_out), and one cache a layer.

        x is on the network's device, shape (..., batch, features); without a
        population axis all members share it. `train` lets layers behave as in
        training, for which Dropout needs `rng`.
        """
        caches = []
        for layer, own in zip(self.layers, self.params.by_layer, strict=False):
            x, cache = layer.forward(own, x, train=train, rng=rng)
            caches.append(cache)
        return x, caches

    @overload
    def backward(self, caches: list[Any], dy: Array) -> Params: ...

    @overload
    def backward(
        self, caches: list[Any], dy: Array, *, wrt_input: Literal[True]
    ) -> tuple[Params, Array]: ...

    def backward(
        self, caches: list[Any], dy: Array, *, wrt_input: bool = False
    ) -> Params | tuple[Params, Array]:
        """Return the gradient of the loss for every parameter.

        Parameters
        ----------
        caches : list
            From `forward`.
        dy : array, shape (..., batch, n_out)
            Slope of the loss with respect to y.
        wrt_input : bool
            Also return dx, the gradient with respect to the network's input.

        Returns
        -------
        grads : dict of str to array, the names and shapes of `params`
        dx : array, shape (..., batch, features), only with `wrt_input`
        """
        grads, by_layer = {}, self.params.by_layer
        last = 0 if wrt_input else self._first
        for i in range(len(self.layers) - 1, last - 1, -1):
            need_dx = wrt_input or i > last
            layer, params, cache = self.layers[i], by_layer[i], caches[i]
            dy, of_layer = layer.backward(params, cache, dy, need_dx=need_dx)
            for name, full in self._names[i]:
                grads[full] = of_layer[name]
        return (grads, dy) if wrt_input else grads

    def predict(self, x: Any) -> HostArray:
        """Return the outputs for x, on the host.

        Parameters
        ----------
        x : rows, shape (n, features), or one example, shape (features,)
            Nested lists, an array of any library, or a DataFrame of numbers.

        Returns
        -------
        y : host array, shape (..., n, n_out), or (..., n_out) for one example
            Probabilities for the cross-entropies, else the last activations.
        """
        return self._outputs(x, self.loss.inverse_link, "predict")

    def classify(self, x: Any) -> HostArray:
        """Return the label of each row, shape (..., n): the largest output.

        A single output counts as 1 where `predict` gives at least a half. With
        `classes` it is what these say of the label: a text, a number, a boolean.
        """
        return named(self._outputs(x, self.decide, "classify"), self)

    def decide(self, y: Array) -> Array:
        """Return the labels that outputs y mean, shape (..., n), on the device."""
        xp = namespace(y)
        if y.shape[-1] > 1:
            return xp.argmax(y, axis=-1)
        return xp.astype(self.loss.inverse_link(y)[..., 0] >= 0.5, xp.int64)

    def _outputs(self, x: Any, finish: Callable[[Array], Array], who: str) -> HostArray:
        bk, begun = self.backend, self.params.check_reading(who)
        x, single = example_rows(x, self.layers[0], who, bk)
        dtype = None if isinstance(self.layers[0], Embedding) else self.dtype
        axis = 1 if self.population else 0
        y = in_chunks(lambda rows: finish(self.forward(rows)[0]), x, bk, dtype, axis)
        self.params.check_reading(who, begun)
        return y.take(0, axis) if single else y

    def to(self, device: "str | Backend") -> "Network":
        """Return a copy of the network on another device."""
        bk = open_backend(device)
        return self.with_params(self.params.copied("to", backend=bk), backend=bk)

    def member(self, i: int) -> "Network":
        """Return member i of a population as a network (ConfigError: no such one)."""
        n = self.population or 0
        if not 0 <= i < n:
            expected = f"expected 0 to {n - 1}" if n else "this is one network"
            raise ConfigError(f"member: {i}: {expected}")
        own = self.params.copied("member", i)
        return self.with_params(own, seeds=self.seeds[i : i + 1], population=None)

    def __len__(self) -> int:
        if self.population:
            return self.population
        raise TypeError("this is one network, which has no members")

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, i: "int | slice") -> "Network":
        """Return a copy of member i, from -n to n - 1, or a population of a slice."""
        rows = members_at(i, len(self))
        if isinstance(rows, int):
            return self.member(rows)
        some = self.params.copied("member", i)
        return self.with_params(some, seeds=self.seeds[i], population=len(rows))

    def __iter__(self) -> Iterator["Network"]:
        return map(self.member, range(len(self)))

    def with_params(self, params: Params, **changes: Any) -> "Network":
        """Return the same layers and loss around other parameters, not copied.

        Other names are a ConfigError; `changes` are its backend, seeds or population.
        """
        self.params.check_names(params)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **changes)
        other._params = Parameters(params, len(self.layers), other.backend)
        return other

    def __copy__(self) -> "Network":
        return self.with_params(self.params)

    def save(self, path: Any) -> None:
        """Write the network to one file, atomically; see `gpunet.save_network`."""
        load("storage").save_network(self, path)

    @staticmethod
    def load(path: Any, device: "str | Backend" = "cpu", **own: Any) -> "Network":
        """Return the network a file holds; see `gpunet.load_network`."""
        return load("storage").load_network(path, device, **own)

    def summary(self) -> Any:
        """Return a table to print: each layer's output shape and parameters."""
        return load("show.summary").Summary(self)

    def __repr__(self) -> str:
        return load("show.summary").title(self)

    def _repr_html_(self) -> str:
        return load("show.html").network(self)
