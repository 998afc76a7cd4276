"""Device memory that lies on the host: arrays of the stand-in for CuPy.

NumPy's arrays in a subclass with a GPU's manners: they do not mix with host arrays,
reductions give arrays of no axes, and whatever brings a value to the host is counted.
"""

from types import SimpleNamespace

import numpy as np


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


class Namespace:
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
