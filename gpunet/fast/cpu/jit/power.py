"""e^x and log x as products and sums alone, so that LLVM vectorizes them."""

import math

import numpy as np

from .vectors import floor, less, two_to

_LOG2E = 1.4426950408889634
# ln 2 in two pieces: the first has few bits, so that n times it is exact.
_HIGH, _LOW = 0.693359375, -2.1219444005469057e-4
_ROOT = 0x3FE6A09E667F3BCD  # the bits of the square root of 1/2


def power(x):
    """Return (2^n, e^r - 1) with e^x = 2^n e^r and |r| at most ln(2) / 2.

    Compiled as `power32` or `power64`.
    """
    n = math.floor(x * _LOG2E + 0.5)
    return 2.0**n, math.expm1(x - n * _HIGH - n * _LOW)


def power32(x):
    """Return `power` of a float32, or a vector of them."""
    f = np.float32
    # NaN stays NaN; 2^n itself must stay finite, and is 0 below the normal numbers.
    x = less(x, f(-88.0), f(-88.0), x)
    x = less(f(88.0), x, f(88.0), x)
    n = floor(x * f(_LOG2E) + f(0.5))
    r = x - n * f(_HIGH) - n * f(_LOW)
    p = f(1 / 5040) * r + f(1 / 720)
    p = p * r + f(1 / 120)
    p = p * r + f(1 / 24)
    p = p * r + f(1 / 6)
    p = p * r + f(0.5)
    p = p * r + f(1.0)
    return two_to(n), p * r


def power64(x):
    """Return `power` of a float64, or a vector of them."""
    x = less(x, -709.0, -709.0, x)
    x = less(709.0, x, 709.0, x)
    n = floor(x * _LOG2E + 0.5)
    r = x - n * _HIGH - n * _LOW
    p = (1 / 6227020800) * r + 1 / 479001600
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
    return two_to(n), p * r


def logarithm(a, b):
    """Return log(a + b) for a + b from 2^-1022; with all digits also if a is 1."""
    return math.log1p(b) if a == 1 else math.log(a + b)


def logarithm64(a, b):
    """Return `logarithm` of float64; NaN stays NaN."""
    x = np.float64(a + b)
    # x = 2^n m, m from sqrt(1/2) to sqrt(2): log m is a series in (m - 1) / (m + 1).
    bits = np.int64(x.view(np.int64) - _ROOT)
    n = np.float64(bits >> 52)
    m = np.int64((bits & 0xFFFFFFFFFFFFF) + _ROOT).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    r = 1 / 21
    r = r * z + 1 / 19
    r = r * z + 1 / 17
    r = r * z + 1 / 15
    r = r * z + 1 / 13
    r = r * z + 1 / 11
    r = r * z + 1 / 9
    r = r * z + 1 / 7
    r = r * z + 1 / 5
    r = r * z + 1 / 3
    lost = (b - (x - a)) / x  # by the sum's rounding
    log = n * _HIGH + (2.0 * s + (2.0 * s * z * r + n * _LOW + lost))
    return log if x < np.inf else x
