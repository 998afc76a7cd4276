"""What the tests share: the fixture `bk` and the dose of the property tests.

`bk` runs a test on every backend that can be had: NumPy, array-api-strict on its
second device (a GPU's manners on a CPU), PyTorch on the CPU and CUDA through
CuPy. Tests marked `pure`, whose subject changes no input, also run on a NumPy whose
arrays cannot be written. What is absent skips; GPUNET_REQUIRE=cupy (or strict, torch,
browser; with commas between) turns that skip into a failure, so that a GPU run cannot
pass by running nothing. GPUNET_DOSES raises the number of examples of each property
test.

`pytest -m quick` runs the tests of the ground floor, data, storage and training in
about a minute, and leaves out what waits for other processes or compilers.
"""

import os
import signal
from importlib.util import find_spec

import pytest
from browser import chromium, open_page  # noqa: F401
from hypothesis import settings

from gpunet import open_backend
from gpunet.backend import Backend
from gpunet.errors import DeviceError

BACKENDS = {
    "cpu": ("numpy", "numpy"),
    "read-only": ("numpy", "numpy"),  # for tests marked `pure`
    "strict:1": ("strict", "array_api_strict"),
    "torch:cpu": ("torch", "torch"),
    "cuda": ("cupy", "cupy"),
}
REQUIRED = {name for name in os.environ.get("GPUNET_REQUIRE", "").split(",") if name}
KNOWN = {"browser", *(library for library, _ in BACKENDS.values())}
if unknown := REQUIRED - KNOWN:
    raise pytest.UsageError(f"GPUNET_REQUIRE: no such library: {sorted(unknown)}")

_QUICK = (
    *("activations", "backend", "blocks", "checks", "data", "house", "initializers"),
    *("io", "layers", "lesson", "losses", "network", "optimizers", "population"),
    *("random", "seeds", "storage", "training", "updates"),
)
_NOT_QUICK = (
    "training_memory",
    "training_engines",
    "training_disk",
    "storage_kills",
    "storage_export",
)

settings.register_profile(
    "gpunet",
    derandomize=True,
    deadline=None,
    max_examples=max(200, int(os.environ.get("GPUNET_DOSES", "0"))),
)
settings.load_profile("gpunet")


class ReadOnlyNumpy(Backend):
    """NumPy whose arrays cannot be written: a function that does so raises."""

    def array(self, host, dtype=None):
        x = super().array(host, dtype)
        x.flags.writeable = False
        return x

    view = array


def pytest_configure(config):
    config.addinivalue_line("markers", "pure(yes=True): it changes none of its inputs")
    config.addinivalue_line("markers", "quick: of the core, and soon done")


def pytest_collection_modifyitems(items):
    """Mark quick tests, and leave the read-only NumPy to those marked `pure`.

    `pure(False)` takes a test out.
    """
    for item in items:
        name = item.path.stem.removeprefix("test_")
        if name.split("_")[0] in _QUICK and name not in _NOT_QUICK:
            item.add_marker("quick")

    def runs(item):
        marker = item.get_closest_marker("pure")
        pure = marker is not None and marker.args != (False,)
        callspec = getattr(item, "callspec", None)
        return pure or not callspec or callspec.params.get("bk") != "read-only"

    items[:] = filter(runs, items)


@pytest.fixture(params=BACKENDS)
def bk(request):
    """Open one backend after the other; skip the absent ones unless required."""
    library, module = BACKENDS[request.param]
    absent = pytest.fail if library in REQUIRED else pytest.skip
    if find_spec(module) is None:
        absent(f"{module} is not installed")
    if request.param == "read-only":
        cpu = open_backend("cpu")
        return ReadOnlyNumpy(cpu.xp, cpu.device, cpu.name)
    try:
        return open_backend(request.param)
    except DeviceError as error:
        absent(str(error))


@pytest.fixture
def signals_heard():
    """Let SIGINT and SIGHUP reach this process and the ones it starts.

    Started in the background of a shell or by nohup, a test suite ignores them, and
    what it starts inherits that.
    """
    handlers = {signal.SIGINT: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = lambda number, frame: None  # reset in a new program
    before = {number: signal.signal(number, how) for number, how in handlers.items()}
    yield
    for number, how in before.items():
        signal.signal(number, how)
