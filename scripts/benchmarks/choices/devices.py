"""From which size on a GPU is faster: one device against another, measured here.

A GPU needs a launch's time for the smallest step; a CPU needs time for each number.
So there is a width, a batch and a population from which on the GPU is faster, and
it depends on both machines: `bench.py --devices cpu cuda` finds it.
"""

import time
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from gpunet.backend import Backend, open_backend
from gpunet.blocks import mlp
from gpunet.optimizers import SGD
from gpunet.training import Settings, Trainer

from ..report import Table

WIDTHS = (16, 64, 256, 1024, 4096)
BATCHES = (10, 128, 1024)
POPULATIONS = (1, 10, 100)
_INPUTS, _CLASSES, _ROUNDS = 784, 10, 5
_LARGEST = 3e9  # multiplications of one step: a GPU is faster above it anyway


def benchmark(
    devices: list[str], *, quick: bool = False, seconds: float = 60.0
) -> tuple[dict[str, Any], list[Table]]:
    """Time a step on each device, in every case that time allows.

    The first device is the one that the others are compared with. The result has
    cells (width, batch, population, and us: device -> median microseconds a step)
    and advice, lines for people.
    """
    until = time.monotonic() + seconds
    cells: list[dict[str, Any]] = []
    backends = {name: open_backend(name) for name in devices}
    for case in cases(quick):
        if time.monotonic() > until:
            break
        width, batch, population = case
        cells.append({"width": width, "batch": batch, "population": population})
        cells[-1]["us"] = _step_times(backends, *case)
    result = {"what": "crossover", "devices": devices, "cells": cells}
    return result | {"advice": advice(devices, cells)}, [_table(devices, cells)]


def cases(quick: bool = False) -> list[tuple[int, int, int]]:
    """Return (width, batch, population), smallest work first."""
    widths, batches = (WIDTHS[:4:2], BATCHES[:2]) if quick else (WIDTHS, BATCHES)
    populations = (1, 100) if quick else POPULATIONS
    every = [c for c in product(widths, batches, populations) if _work(*c) <= _LARGEST]
    return sorted(every, key=lambda case: _work(*case))


def _work(width: int, batch: int, population: int) -> float:
    return 3.0 * population * batch * width * (_INPUTS + _CLASSES)


def _step_times(
    backends: dict[str, Backend], width: int, batch: int, population: int
) -> dict[str, float]:
    """Return the median microseconds of a step on each device."""
    rng = np.random.default_rng(0)
    steps = max(4, min(100, int(2e9 / _work(width, batch, population))))
    x = rng.random((steps * batch, _INPUTS), dtype=np.float32)
    t = rng.integers(0, _CLASSES, steps * batch)
    rounds: dict[str, list[float]] = {name: [] for name in backends}
    for _ in range(_ROUNDS + 1):
        for name, bk in backends.items():
            members = population if population > 1 else None
            net = mlp([_INPUTS, width, _CLASSES], device=bk, population=members)
            settings = Settings(
                epochs=1,
                batch_size=batch,
                optimizer=SGD(0.01),
                compute_metrics=False,
                shuffle="shared",
            )
            epoch = Trainer(net, (x, t), settings)
            bk.synchronize()
            started = time.perf_counter()
            epoch.run()
            bk.synchronize()
            rounds[name].append(1e6 * (time.perf_counter() - started) / steps)
    return {name: median(times[1:]) for name, times in rounds.items()}  # first: warm-up


def advice(devices: list[str], cells: list[dict[str, Any]]) -> list[str]:
    """Return, for each other device, from which width on it is faster.

    Examples
    --------
    >>> case = {"batch": 10, "population": 1}
    >>> slow, fast = {"cpu": 5.0, "cuda": 9.0}, {"cpu": 50.0, "cuda": 9.0}
    >>> cells = [{**case, "width": 16, "us": slow}, {**case, "width": 64, "us": fast}]
    >>> advice(["cpu", "cuda"], cells)
    ['batch 10, 1 network: cuda wins from width 64 on (5.6 times at 64)']
    """
    base, lines = devices[0], []
    groups = sorted({(c["batch"], c["population"]) for c in cells})
    for other, group in product(devices[1:], groups):
        group_cells = [c for c in cells if (c["batch"], c["population"]) == group]
        group_cells.sort(key=lambda c: c["width"])
        ratios = [c["us"][base] / c["us"][other] for c in group_cells]
        # From the width above the last one that it loses.
        first = max((i + 1 for i, r in enumerate(ratios) if r <= 1), default=0)
        networks = f"{group[1]} network{'s' if group[1] > 1 else ''}"
        head = f"batch {group[0]}, {networks}: {other}"
        if first == len(group_cells):
            lines.append(f"{head} loses up to width {group_cells[-1]['width']}")
        else:
            width, ratio = group_cells[first]["width"], ratios[first]
            lines.append(
                f"{head} wins from width {width} on ({ratio:.1f} times at {width})"
            )
    return lines


def _table(devices: list[str], cells: list[dict[str, Any]]) -> Table:
    columns = ["Network", ">batch", ">population", *(f">{d}" for d in devices)]
    columns += [f">{devices[0]} / {d}" for d in devices[1:]]
    rows = []
    for cell in cells:
        us = [cell["us"][d] for d in devices]
        name = f"{_INPUTS}-{cell['width']}-{_CLASSES}"
        rows.append([name, cell["batch"], cell["population"]])
        rows[-1] += [f"{v:,.1f}" for v in us] + [f"{us[0] / v:.2f}" for v in us[1:]]
    return f"Microseconds a step, plain SGD, median of {_ROUNDS}", columns, rows
