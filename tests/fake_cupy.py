"""A stand-in for CuPy, so that the code around our CUDA kernels runs without a GPU.

Its arrays are those of `fake_arrays`, its kernels go through the emulation. Only
what gpunet calls is here; a name that is not raises AttributeError, as it should.

`install(monkeypatch)` puts it in CuPy's place for one test and returns the `Fake`
that says what happened: launches, copies to the host, allocations.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
from emulation import build
from fake_arrays import Array, Fake, Namespace, OutOfMemoryError, plain
from fake_cublas import cublas, gemm_of

from gpunet.backend import arrays


class _RawKernel:
    """As cupy.RawKernel of a module: kernel(grid, block, args, shared_mem=...)."""

    def __init__(self, fake, kernel):
        self._fake, self._kernel = fake, kernel
        self.max_dynamic_shared_size_bytes = 48 << 10

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        for x in args:
            if type(x) is np.ndarray:
                raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise RuntimeError("CUDA_ERROR_INVALID_VALUE: invalid argument")
        order = self._fake.order
        given = [plain(x) for x in args]

        self._fake.launches.append(self._kernel.name)
        self._kernel(grid, block, given, shared_mem=shared_mem, order=order)


def _runtime():
    """Return cupy.cuda.runtime of one GPU like an H200."""
    properties = {
        "name": b"Emulated GPU",
        "multiProcessorCount": 132,
        "sharedMemPerBlockOptin": 227 << 10,
        "sharedMemPerMultiprocessor": 228 << 10,
        "regsPerMultiprocessor": 65536,
        "major": 9,
        "minor": 0,
    }
    return SimpleNamespace(
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda i: properties,
    )


def module(fake: Fake) -> ModuleType:
    """Return a module to stand as `cupy`."""
    cupy, xp = ModuleType("cupy"), Namespace(fake)
    cupy.__getattr__ = lambda name: getattr(xp, name)
    cupy.__version__, cupy.ndarray = "14.0.0", Array

    def raw_module(*, code, options=(), **_):
        built = build(code, tuple(options))
        return SimpleNamespace(
            get_function=lambda name: _RawKernel(fake, built[name]),
            compile=lambda **_: None,
        )

    cupy.RawModule = raw_module
    cupy.cuda = SimpleNamespace(
        Device=fake.device_type,
        cublas=cublas(fake),
        get_cublas_handle=lambda: 1,
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=_runtime(),
    )
    cupy.cublas = ModuleType("cupy.cublas")
    cupy.cublas.gemm = gemm_of(fake)
    pool = SimpleNamespace(
        free_all_blocks=lambda: None,
        used_bytes=lambda: fake.total - fake.free,
        total_bytes=lambda: fake.total - fake.free,
        get_limit=lambda: fake.pool_limit,
    )
    cupy.get_default_memory_pool = lambda: pool
    cupy.add = SimpleNamespace(
        at=lambda t, i, rows: np.add.at(plain(t), plain(i), plain(rows))
    )
    return cupy


def install(monkeypatch) -> Fake:
    """Put the stand-in in the place of CuPy until the test ends.

    `gpunet.open_backend("cuda")` then opens it: the seam's own CupyBackend on
    these arrays.
    """
    fake = Fake()
    cupy, xp = module(fake), Namespace(fake)
    xp.__name__ = "array_api_compat.cupy"
    monkeypatch.setattr(Array, "fake", fake, raising=False)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cublas", cupy.cublas)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", xp)
    monkeypatch.setitem(arrays._NAMESPACES, Array, xp)
    return fake
