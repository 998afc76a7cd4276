"""Data as the kernels read them: rows as lists of what is not 0, or as they are."""

import numpy as np
import pytest
from tiny import trainer

from gpunet import Dataset, mlp
from gpunet.fast.cpu.workspace import lay_rows

SCALE = 1 / 255
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(1, 256, (600, 30), np.uint8)  # three blocks of rows
SPARSE = PIXELS * (RNG.random(PIXELS.shape) < 0.2).astype(np.uint8)
BOTH = pytest.mark.parametrize("x", [SPARSE, PIXELS], ids=["sparse", "dense"])


def scaled(x):
    return Dataset(x, np.zeros(len(x), int), scale=SCALE).scaled("float32")


def test_lists_hold_the_rows_and_nothing_else():
    x = SPARSE.astype("float32")
    x[0, 0], x[1], x[2, 3] = np.nan, 0.0, -0.0
    values, columns, starts = lay_rows(x)
    assert len(values) == len(columns) == starts[-1] == np.count_nonzero(x)
    again = np.zeros_like(x)
    for r in range(len(x)):
        here = slice(starts[r], starts[r + 1])
        assert np.all(np.diff(columns[here].astype(int)) > 0)
        again[r, columns[here]] = values[here]
    assert np.array_equal(again, x, equal_nan=True)


@BOTH
def test_bytes_are_laid_out_as_their_floats(x):
    rows = lay_rows(x, SCALE, "float32")
    for a, b in zip(rows, lay_rows(scaled(x)), strict=True):
        assert a.dtype == b.dtype and a.flags.writeable and np.array_equal(a, b)


@BOTH
@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("population", [None, 3])
def test_bytes_train_as_their_floats_bit_for_bit(x, engine, population):
    if engine == "compiled":
        pytest.importorskip("numba")
    t, nets = np.arange(len(x)) % 4, []
    for data in (Dataset(x, t, scale=SCALE), (scaled(x), t)):
        net = mlp([30, 8, 4], population=population, device="cpu")
        job = trainer(net, data, epochs=2, batch_size=50, engine=engine)
        job.run()
        nets.append(net)
        bytes_stay = isinstance(data, Dataset)
        assert job.data.x.dtype == ("uint8" if bytes_stay else "float32")
    for name, p in nets[0].params.items():
        assert np.array_equal(p, nets[1].params[name])
