"""A network's parameters: what is shown by name is what the layers use.

The names and shapes are fixed when the network is made. A tensor may be set, and
is then converted to the dtype and device of the one that it replaces; whatever
would add, remove or reshape one is refused, so that the two views, by full name
and by layer, always hold the same arrays.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from threading import Lock, get_ident
from types import MappingProxyType
from typing import Any, NoReturn, Self

from .backend import Array, Backend, HostArray, Params
from .errors import ConfigError
from .io.messages import choices, counted
from .layers import Layer
from .losses import Loss
from .random import check_population_memory, host_rng

_CLAIM = Lock()  # of `training`: of two threads that begin at once, one is refused


class Parameters(dict[str, Array]):
    """A network's tensors by full name, "0.W", and the same arrays by layer.

    Parameters
    ----------
    tensors : dict of str to array
        On the device; not copied.
    n_layers : int
    backend : Backend
        Where values that are set later go.

    Attributes
    ----------
    by_layer : list of mappings, read-only
        What each layer's `forward` and `backward` get: {"W": ..., "b": ...}.
    """

    def __init__(self, tensors: Params, n_layers: int, backend: Backend):
        super().__init__(tensors)
        self._backend = backend
        self._layers: list[Params] = [{} for _ in range(n_layers)]
        for full, p in tensors.items():
            self._put(full, p)
        self.by_layer = [MappingProxyType(own) for own in self._layers]
        self._thread: int | None = None  # the one that trains these parameters
        self._n_trainings = 0

    def __setitem__(self, full: str, value: Any) -> None:
        """Replace a tensor, here and in `by_layer`.

        An array of the right dtype on the right device is taken as it is; all
        else is converted and copied.

        Raises
        ------
        ConfigError
            No such parameter, another shape, or values that are no real numbers.
        """
        self._put(full, self._fitted(full, value))

    def update(self, *tensors: Any, **named: Any) -> None:
        """Replace tensors, all or none; takes what `dict.update` takes."""
        fitted = {
            full: self._fitted(full, value)
            for full, value in dict(*tensors, **named).items()
        }
        for full, p in fitted.items():
            self._put(full, p)

    def __ior__(self, tensors: Any) -> Self:  # type: ignore[override,misc]
        self.update(tensors)
        return self

    def setdefault(self, full: str, default: Any = None) -> Array:
        """Return a tensor; a name that is not there is refused (ConfigError)."""
        self._check_name(full)
        return self[full]

    def _refuse_removal(self, *args: Any) -> NoReturn:
        raise ConfigError(
            "params: a network's parameters cannot be removed; set them instead, as "
            'in net.params["0.W"][...] = 0.0, or work on a copy: dict(net.params)'
        )

    __delitem__ = pop = popitem = clear = _refuse_removal

    def check_names(self, tensors: Any) -> None:
        """Refuse tensors that are not exactly those of the network (ConfigError)."""
        missing = [full for full in self if full not in tensors]
        if missing:
            raise ConfigError(
                f"params: expected {', '.join(self)}, got none of the name "
                f"{', '.join(missing)}; give every parameter, or set single ones by "
                "net.params[name]"
            )
        for full in tensors:
            self._check_name(full)

    def __copy__(self) -> Params:
        return dict(self)  # as copy() gives it: the same arrays, free to change

    def __reduce__(self) -> tuple:
        self.check_reading("copy")
        to_host = self._backend.to_host
        tensors = {full: to_host(p) for full, p in self.items()}
        return _from_host, (tensors, len(self._layers), self._backend)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Return the context in which the calling thread trains these parameters.

        Raises
        ------
        ConfigError
            Another thread trains them already.
        """
        with _CLAIM:
            self.check_reading("fit")
            before, self._thread = self._thread, get_ident()
            self._n_trainings += 1
        try:
            yield
        finally:
            self._thread = before

    def check_reading(self, what: str, begun: int | None = None) -> int:
        """Refuse to read parameters that another thread is changing.

        Called before they are read, and once more after it with what the first
        call returned.

        Parameters
        ----------
        what : str
            Who reads, for the message.
        begun : int, optional

        Returns
        -------
        begun : int
            How often training has begun.

        Raises
        ------
        ConfigError
        """
        changed = begun is not None and begun != self._n_trainings
        if changed or self._thread not in (None, get_ident()):
            raise ConfigError(
                f"{what}: another thread is training this network, so its parameters "
                "change while they are read; wait until fit returns, use a callback, "
                "or a copy made before: copy.deepcopy(net)"
            )
        return self._n_trainings

    def copied(self, what: str, i: Any = ..., backend: Backend | None = None) -> Params:
        """Return copies of the tensors, or of their parts `[i]`, on a backend.

        `what` is who reads them, for the message of `check_reading`.
        """
        old, new = self._backend, backend or self._backend
        begun = self.check_reading(what)
        tensors = {name: new.array(old.to_host(p)[i]) for name, p in self.items()}
        self.check_reading(what, begun)
        return tensors

    def _put(self, full: str, p: Array) -> None:
        super().__setitem__(full, p)
        layer, _, name = full.partition(".")
        self._layers[int(layer)][name] = p

    def _check_name(self, full: Any) -> None:
        if full not in self:
            raise ConfigError(
                f"params: {full!r:.80}: no such parameter; {choices(full, self)}"
            )

    def _fitted(self, full: str, value: Any) -> Array:
        """Return a value as an array that can take a tensor's place."""
        self._check_name(full)
        old, bk = self[full], self._backend
        own = type(value) is type(old) and value.device == old.device
        if not own or value.dtype != old.dtype or not _in_c_order(value):
            dtype = str(old.dtype).rpartition(".")[2]
            try:
                with bk.use():
                    host = bk.to_host(value) if own else value
                    value = bk.array(_real(host, dtype), dtype)
            except (TypeError, ValueError, AttributeError, RuntimeError) as error:
                raise ConfigError(
                    f"params: {full}: expected {dtype} numbers of shape "
                    f"{tuple(old.shape)} for {bk.name}, got {type(value).__name__} "
                    f"({str(error)[:80]}); give an array on the host"
                ) from error
        if tuple(value.shape) != tuple(old.shape):
            raise ConfigError(
                f"params: {full}: expected shape {tuple(old.shape)}, got "
                f"{tuple(value.shape)}; to fill it with one number write "
                f'net.params["{full}"][...] = number'
            )
        return value


