"""Which engine `auto` takes, beside the times of both: `bench.py --engines`.

For long runs: no time to compile or load counts. The engines take turns in one process.
"""

import argparse
import time
from functools import cache
from itertools import product
from statistics import median
from typing import Any

import numpy as np

import gpunet
from gpunet.training import Settings, Trainer

from ..digits import training_digits
from ..options.bench import sizes_of
from ..processes import ratio
from ..report import Table, decimals, number, progress

TOLERANCE = 0.05  # `auto` may lose so much
NETS = ("2-8-8-2", "20-64-32-2", "50-100-2", "64-32-10", "784-16-16-10", "784-128-10")
BATCHES, POPULATIONS = (1, 10, 32, 200, 1024), (1, 10, 100)
OPTIMIZERS = "SGD", "Adam"
_SECONDS = 0.05  # of a round, about
_MOST_ROWS = 20_000

Cell = dict[str, Any]


def benchmark(args: argparse.Namespace) -> tuple[dict[str, Any], list[Table]]:
    """Time a step by both engines in every cell; return the result and its table."""
    some = slice(1, None, 3) if args.grid == "quick" else slice(None)
    nets, batches = args.nets or NETS[some], args.batches or BATCHES[some]
    cells: list[Cell] = []
    for net, batch, members, name in product(nets, batches, POPULATIONS, OPTIMIZERS):
        for data in ("dense", "mnist") if net.startswith("784") else ("dense",):
            if batch * members > 32_000:  # seconds a step
                continue
            cell = {"net": net, "batch": batch, "members": members}
            cells.append({**cell, "data": data, "optimizer": name})
            time_cell(cells[-1], args.repeats)
            progress(f"{net}, batch {batch}, {members} members, {data}, {name}")
    slow = [cell for cell in cells if cell["loss"] > TOLERANCE]
    summary = f"auto loses more than {TOLERANCE:.0%} in {len(slow)} of {len(cells)}"
    result = {"what": "engines", "cells": cells, "advice": [f"{summary} cells"]}
    return result, [_table(cells)]


def time_cell(cell: Cell, repeats: int) -> None:
    """Fill in the microseconds of a step by each engine, and what `auto` takes."""
    steps, engines = 8, ("loop", "compiled")
    for _ in range(2):  # the first warms up, the second says how many steps to take
        fastest = min(_seconds(cell, steps, engine) for engine in engines) / steps
    steps = max(2, min(int(_SECONDS / fastest), _MOST_ROWS // cell["batch"]))
    rounds: dict[str, list[float]] = {engine: [] for engine in engines}
    for _ in range(repeats):
        for engine, times in rounds.items():
            times.append(1e6 * _seconds(cell, steps, engine) / steps)
    cell["us"] = {engine: median(times) for engine, times in rounds.items()}
    cell["speedup"] = ratio(rounds["loop"], rounds["compiled"])
    cell["auto"] = _trainer(cell, steps, "auto", epochs=10**9).engine.name
    faster = cell["speedup"] if cell["auto"] == "loop" else 1 / cell["speedup"]
    cell["loss"] = max(faster - 1.0, 0.0)


def _seconds(cell: Cell, steps: int, engine: str) -> float:
    trainer = _trainer(cell, steps, engine)
    started = time.perf_counter()
    trainer.run()
    return time.perf_counter() - started


def _trainer(cell: Cell, steps: int, engine: str, epochs: int = 1) -> Trainer:
    """Return what trains a new network in epochs of so many steps."""
    sizes, n = sizes_of(cell["net"]), steps * cell["batch"]
    x, t = _digits(n) if cell["data"] == "mnist" else _rows(n, sizes[0], sizes[-1])
    members = cell["members"] if cell["members"] > 1 else None
    optimizer = {"SGD": gpunet.SGD, "Adam": gpunet.Adam}[cell["optimizer"]](0.01)
    settings = Settings(
        epochs=epochs, batch_size=cell["batch"], optimizer=optimizer, engine=engine
    )
    return Trainer(gpunet.mlp(sizes, population=members), (x, t), settings)


@cache
def _rows(n: int, n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, n_in), dtype=np.float32), np.arange(n) % n_out


@cache
def _digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    x, t = training_digits()
    return x[:n], t[:n]


def _table(cells: list[Cell]) -> Table:
    columns = ["Network", ">batch", ">members", "data", "optimizer", ">loop us"]
    columns += [">compiled us", ">loop / compiled", "auto", ">auto loses"]
    rows = [
        [
            *(c["net"], c["batch"], c["members"], c["data"], c["optimizer"]),
            *(number(c["us"]["loop"]), number(c["us"]["compiled"])),
            *(decimals(c["speedup"]), c["auto"], f"{c['loss']:.0%}"),
        ]
        for c in cells
    ]
    return "Microseconds a step by each engine, medians", columns, rows
