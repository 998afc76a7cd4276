"""Devices by name, and what is said without a GPU."""

import re

import numpy as np
import pytest
from helpers import run_python

from gpunet.backend import open_backend
from gpunet.errors import ConfigError, DeviceError


def test_open_backend_fills_in_numbers():
    assert open_backend().name == "cpu"
    assert open_backend("auto").name in ("cpu", "cuda:0")
    pytest.importorskip("array_api_strict")
    assert open_backend("strict").name == "strict:1"
    assert open_backend("strict:0").name == "strict:0"
    pytest.importorskip("torch")
    assert open_backend("torch:cpu").name == "torch:cpu"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gpu",
        "CPU",
        "cpu:0",
        "cuda:",
        "cuda:-1",
        "cuda:x",
        "torch",
        "torch:gpu",
        "strict:2",
        "cpu ",
        "cpu\n",
        "numpy",
        None,
        0,
        b"cpu",
        ["cpu"],
    ],
)
def test_open_backend_refuses_other_words(name):
    with pytest.raises(ConfigError, match=r"no such device; choose from auto, cpu"):
        open_backend(name)


def test_torch_without_the_gpu_is_an_error():
    torch = pytest.importorskip("torch")
    wanted = torch.cuda.device_count() if torch.cuda.is_available() else 0
    with pytest.raises(DeviceError, match=rf"torch:cuda:{wanted}: PyTorch sees"):
        open_backend(f"torch:cuda:{wanted}")


def test_strict_behaves_like_a_foreign_device():
    pytest.importorskip("array_api_strict")
    bk = open_backend("strict:1")
    x = bk.array([1.0, 2.0])
    with pytest.raises((TypeError, RuntimeError)):
        np.asarray(x)
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        x + open_backend("strict:0").array([1.0, 2.0])
    assert not hasattr(x, "sum")


FAKE = """
class Device:
    def __init__(self, index): self.index = index
    def __enter__(self): return self
    def __exit__(self, *error): return None

class runtime:
    driverGetVersion = staticmethod(lambda: driver)
    @staticmethod
    def getDeviceCount():
        if count < 0:
            raise RuntimeError("cudaErrorInsufficientDriver: too old" + chr(10))
        return count

class cuda:
    Device, runtime = Device, runtime

float32 = "float32"

def ones(shape, dtype):
    raise RuntimeError("libcublas.so.13: cannot open shared object" + chr(10) + "two")
"""


# case -> source of the fake package, device asked for, what the message says
NO_GPU = {
    "import_error": ("raise ImportError('libcuda.so.1 is missing')", 0, "be imported"),
    "runtime_error": ("raise RuntimeError('broken\\nin two')", 0, "does not start"),
    "no_driver": (FAKE + "driver, count = 0, 0", 0, "no NVIDIA driver"),
    "old_driver": (FAKE + "driver, count = 12040, -1", 0, r"CUDA 12\.4.*\[cuda12\]"),
    "no_device": (FAKE + "driver, count = 13000, 0", 0, r"0 CUDA device"),
    "one_device": (FAKE + "driver, count = 13000, 1", 7, r"1 CUDA device"),
    "hidden": (FAKE + "driver, count = 13000, 0", 0, "CUDA_VISIBLE_DEVICES may hide"),
    "no_cublas": (FAKE + "driver, count = 13000, 1", 0, r"libcublas.*\[cuda13\]"),
}


PROBE = """
import gpunet
from gpunet.errors import DeviceError
try:
    gpunet.open_backend("cuda:%d")
except DeviceError as error:
    print(error)
    print(error.exit_code)
auto = gpunet.open_backend("auto")
print(auto.name, "|", auto.note)
"""


def check_no_gpu(done, index, what):
    """Check the three lines of PROBE: one line with a cure, code 5, a noted CPU."""
    assert done.returncode == 0 and done.stderr == "", done.stderr
    message, code, auto = done.stdout.splitlines()
    assert message.startswith(f"device: cuda:{index}: ") and code == "5"
    assert "; " in message and len(message) <= 485
    assert auto.startswith("cpu | no GPU in use: ") and len(auto) > 25
    assert not any(c in auto + message for c in "\t\r")
    assert re.search(what, message), message
    return message


@pytest.mark.parametrize("case", NO_GPU)
def test_cuda_says_in_one_line_what_is_missing(tmp_path, case):
    source, index, what = NO_GPU[case]
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy" / "__init__.py").write_text(source)
    process = run_python(PROBE % index, path=[tmp_path])
    message = check_no_gpu(process, index, what)
    assert "cuda:-1" not in message


def test_cuda_without_cupy_names_the_package_to_install(tmp_path):
    hide = (
        "import sys, importlib.util as u\n"
        "sys.modules['cupy'] = None\n"
        "old = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'cupy' else old(n, *a)\n"
    )
    done = run_python(hide + PROBE % 0, timeout=5)
    message = check_no_gpu(done, 0, r"CuPy is not installed; .*gpunet\[cuda13\]")
    assert "pip install cupy" not in message
