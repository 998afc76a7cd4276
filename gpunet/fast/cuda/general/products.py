"""Matrix products by cuBLAS, into arrays that exist already.

CuPy's `x @ W` makes a new array for each product, copies transposed views of
populations, and ignores TF32 there. Here out <- alpha A B + beta out is the whole
update of a weight matrix.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import Array

# cuBLAS's own numbers (library_types.h, cublas_api.h).
_TYPES = {"float32": 0, "float64": 1, "float16": 2}
_COMPUTE = {"float32": 68, "float64": 70, "float16": 68, "tf32": 77}
_DEFAULT_ALGORITHM = -1


class Products:
    """cuBLAS on one device; sums are float32 but for precision "float64"."""

    def __init__(self, cupy: Any, precision: str):
        self._cublas, self._handle = cupy.cuda.cublas, cupy.cuda.get_cublas_handle()
        self._compute = _COMPUTE[precision]
        self._factor = np.float64 if precision == "float64" else np.float32

    def number(self, value: float) -> np.ndarray:
        """Return a factor that products read when they run; write into it."""
        return np.full((1,), value, self._factor)

    def prepare(
        self,
        a: Array,
        b: Array,
        out: Array,
        alpha: np.ndarray,
        beta: np.ndarray,
        *,
        transpose_a: bool = False,
        transpose_b: bool = False,
    ) -> Callable[[], None]:
        """Return a call that does out <- alpha a b + beta out.

        Arrays are in C order, (rows, columns) for all members or (P, rows, columns),
        and must stay where they are. Where beta is 0, out is not read.
        """
        m, n = out.shape[-2:]
        k = a.shape[-2] if transpose_a else a.shape[-1]
        # cuBLAS counts columns first: to it our row-major arrays are transposes,
        # and (A B)^T = B^T A^T.
        transposes = int(transpose_b), int(transpose_a)
        head = (self._handle, *transposes, n, m, k, alpha.ctypes.data)
        (*second, b_stride), (*first, a_stride), (*third, stride) = map(
            _operand, (b, a, out)
        )
        beta_at, last = beta.ctypes.data, (self._compute, _DEFAULT_ALGORITHM)
        call = self._cublas.gemmEx
        args = [*head, *second, *first, beta_at, *third, *last]
        if out.ndim == 3:
            call = self._cublas.gemmStridedBatchedEx
            args = [*head, *second, b_stride, *first, a_stride, beta_at]
            args += [*third, stride, out.shape[0], *last]
        keep = (a, b, out, alpha, beta)  # cuBLAS gets addresses alone

        def product(keep: tuple = keep) -> None:
            call(*args)

        return product


def _operand(x: Array) -> tuple[int, int, int, int]:
    """Return address, type, row length and distance from member to member."""
    stride = x.shape[-2] * x.shape[-1] if x.ndim == 3 else 0
    return x.data.ptr, _TYPES[str(x.dtype)], x.shape[-1], stride
