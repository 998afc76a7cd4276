"""The seam: the one place that knows which array library is at work.

Everything above this file speaks the array API standard (`x @ W`, `xp.sum`) to
the arrays it is given, so the same lines run on NumPy, on a CUDA GPU through
CuPy, on PyTorch tensors and on array-api-strict. A `Backend` opens a device and
holds the few verbs that the standard lacks; `namespace(x)` finds the library an
array belongs to. There is no current backend: creation takes one, mathematics
follows its arguments.
"""

import contextlib
import importlib
import importlib.util
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._forks import claim_cuda
from ._types import Array, HostArray
from .errors import ConfigError, DeviceError, OutOfMemory

DEVICES = "auto, cpu, cuda, cuda:N, torch:cpu, torch:cuda:N, strict:1"
_NAME = re.compile(r"auto|cpu|cuda(:\d+)?|torch:cpu|torch:cuda(:\d+)?|strict(:[01])?")
_INSTALL_CUPY = 'python -m pip install "gpunet[cuda13]" (CUDA 12: "gpunet[cuda12]")'

_add, _maximum = np.add.reduce, np.maximum.reduce


class _LeanNumpy:
    """NumPy's namespace without the Python wrappers around its C functions.

    Each wrapper costs 1 to 2 us, and a step of a small network (40 us) calls
    twenty: these few lines make it a fifth faster. All else is NumPy's own.
    """

    __name__ = "numpy"

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name)
        setattr(self, name, value)  # so the next look-up finds it at once
        return value

    @staticmethod
    def sum(x, /, *, axis=None, keepdims=False):
        return _add(x, axis, None, None, True) if keepdims else _add(x, axis)

    @staticmethod
    def max(x, /, *, axis=None, keepdims=False):
        return _maximum(x, axis, None, None, True) if keepdims else _maximum(x, axis)

    @staticmethod
    def matrix_transpose(x, /):
        return x.mT

    @staticmethod
    def astype(x, dtype, /, *, copy=True):
        return x.astype(dtype, copy=copy)

    @staticmethod
    def take(x, indices, /, *, axis):
        return x.take(indices, axis=axis)

    @staticmethod
    def reshape(x, shape, /):
        return x.reshape(shape)


numpy_namespace = _LeanNumpy()

# array_namespace() costs about 3 us, as much as a tiny matrix product; a type
# belongs to one library for ever, so one look-up by type (0.1 us) is enough.
_NAMESPACES: dict[type, Any] = dict.fromkeys(
    (np.ndarray, np.float32, np.float64, np.int64, np.bool_), numpy_namespace
)


def namespace(x: Array) -> Any:
    """Return the array API namespace that `x` belongs to.

    Examples
    --------
    >>> import numpy as np
    >>> namespace(np.zeros(3)).__name__
    'numpy'
    """
    try:
        return _NAMESPACES[type(x)]
    except KeyError:
        from array_api_compat import array_namespace

        return _NAMESPACES.setdefault(type(x), array_namespace(x))


def scatter_add(target: Array, index: Array, rows: Array) -> Array:
    """Add `rows` to the rows of `target` that `index` names, in place.

    target[index[m]] += rows[m], where a row named twice receives both.

    Parameters
    ----------
    target : array, shape (n, features), mutated
    index : integer array, shape (m,), each in [0, n)
    rows : array, shape (m, features)

    Notes
    -----
    On CuPy the order of the additions is free (atomics), so the last bits may
    differ from run to run.
    """
    xp = namespace(target)
    library = xp.__name__.rpartition(".")[2]
    if library == "numpy" and target.flags.c_contiguous:
        width = target.shape[1]  # by entries: 2 to 5 times as fast, the same bits
        entries = index.astype(np.intp)[:, None] * width + np.arange(width)
        np.add.at(target.reshape(-1), entries.reshape(-1), rows.reshape(-1))
    elif library == "numpy":
        np.add.at(target, index, rows)
    elif library == "cupy":
        importlib.import_module("cupyx").scatter_add(target, index, rows)
    elif library == "torch":
        target.index_add_(0, index, rows)
    else:  # the standard has no scatter: the one-hot product says the same
        ids = xp.arange(target.shape[0], device=target.device)
        hot = xp.astype(ids[:, None] == index[None, :], target.dtype)
        target += hot @ rows
    return target


_PURPOSES = {"init": 0, "shuffle": 1, "dropout": 2, "split": 3, "check": 4, "text": 5}


