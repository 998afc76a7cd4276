"""A stand-in for CuPy, so that the code around our CUDA kernels runs without a GPU.

Arrays are NumPy's in a subclass with a GPU's manners: they do not mix with host
arrays, reductions give arrays of no axes, and whatever brings a value to the host
is counted. Kernels go through the emulation. Only what gpunet calls is here; a
name that is not raises AttributeError, as it should.

`install(monkeypatch)` puts it in CuPy's place for one test and returns the `Fake`
that says what happened: launches, copies to the host, allocations.
"""

import contextlib
import ctypes
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
from emulation import build

from gpunet.backend import arrays


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError: its message names the bytes."""


class Array(np.ndarray):
    """Device memory that lies on the host."""

    fake: "Fake"

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **more):
        for x in (*inputs, *(out or ())):
            if type(x) is np.ndarray:
                raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        more["out"] = out and tuple(plain(o) for o in out)
        if not out:
            del more["out"]
        with np.errstate(all="ignore"):  # a GPU says nothing of overflow
            done = getattr(ufunc, method)(*map(plain, inputs), **more)
        if out:
            return out[0]
        return self.fake.wrap(done)

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"{function.__name__}: host function on a device array")

    def get(self, **_):
        """Return a host copy; waits."""
        self.fake.copies_to_host += 1
        return np.array(plain(self))

    def item(self):
        return self.get().item()

    tolist = __reduce__ = None

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __bool__(self):
        return bool(self.item())

    def __index__(self):
        return int(self.item())

    def __getitem__(self, key):
        return self.fake.view(plain(self)[plain(key)])

    def __setitem__(self, key, value):
        if type(value) is np.ndarray and value.ndim:
            raise TypeError("a host array does not fit into a device array")
        plain(self)[plain(key)] = plain(value)

    @property
    def device(self):
        return self.fake.device

    @property
    def data(self):
        return SimpleNamespace(ptr=plain(self).ctypes.data)

    @property
    def nbytes(self):
        return plain(self).nbytes


def plain(x):
    """Return x with every device array seen as a host array."""
    if isinstance(x, Array):
        return x.view(np.ndarray)
    if isinstance(x, tuple | list):
        return type(x)(map(plain, x))
    return x


class Fake:
    """What a test sees and sets.

    Attributes
    ----------
    launches : list of str
        Kernels and products, in order.
    copies_to_host, allocations : int
    fails_at : int or None
        The allocation that finds no memory.
    order : int
        In which order threads of a block take turns; see `emulation`.
    """

    def __init__(self):
        self.launches, self.copies_to_host = [], 0
        self.allocations, self.fails_at, self.order = 0, None, 0
        self.free, self.total, self.pool_limit = 1 << 30, 1 << 31, 0
        self.device_type = type(
            "Device", (_Device,), {"mem_info": property(lambda d: self.memory())}
        )
        self.device = self.device_type(0)

    def memory(self):
        return self.free, self.total

    def allocate(self, nbytes):
        self.allocations += 1
        if self.allocations == self.fails_at:
            raise OutOfMemoryError(
                f"Out of memory allocating {nbytes:,} bytes (allocated so far: "
                f"{self.total - self.free:,} bytes)."
            )

    def view(self, x):
        made = np.asarray(x).view(Array)
        made.fake = self
        return made

    def wrap(self, x):
        """Return results as device arrays; each is an allocation."""
        if isinstance(x, tuple | list):
            return type(x)(map(self.wrap, x))
        if not isinstance(x, np.ndarray | np.generic):
            return x
        self.allocate(x.nbytes)
        return self.view(x)


class _Device:
    def __init__(self, index=0):
        self.id, self.compute_capability = index, "90"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __eq__(self, other):
        return isinstance(other, _Device) and other.id == self.id

    __hash__ = None

    def use(self):
        pass

    def synchronize(self):
        pass


class _Namespace:
    """NumPy's functions on device arrays, as cupy and array_api_compat.cupy."""

    def __init__(self, fake):
        self._fake = fake
        self.ndarray = Array

    def __getattr__(self, name):
        known = getattr(np, name)
        if not callable(known) or isinstance(known, type):
            return known

        def call(*args, device=None, **kwargs):
            for x in args:
                if type(x) is np.ndarray and name not in ("asarray", "array"):
                    raise TypeError(f"{name}: host array given to a device function")
            kwargs = {k: plain(v) for k, v in kwargs.items()}
            with np.errstate(all="ignore"):
                done = known(*map(plain, args), **kwargs)
            views = ("reshape", "broadcast_to", "matrix_transpose", "expand_dims")
            if name in views:
                return self._fake.view(done)
            return self._fake.wrap(done)

        return call

    def asarray(self, x, dtype=None, *, copy=None, device=None):
        if isinstance(x, Array) and not copy and dtype in (None, x.dtype):
            return x
        return self._fake.wrap(np.array(plain(x), dtype=dtype, order="K"))

    def astype(self, x, dtype, /, *, copy=True):
        if not copy and x.dtype == dtype:
            return x
        return self._fake.wrap(plain(x).astype(dtype))


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


