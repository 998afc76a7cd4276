"""The products of cuBLAS on arrays and on addresses, as CuPy offers them."""

import ctypes
from types import SimpleNamespace

import numpy as np
from fake_arrays import plain


def gemm_of(fake):
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


def cublas(fake):
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