def _in_c_order(p: Array) -> bool:
    flags = getattr(p, "flags", None)  # compiled engines read raw memory
    return flags is None or flags.c_contiguous


def _real(host: Any, dtype: str) -> Any:
    """Return what a cast may take: it would drop an imaginary part silently."""
    kind = str(getattr(host, "dtype", ""))
    if "complex" in kind and not dtype.startswith("complex"):
        raise TypeError(f"its dtype is {kind}")
    return host


def _from_host(
    tensors: dict[str, HostArray], n_layers: int, backend: Backend
) -> Parameters:
    """Return what was pickled: memory of its own, on its backend again."""
    with backend.use():
        own = {full: backend.array(p) for full, p in tensors.items()}
    return Parameters(own, n_layers, backend)


def initial_parameters(
    layers: Sequence[Layer],
    seeds: Sequence[int],
    population: int | None,
    backend: Backend,
    dtype: str,
) -> Parameters:
    """Return the start of every tensor: of one network, or of a population's."""
    shapes = [shape for layer in layers for shape in layer.shapes().values()]
    check_population_memory(population, 8 * sum(map(prod, shapes)))
    starts = []
    for seed in seeds:
        rng = host_rng(seed, "init")
        start = {
            f"{i}.{name}": value
            for i, layer in enumerate(layers)
            for name, value in layer.init(rng).items()
        }
        starts.append(start)
    with backend.use():
        tensors = {
            name: backend.array(
                [start[name] for start in starts] if population else value, dtype
            )
            for name, value in starts[0].items()
        }
    return Parameters(tensors, len(layers), backend)


def known_dtype(dtype: str) -> str:
    """Return the dtype's name, or refuse it (ConfigError)."""
    if dtype not in ("float32", "float64"):
        raise ConfigError(f"dtype: {dtype!r}: choose float32 or float64")
    return dtype


def check_layers(layers: tuple[Layer, ...], loss: Loss) -> None:
    """Refuse layers that do not fit each other or the loss (ConfigError)."""
    if not layers:
        raise ConfigError("Network: layers: expected at least one layer, got none")
    width = None
    for i, layer in enumerate(layers):
        kind, n_in = type(layer).__name__, getattr(layer, "n_in", None)
        if not isinstance(layer, Layer):
            raise ConfigError(
                f"Network: layer {i} must be a gpunet.Layer, got {layer!r:.60}; give "
                "such as Dense(784, 10) or Activation('relu')"
            )
        if isinstance(n_in, int) and width is not None and width != n_in:
            raise ConfigError(
                f"Network: layer {i}: {kind} expects {counted(n_in, 'input')}, but the "
                f"layer before gives {width}; make them equal"
            )
        width = getattr(layer, "n_out", width)
    if width == 1 and loss.name.startswith("softmax"):
        raise ConfigError(
            "Network: loss: the softmax of a single output is always 1; use two "
            "outputs, or sigmoid_cross_entropy"
        )
    ends = getattr(layers[-1], "function", "")
    if loss.on_logits and getattr(ends, "name", ends) in ("softmax", "sigmoid"):
        raise ConfigError(
            f"Network: loss: {loss.name} works on logits and applies its own "
            "softmax or sigmoid; drop the last activation, or use a squared error"
        )
