"""Matrix products by cuBLAS, into arrays that are there already.

`x @ W` of CuPy makes a new array for each product, copies transposed views of
populations, and ignores TF32 there. These calls read either operand transposed,
one matrix or one for each member, and accumulate in place: out <- alpha A B + beta
out is the whole update of a weight matrix.
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
    """cuBLAS on one device.

    Parameters
    ----------
    cupy : module
    precision : "float32", "float64", "tf32" or "float16"
        What products are computed in; sums are float32 but for float64.
    """

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
        turn_a: bool = False,
        turn_b: bool = False,
    ) -> Callable[[], None]:
        """Return a call that does out <- alpha a b + beta out.

        Parameters
        ----------
        a, b, out : C-ordered device arrays, (rows, columns) or (P, rows, columns)
            One matrix serves all members. They are to stay where they are.
        alpha, beta : from `number`
            Where beta is 0, what stands in out is not read.
        turn_a, turn_b : bool
            Whether to take the transpose.
        """
        m, n = out.shape[-2:]
        k = a.shape[-2] if turn_a else a.shape[-1]
        # cuBLAS counts columns first: to it our row-major arrays are transposes,
        # and (A B)^T = B^T A^T.
        head = (self._handle, int(turn_b), int(turn_a), n, m, k, alpha.ctypes.data)
        second, first, third = map(self._operand, (b, a, out))
        beta_at, last = beta.ctypes.data, (self._compute, _DEFAULT_ALGORITHM)
        if out.ndim == 2:
            args = (*head, *second[:3], *first[:3], beta_at, *third[:3], *last)
            call = self._cublas.gemmEx
        else:
            args = (*head, *second, *first, beta_at, *third, out.shape[0], *last)
            call = self._cublas.gemmStridedBatchedEx
        keep = (a, b, out, alpha, beta)  # cuBLAS gets addresses alone

        def product(keep=keep) -> None:
            call(*args)

        return product

    @staticmethod
    def _operand(x: Array) -> tuple[int, int, int, int]:
        """Return address, type, row length and distance from member to member."""
        apart = x.shape[-2] * x.shape[-1] if x.ndim == 3 else 0
        return x.data.ptr, _TYPES[str(x.dtype)], x.shape[-1], apart
