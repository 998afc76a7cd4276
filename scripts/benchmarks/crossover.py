"""From which size on a GPU wins: one device against another, measured here.

A GPU takes a launch's time for the smallest step; a CPU takes time for each number.
So there is a width, a batch and a population from which on the GPU is faster, and
it depends on both machines: `scripts/bench.py --devices cpu cuda` finds it.
"""

import time
from statistics import median
from typing import Any

import numpy as np

from gpunet.backend import open_backend
from gpunet.blocks import mlp
from gpunet.optimizers import SGD
from gpunet.training.fit import trainer

WIDTHS = (16, 64, 256, 1024, 4096)
BATCHES = (10, 128, 1024)
POPULATIONS = (1, 10, 100)
_INPUTS, _CLASSES, _ROUNDS = 784, 10, 5
_LARGEST = 3e9  # multiplications of one step: more needs no asking


def cases(quick: bool = False) -> list[tuple[int, int, int]]:
    """Return (width, batch, population), smallest work first."""
    widths, batches = (WIDTHS[:4:2], BATCHES[:2]) if quick else (WIDTHS, BATCHES)
    populations = (1, 100) if quick else POPULATIONS
    every = [(w, b, p) for w in widths for b in batches for p in populations]
    return sorted((c for c in every if _work(*c) <= _LARGEST), key=lambda c: _work(*c))


def _work(width: int, batch: int, population: int) -> float:
    return 3.0 * population * batch * width * (_INPUTS + _CLASSES)


def measure(
    devices: list[str], *, quick: bool = False, seconds: float = 60.0
) -> dict[str, Any]:
    """Return the time of a step on each device, in every case that time allows.

    Parameters
    ----------
    devices : list of str
        The first is what the others are held against.
    quick : bool
    seconds : float
        For all.

    Returns
    -------
    result : dict
        cells, each with width, batch, population and us (device -> median
        microseconds a step), and advice, lines for people.
    """
    until, cells = time.monotonic() + seconds, []
    backends = {name: open_backend(name) for name in devices}
    rng = np.random.default_rng(0)
    for width, batch, population in cases(quick):
        if time.monotonic() > until:
            break
        steps = max(4, min(100, int(2e9 / _work(width, batch, population))))
        x = rng.random((steps * batch, _INPUTS), dtype=np.float32)
        t = rng.integers(0, _CLASSES, steps * batch)
        net = {"width": width, "batch": batch, "population": population}
        times: dict[str, list[float]] = {name: [] for name in devices}
        for k in range(_ROUNDS + 1):
            for name, bk in backends.items():
                us = _round(bk, net, (x, t)) / steps
                if k:  # the first warms up
                    times[name].append(us)
        cells.append(net | {"us": {n: median(all_) for n, all_ in times.items()}})
    return {"devices": devices, "cells": cells, "advice": advice(devices, cells)}


def _round(bk: Any, net: dict[str, int], data: Any) -> float:
    """Return the microseconds of one epoch."""
    crowd = {"population": net["population"]} if net["population"] > 1 else {}
    made = mlp([_INPUTS, net["width"], _CLASSES], device=bk, **crowd)
    own = {"epochs": 1, "batch_size": net["batch"], "optimizer": SGD(0.01)}
    job = trainer(made, data, track=False, order="shared", **own)
    bk.synchronize()
    started = time.perf_counter()
    job.run()
    bk.synchronize()
    return 1e6 * (time.perf_counter() - started)


def advice(devices: list[str], cells: list[dict[str, Any]]) -> list[str]:
    """Return, for each other device, from which width on it wins, by batch and crowd.

    Examples
    --------
    >>> cell = {"batch": 10, "population": 1}
    >>> slow, fast = {"cpu": 5.0, "cuda": 9.0}, {"cpu": 50.0, "cuda": 9.0}
    >>> cells = [{**cell, "width": 16, "us": slow}, {**cell, "width": 64, "us": fast}]
    >>> advice(["cpu", "cuda"], cells)
    ['batch 10, 1 network: cuda wins from width 64 on (5.6 times at 64)']
    """
    base, lines = devices[0], []
    groups = sorted({(c["batch"], c["population"]) for c in cells})
    for other in devices[1:]:
        for batch, population in groups:
            mine = [
                c for c in cells if (c["batch"], c["population"]) == (batch, population)
            ]
            mine.sort(key=lambda c: c["width"])
            wins = [c["us"][other] < c["us"][base] for c in mine]
            # From the width above the last one that it loses.
            lost = max((i for i, won in enumerate(wins) if not won), default=-1)
            crowd = f"{population} network{'s' if population > 1 else ''}"
            head = f"batch {batch}, {crowd}: {other}"
            if lost == len(mine) - 1:
                lines.append(f"{head} loses up to width {mine[-1]['width']}")
                continue
            first = mine[lost + 1]
            times = first["us"][base] / first["us"][other]
            lines.append(
                f"{head} wins from width {first['width']} on "
                f"({times:.1f} times at {first['width']})"
            )
    return lines


def table(result: dict[str, Any]) -> tuple[str, list[str], list[list[Any]]]:
    """Return (title, columns, rows) of the measured steps."""
    devices = result["devices"]
    columns = ["Network", ">batch", ">population", *(f">{d}" for d in devices)]
    columns += [f">{devices[0]} / {d}" for d in devices[1:]]
    rows = []
    for c in result["cells"]:
        us = [c["us"][d] for d in devices]
        name = f"{_INPUTS}-{c['width']}-{_CLASSES}"
        rows.append([name, c["batch"], c["population"], *(f"{v:,.1f}" for v in us)])
        rows[-1] += [f"{us[0] / v:.2f}" for v in us[1:]]
    return ("Microseconds a step, plain SGD, median of 5", columns, rows)
