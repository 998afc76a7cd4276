"""e^x as products and sums alone, so that LLVM vectorizes it."""

import math

import numpy as np

_LOG2E = 1.4426950408889634
# ln 2 in two pieces: the first has few bits, so that n times it is exact.
_HIGH, _LOW = 0.693359375, -2.1219444005469057e-4


def power(x):
    """Return (2^n, e^r - 1) with e^x = 2^n e^r and |r| at most ln(2) / 2.

    Compiled as `power32` or `power64`.
    """
    n = math.floor(x * _LOG2E + 0.5)
    return 2.0**n, math.expm1(x - n * _HIGH - n * _LOW)


def power32(x):
    """Return `power` of a float32."""
    # NaN stays NaN; 2^n itself must stay finite, and is 0 below the normal numbers.
    x = np.float32(-88.0) if x < np.float32(-88.0) else x
    x = np.float32(88.0) if x > np.float32(88.0) else x
    n = np.floor(x * np.float32(_LOG2E) + np.float32(0.5))
    r = x - n * np.float32(_HIGH) - n * np.float32(_LOW)
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1.0)
    s = np.int32((np.int32(n) + 127) << 23)
    return s.view(np.float32), p * r


def power64(x):
    """Return `power` of a float64."""
    x = -709.0 if x < -709.0 else x
    x = 709.0 if x > 709.0 else x
    n = np.floor(x * _LOG2E + 0.5)
    r = x - n * _HIGH - n * _LOW
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    s = np.int64((np.int64(n) + 1023) << 52)
    return s.view(np.float64), p * r
