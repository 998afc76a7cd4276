"""Devices: a `Backend` is one array library on one of them.

It holds the few verbs that the standard lacks. There is no current backend:
creation takes one, mathematics follows its arguments.
"""

import contextlib
import importlib
import importlib.util
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError, DeviceError, OutOfMemory
from ..io.messages import choices, counted
from .arrays import Array, HostArray, numpy_namespace, scatter_add
from .forks import claim_cuda

DEVICES = "auto, cpu, cuda, cuda:N, torch:cpu, torch:cuda:N, strict:1"
_NAME = re.compile(r"auto|cpu|cuda(:\d+)?|torch:cpu|torch:cuda(:\d+)?|strict(:[01])?")
_INSTALL_CUPY = 'python -m pip install "gpunet[cuda13]" (CUDA 12: "gpunet[cuda12]")'


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
        word = re.sub("(?i)^gpu", "cuda", str(name))  # gpu is spelled much like cpu
        hint = choices(word, DEVICES.split(", "))
        raise ConfigError(f"device: {name!r}: no such device; {hint}")
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
    cupy, driver = _import_cupy(where)
    if driver == 0:
        raise DeviceError(f"{where}: no NVIDIA driver found; install one, or use cpu")
    claim_cuda(f"cuda:{index}")
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        version = f"{driver // 1000}.{driver % 1000 // 10}"
        raise DeviceError(
            f"{where}: CUDA finds no device ({_first_line(error)}; driver for CUDA "
            f"{version}); check nvidia-smi and CUDA_VISIBLE_DEVICES, or install the "
            f"CuPy that fits the driver: gpunet[cuda{driver // 1000}]"
        ) from error
    if index >= count:
        raise DeviceError(
            f"{where}: this machine shows {counted(count, 'CUDA device')}, counted "
            "from cuda:0; name one (CUDA_VISIBLE_DEVICES may hide some), or use cpu"
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


def _import_cupy(where: str) -> tuple[Any, int]:
    """Return CuPy and the version of CUDA that the driver is for, 0 without one."""
    try:
        cupy = importlib.import_module("cupy")
        return cupy, cupy.cuda.runtime.driverGetVersion()
    except ImportError as error:
        reason = f"CuPy cannot be imported ({_first_line(error)})"
        if importlib.util.find_spec("cupy") is None:
            reason = "CuPy is not installed"
        raise DeviceError(f"{where}: {reason}; {_INSTALL_CUPY}") from error
    except Exception as error:
        raise DeviceError(
            f"{where}: CuPy does not start ({_first_line(error)}); install the "
            f"NVIDIA driver, or CuPy again: {_INSTALL_CUPY}"
        ) from error


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
                f"device: torch:{rest}: PyTorch sees {counted(count, 'CUDA device')}; "
                "check nvidia-smi and install a CUDA build of PyTorch"
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