def _cublas_gemm(fake):
    def gemm(transa, transb, a, b, out=None, alpha=1.0, beta=0.0):
        """As cupy.cublas.gemm: out = alpha op(a) op(b) + beta out."""
        assert a.ndim == b.ndim == 2 and a.dtype == b.dtype
        if a.dtype.char not in "fdFD":
            raise TypeError("invalid dtype")
        fake.launches.append("gemm")
        a, b = plain(a), plain(b)
        a = a.T if transa == "T" else a
        b = b.T if transb == "T" else b
        if out is None:
            return fake.wrap(np.asarray(alpha * (a @ b), a.dtype))
        product = np.asarray(alpha, a.dtype) * (a @ b)
        host = plain(out)
        # cuBLAS reads no C where beta is 0: what stands there may be NaN.
        host[...] = product if beta == 0 else product + host.dtype.type(beta) * host
        return out

    return gemm


def _matrices(address, kind, length, rows, apart, count):
    """Return `count` row-major matrices that lie at an address."""
    dtype = np.dtype(("f4", "f8", "f2")[kind])
    whole = (count - 1) * apart + rows * length
    room = (ctypes.c_char * (whole * dtype.itemsize)).from_address(address)
    flat = np.frombuffer(room, dtype)
    strides = (apart * dtype.itemsize, length * dtype.itemsize, dtype.itemsize)
    return np.lib.stride_tricks.as_strided(flat, (count, rows, length), strides)


def _to_tf32(x):
    """Round as tensor cores read float32: to 10 bits behind the point."""
    bits = x.astype("f4").view("u4")
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view("f4")


def _cublas(fake):
    """Return cuBLAS on addresses, as cupy.cuda.cublas (columns first)."""

    def strided(handle, ta, tb, m, n, k, alpha, *rest):
        a, a_type, lda, a_apart, b, b_type, ldb, b_apart, beta, *rest = rest
        c, c_type, ldc, c_apart, count, compute, _ = rest
        factor = ctypes.c_double if compute == 70 else ctypes.c_float
        alpha, beta = (factor.from_address(at).value for at in (alpha, beta))
        fake.launches.append("gemm")
        assert (handle, c_type) == (1, 1 if compute == 70 else 0)
        # A matrix of columns, seen by rows, is its transpose: C' = B' A'.
        first = _matrices(b, b_type, ldb, k if tb else n, b_apart, count)
        second = _matrices(a, a_type, lda, m if ta else k, a_apart, count)
        first = first[..., :n].mT if tb else first[..., :k]
        second = second[..., :k].mT if ta else second[..., :m]
        if compute == 77:
            first, second = _to_tf32(first), _to_tf32(second)
        out = _matrices(c, c_type, ldc, n, c_apart, count)[..., :m]
        with np.errstate(all="ignore"):
            product = first.astype(out.dtype) @ second.astype(out.dtype)
            product = out.dtype.type(alpha) * product
            # cuBLAS reads no C where beta is 0: what stands there may be NaN.
            out[...] = product if beta == 0 else product + out.dtype.type(beta) * out

    def plain_gemm(handle, ta, tb, m, n, k, alpha, a, at, lda, b, bt, ldb, *rest):
        beta, c, c_type, ldc, compute, algorithm = rest
        left = (handle, ta, tb, m, n, k, alpha, a, at, lda, 0, b, bt, ldb, 0)
        strided(*left, beta, c, c_type, ldc, 0, 1, compute, algorithm)

    return SimpleNamespace(gemmEx=plain_gemm, gemmStridedBatchedEx=strided)


def module(fake: Fake) -> ModuleType:
    """Return a module to stand as `cupy`."""
    cupy, xp = ModuleType("cupy"), _Namespace(fake)
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
        cublas=_cublas(fake),
        get_cublas_handle=lambda: 1,
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=SimpleNamespace(
            driverGetVersion=lambda: 13000,
            runtimeGetVersion=lambda: 13000,
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda i: {
                "name": b"Emulated GPU",
                "multiProcessorCount": 132,
                "sharedMemPerBlockOptin": 227 << 10,
                "sharedMemPerMultiprocessor": 228 << 10,
                "regsPerMultiprocessor": 65536,
                "major": 9,
                "minor": 0,
            },
        ),
    )
    cupy.cublas = ModuleType("cupy.cublas")
    cupy.cublas.gemm = _cublas_gemm(fake)
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
    cupy, xp = module(fake), _Namespace(fake)
    xp.__name__ = "array_api_compat.cupy"
    monkeypatch.setattr(Array, "fake", fake, raising=False)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cublas", cupy.cublas)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", xp)
    monkeypatch.setitem(arrays._NAMESPACES, Array, xp)
    return fake


@contextlib.contextmanager
def counting(fake: Fake):
    """Yield a function that says how many values came to the host since."""
    start = fake.copies_to_host
    yield lambda: fake.copies_to_host - start
