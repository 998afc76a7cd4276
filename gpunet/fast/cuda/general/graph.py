"""A step as one CUDA graph: recorded once, replayed by a single launch.

A dozen launches from Python take longer than the work of a small step. CuPy refuses
cuBLAS while a stream is recorded, though cuBLAS itself does not, so products go
through a handle of our own. This has not run on a GPU yet: it is off unless the
environment says GPUNET_CUDA_GRAPH=1.
"""

import ctypes
import os
from typing import Any

import numpy as np

from ....backend import Array
from ....errors import DeviceError
from ....network import Network
from ....training.batches import Place

_WORKSPACE = 32 << 20  # bytes: what cuBLAS recommends for the largest GPUs


def wanted() -> bool:
    """Return whether the environment asks for graphs."""
    return os.environ.get("GPUNET_CUDA_GRAPH", "") == "1"


class Cublas:
    """cuBLAS with a handle of our own, by its C interface.

    Called as CuPy's own functions of these names are: all arguments are numbers,
    addresses among them.
    """

    def __init__(self, cupy: Any):
        major = cupy.cuda.runtime.runtimeGetVersion() // 1000
        # CuPy has loaded it already: its name alone finds that very copy.
        self._library = ctypes.CDLL(f"libcublas.so.{major}")
        self._workspace = cupy.empty(_WORKSPACE, dtype="uint8")
        handle = ctypes.c_void_p()
        self._check("Create", self._library.cublasCreate_v2(ctypes.byref(handle)))
        self.handle = handle.value
        i32, i64, at = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
        head, one, far = [at, *[i32] * 5, at], [at, i32, i32], [at, i32, i32, i64]
        self._library.cublasGemmEx.argtypes = [*head, *one, *one, at, *one, i32, i32]
        batched = [*head, *far, *far, at, *far, i32, i32, i32]
        self._library.cublasGemmStridedBatchedEx.argtypes = batched
        self.use(0)

    def use(self, stream: int) -> None:
        """Let products run on a stream, with our workspace."""
        handle, size = ctypes.c_void_p(self.handle), ctypes.c_size_t(_WORKSPACE)
        place = ctypes.c_void_p(self._workspace.data.ptr)
        done = self._library.cublasSetStream_v2(handle, ctypes.c_void_p(stream))
        self._check("SetStream", done)
        # Setting a stream takes the workspace back, so it is set after.
        done = self._library.cublasSetWorkspace_v2(handle, place, size)
        self._check("SetWorkspace", done)

    def gemmEx(self, *args: Any) -> None:
        """Call cublasGemmEx."""
        self._check("GemmEx", self._library.cublasGemmEx(*args))

    def gemmStridedBatchedEx(self, *args: Any) -> None:
        """Call cublasGemmStridedBatchedEx."""
        done = self._library.cublasGemmStridedBatchedEx(*args)
        self._check("GemmStridedBatchedEx", done)

    @staticmethod
    def _check(what: str, status: int) -> None:
        if status:
            raise DeviceError(
                f"device: cublas{what} fails with status {status}; unset "
                "GPUNET_CUDA_GRAPH"
            )


class Graph:
    """One step of a full batch, recorded; a clock on the device tells it which.

    Parameters
    ----------
    cupy : module
    net : Network
    """

    def __init__(self, cupy: Any, net: Network):
        self._cupy, self._dtype, self._bk = cupy, net.dtype, net.backend
        self.cublas = Cublas(cupy)
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._clock = cupy.zeros(4, dtype="int64")
        self._rows = self._ticks = 0  # what the fixed arrays hold
        self._graph: Any = None

    def wind(
        self,
        engine: Any,
        place: Place,
        at: tuple[int, int],
        per_step: list[tuple[float, float, float]],
    ) -> None:
        """Set everything for the coming steps of a span; record if need be.

        Parameters
        ----------
        engine : General
        place : Place
            Of the first of these steps.
        at : (epoch, step)
        per_step : list of (rate, correction, eps)
        """
        rows = place.index.shape[-1]
        if rows > self._rows or len(per_step) > self._ticks or self._graph is None:
            self._make_room(place, rows, len(per_step))
            self._record(engine)
        fixed = (self._place.index, self._place.answers, self._place.weights)
        for to, given in zip(fixed, place[:3], strict=True):
            if given is not None:
                lead = (slice(None),) if place.stride else ()
                to[(*lead, slice(0, rows))] = given
        epoch, step = at
        values = np.array(per_step, self._dtype)
        self._per_step[: len(values), ...] = self._bk.array(values)
        self._clock[...] = self._bk.array([place.first, 0, epoch, step], "int64")

    def replay(self) -> None:
        """Take the next step."""
        self._graph.launch()

    def _make_room(self, place: Place, rows: int, ticks: int) -> None:
        """Make arrays that stay where they are, for spans up to twice this one."""
        self._rows, self._ticks = 2 * rows, 2 * ticks

        def room(given: Array | None) -> Array | None:
            if given is None:
                return None
            axis = 1 if place.stride else 0
            shape = list(given.shape)
            shape[axis] = self._rows
            return self._cupy.zeros(tuple(shape), dtype=given.dtype)

        stride = self._rows if place.stride else 0
        self._place = Place(*map(room, place[:3]), 0, stride)
        self._per_step = self._cupy.zeros((self._ticks, 3), dtype=self._dtype)

    def _record(self, engine: Any) -> None:
        self._cupy.cuda.get_current_stream().synchronize()
        self.cublas.use(self._stream.ptr)
        try:
            with self._stream:
                self._stream.begin_capture()
                try:
                    engine.launch(self._place, self._clock, self._per_step)
                finally:
                    self._graph = self._stream.end_capture()
        finally:
            self.cublas.use(0)
