"""Small tools of the tests."""

import os
import subprocess
import sys
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np

import gpunet

ROOT = Path(__file__).parent.parent
TIGHT = {"float32": 1e-5, "float64": 1e-12}  # one operation, relative to the largest


def error(a, b):
    """Return max |a - b| / max |b| of two host arrays of one shape."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
    apart, size = np.max(np.abs(a - b), initial=0), np.max(np.abs(b), initial=0)
    return float(apart / size if size else apart)


def wide_grid(dtype):
    """Return numbers from -700 to 700, many of them small, in rising order."""
    near = np.geomspace(1e-12, 30.0, 120)
    return np.unique(
        np.concatenate([np.linspace(-700, 700, 1401), near, -near])
    ).astype(dtype)


def exact_sigmoid(z):
    """Return 1 / (1 + e^-z) of a host array, by 40 decimal digits, as float64."""
    with localcontext(prec=40):
        flat = [1 / (1 + (-Decimal(float(v))).exp()) for v in np.ravel(z)]
    return np.array([float(v) for v in flat]).reshape(np.shape(z))


def epsilons_off(a, exact):
    """Return the largest |a - exact| / exact in epsilons of a's dtype.

    Below the dtype's smallest normal number only 0 <= a < twice that is asked.
    """
    info = np.finfo(a.dtype)
    normal = exact >= float(info.smallest_normal)
    assert np.all((a[~normal] >= 0) & (a[~normal] <= 2 * info.smallest_normal))
    off = np.abs(a[normal].astype(np.float64) - exact[normal]) / exact[normal]
    return float(np.max(off) / info.eps)


def normal(seed, *shape):
    """Return float64 normal numbers on the host."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)


class Draws:
    """Uniform numbers on a device, for Dropout; the same ones for one seed."""

    def __init__(self, bk, seed=0, dtype="float64"):
        self.bk, self.dtype = bk, dtype
        self.rng = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, shape):
        return self.bk.array(self.rng.random(tuple(shape)), self.dtype)


def on_device(bk, x):
    """Say whether x belongs to the backend's library and lies on its device."""
    if bk.name == "cpu":
        return type(x) is np.ndarray
    return bk.xp.zeros(0, device=bk.device).device == x.device


def run_python(code, *, path=(), timeout=60, **env):
    """Run code in a fresh Python that finds gpunet; return the finished process."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GPUNET_")}
    home = Path(gpunet.__file__).parent.parent  # a mutant's copy tests itself
    clean["PYTHONPATH"] = os.pathsep.join([*map(str, path), str(home)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def step_slope(loss, y, t, h=1e-5):
    """Return central differences of loss.value, entry by entry, in float64."""
    slope = np.zeros_like(y)
    for k in np.ndindex(y.shape):
        up, down = y.copy(), y.copy()
        up[k] += h
        down[k] -= h
        slope[k] = (loss.value(up, t).sum() - loss.value(down, t).sum()) / (2 * h)
    return slope


def after(code, words):
    """Return the words of a command that runs `code` and becomes command `words`.

    Popen's preexec_fn forks, which warns as soon as a test has loaded JAX.
    """
    become = f"{code}; import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", become, *map(str, words)]