def host_rng(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """Return the host's random generator for one purpose of one seed.

    Every random number of gpunet is drawn on the host from a generator keyed by
    what it is for, and copied to the device: one seed, one run, wherever it
    runs, and a resumed run needs no generator state.

    Parameters
    ----------
    seed : int, at least 0
    purpose : "init", "shuffle", "dropout", "split", "check" or "text"
    *keys : int
        What else sets this draw apart, such as the epoch.

    Examples
    --------
    >>> host_rng(0, "shuffle", 3).permutation(5)
    array([3, 0, 2, 1, 4])
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, purpose, *keys)))


def seed_sequence(seed: int, purpose: str, *keys: int) -> np.random.SeedSequence:
    """Return the key of `host_rng`, for generators of another kind."""
    # NumPy pads keys with zeros: their number keeps (5,) and (5, 0) apart.
    key = (_PURPOSES[purpose], len(keys), *keys)
    return np.random.SeedSequence(seed, spawn_key=key)


@dataclass(frozen=True)
class Backend:
    """One array library on one device; this parent is NumPy on the CPU.

    Attributes
    ----------
    xp : module
        The array API namespace.
    device : object
        The library's own name of the device.
    name : str
        What `open_backend` takes: "cpu", "cuda:0", "torch:cpu", "strict:1".
    note : str
        What a person should know about the choice, or "".
    """

    xp: Any
    device: Any
    name: str
    note: str = ""

    def __reduce__(self):
        return open_backend, (self.name,)  # a pickle takes no library along

    def array(self, host: HostArray, dtype: str | None = None) -> Array:
        """Return a C-ordered copy of `host` on the device; never an alias."""
        return np.array(host, dtype=dtype, order="C")

    def view(self, host: HostArray, dtype: str | None = None) -> Array:
        """Return `host` on the device; may alias it where memory is shared."""
        return np.asarray(host, dtype=dtype, order="C")

    def to_host(self, x: Array) -> np.ndarray:
        """Return `x` as a C-ordered NumPy array; waits for the device."""
        return np.ascontiguousarray(x) if np.ndim(x) else np.asarray(x)

    def dtype(self, name: str) -> Any:
        """Return the library's dtype called `name`, such as "float32"."""
        return getattr(self.xp, name)

    def scatter_add(self, target: Array, index: Array, rows: Array) -> Array:
        """Add `rows` to `target[index]` in place; see `gpunet.scatter_add`."""
        return scatter_add(target, index, rows)

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""

    def memory(self) -> tuple[int, int] | None:
        """Return (free, total) device memory in bytes, None where unknown."""
        return None

    def use(self) -> contextlib.AbstractContextManager:
        """Return the context in which this device computes.

        On NumPy it silences floating-point warnings: training checks its own
        numbers and stops with a sentence instead.
        """
        return np.errstate(all="ignore")


class CupyBackend(Backend):
    """A CUDA GPU through CuPy."""

    def array(self, host, dtype=None):  # noqa: D102
        with self.use():
            return self.xp.asarray(np.asarray(host, dtype=dtype, order="C"), copy=True)

    def view(self, host, dtype=None):  # noqa: D102
        return self.array(host, dtype)

    def to_host(self, x):  # noqa: D102
        claim_cuda(self.name)
        # CuPy keeps the layout of the device array: make it C order here.
        return np.array(x.get() if hasattr(x, "get") else x, order="C")

    def synchronize(self):  # noqa: D102
        self.device.synchronize()

    def memory(self):  # noqa: D102
        return tuple(int(n) for n in self.device.mem_info)

    def use(self):  # noqa: D102
        claim_cuda(self.name)
        return type(self.device)(self.device.id)  # each keeps what to go back to


class TorchBackend(Backend):
    """PyTorch tensors, on the CPU or a GPU."""

    def array(self, host, dtype=None):  # noqa: D102
        return self.xp.asarray(
            np.array(host, dtype=dtype, order="C"), device=self.device
        )

    def view(self, host, dtype=None):  # noqa: D102
        host = np.asarray(host, dtype=dtype, order="C")
        if not host.flags.writeable:  # torch knows no read-only memory and warns
            host = host.copy()
        return self.xp.asarray(host, device=self.device)

    def to_host(self, x):  # noqa: D102
        return np.array(x.cpu().numpy() if hasattr(x, "cpu") else x, order="C")

    def synchronize(self):  # noqa: D102
        if "cuda" in self.name:
            importlib.import_module("torch").cuda.synchronize(self.device)

    def use(self):  # noqa: D102
        return contextlib.nullcontext()


class StrictBackend(Backend):
    """array-api-strict, which enforces GPU-like restrictions on a CPU, for tests."""

    def array(self, host, dtype=None):  # noqa: D102
        host = np.array(host, dtype=dtype, order="C")
        return self.xp.asarray(host, device=self.device)

    def view(self, host, dtype=None):  # noqa: D102
        return self.array(host, dtype)

    def to_host(self, x):  # noqa: D102
        if not isinstance(x, np.ndarray | np.generic):
            x = np.asarray(x.to_device(self.xp.Device("CPU_DEVICE")))
        return np.array(x, order="C")


def open_backend(name: "str | Backend" = "cpu") -> Backend:
    """Return the backend that a device string names.

    Parameters
    ----------
    name : str or Backend
        One of auto, cpu, cuda, cuda:N, torch:cpu, torch:cuda:N, strict:1; a
        Backend comes back as it is. "auto" takes the first CUDA GPU that CuPy
        can use, else the CPU, and says in `note` why.

    Raises
    ------
    ConfigError
        The string names no device.
    DeviceError
        The device cannot be used here; the message says what was probed and
        the cure. Never a silent fall-back to the CPU.

    Examples
    --------
    >>> open_backend("cpu").array([1.0, 2.0])
    array([1., 2.])
    """
    if isinstance(name, Backend):
        return name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(f"device: {name!r}: no such device; choose from {DEVICES}")
    library, _, rest = name.partition(":")
    if name == "cpu":
        return Backend(numpy_namespace, "cpu", "cpu")
    if library == "auto":
        return _open_best()
    if library == "cuda":
        return _open_cuda(int(rest or 0))
    return _open_torch(rest) if library == "torch" else _open_strict(int(rest or 1))


def _open_best() -> Backend:
    try:
        return _open_cuda(0)
    except (DeviceError, OutOfMemory) as error:
        why = str(error).split("; ")[0].removeprefix("device: cuda:0: ")
        return Backend(numpy_namespace, "cpu", "cpu", f"no GPU in use: {why}")


def _open_cuda(index: int) -> Backend:
    where = f"device: cuda:{index}"
    try:
        cupy = importlib.import_module("cupy")
        runtime = cupy.cuda.runtime
        driver = runtime.driverGetVersion()
    except ImportError as error:
        why = f"CuPy cannot be imported ({_first_line(error)})"
        if importlib.util.find_spec("cupy") is None:
            why = "CuPy is not installed"
        raise DeviceError(f"{where}: {why}; {_INSTALL_CUPY}") from error
    except Exception as error:
        raise DeviceError(
            f"{where}: CuPy does not start ({_first_line(error)}); install the "
            f"NVIDIA driver, or CuPy again: {_INSTALL_CUPY}"
        ) from error
    if driver == 0:
        raise DeviceError(f"{where}: no NVIDIA driver found; install one, or use cpu")
    claim_cuda(f"cuda:{index}")
    try:
        count = runtime.getDeviceCount()
    except Exception as error:
        raise DeviceError(
            f"{where}: CUDA finds no device ({_first_line(error)}; driver for CUDA "
            f"{driver // 1000}.{driver % 1000 // 10}); check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES, or install the CuPy that fits the driver: "
            f"gpunet[cuda{driver // 1000}]"
        ) from error
    if index >= count:
        raise DeviceError(
            f"{where}: this machine shows {count} CUDA device(s), counted from cuda:0; "
            "name one of them (CUDA_VISIBLE_DEVICES may hide some), or use cpu"
        )
    try:
        with cupy.cuda.Device(index) as device:
            ones = cupy.ones((2, 2), dtype=cupy.float32)
            float((ones @ ones)[0, 0])
    except MemoryError as error:
        raise OutOfMemory(
            f"{where}: no memory for a 2x2 matrix product ({_first_line(error)}); "
            "nvidia-smi shows who holds it; free some, or use cpu"
        ) from error
    except Exception as error:
        raise DeviceError(
            f"{where}: a 2x2 matrix product fails ({_first_line(error)}); install "
            f"CUDA's libraries beside CuPy: {_INSTALL_CUPY}"
        ) from error
    xp = importlib.import_module("array_api_compat.cupy")
    return CupyBackend(xp, device, f"cuda:{index}")


def _open_torch(rest: str) -> Backend:
    try:
        torch = importlib.import_module("torch")
    except Exception as error:
        raise DeviceError(
            f"device: torch:{rest}: PyTorch cannot be imported ({_first_line(error)}); "
            "python -m pip install torch"
        ) from error
    rest = "cuda:0" if rest == "cuda" else rest
    if rest != "cpu":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(rest.partition(":")[2]) >= count:
            raise DeviceError(
                f"device: torch:{rest}: PyTorch sees {count} CUDA device(s); check "
                "nvidia-smi and install a CUDA build of PyTorch"
            )
    xp = importlib.import_module("array_api_compat.torch")
    return TorchBackend(xp, torch.device(rest), f"torch:{rest}")


def _open_strict(index: int) -> Backend:
    try:
        xp = importlib.import_module("array_api_strict")
    except ImportError as error:
        raise DeviceError(
            "device: strict: array-api-strict is not installed; "
            "python -m pip install array-api-strict"
        ) from error
    device = xp.Device("device1" if index else "CPU_DEVICE")
    return StrictBackend(xp, device, f"strict:{index}")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:120]
