"""Dropout's draws in the kernels: the same numbers as `random.DropoutDraws`."""

import numpy as np

from .vectors import mulhi


def keep_some(val, o, n, key, epoch, step, first, rate):
    """Put dropout's factors of n neurons into val[o : o + n]: 0 or 1 / (1 - rate).

    The draws first, first + 1, ... of NumPy's Philox generator of this step, as
    `random.DropoutDraws` makes them: 24 bits each, two to a word of 64.
    """
    factor = val.dtype.type(1.0 / (1.0 - rate))
    block = -1
    a = b = c = d = np.uint64(0)
    for j in range(n):
        e = first + j
        if e // 8 != block:
            block = e // 8
            a, b, c, d = philox(block + 1, step, epoch, key[0], key[1])
        word = (a, b, c, d)[e % 8 // 2]
        word = word >> np.uint64(32) if e % 2 else word & np.uint64(0xFFFFFFFF)
        u = np.float32(np.int64(word >> np.uint64(8))) * np.float32(2.0**-24)
        val[o + j] = factor if u >= rate else 0.0


def philox(block, step, epoch, k0, k1):
    """Return four words of Philox 4x64-10 (Salmon et al. 2011) for one counter."""
    a, b = np.uint64(block), np.uint64(0)
    c, d = np.uint64(step), np.uint64(epoch)
    x, y = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
    u, v = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
    for _ in range(10):
        a, b, c, d = (
            mulhi(y, c) ^ b ^ k0,
            y * c,
            mulhi(x, a) ^ d ^ k1,
            x * a,
        )
        k0 += u
        k1 += v
    return a, b, c, d
