"""Net-steps a second: populations by gpunet's engines and by other libraries.

A net-step is one training step of one member. Each rival has a process of its own, and
rounds interleave. Every rival is checked first: after a few steps its weights must be
those of gpunet's loop. Drawing the members' orders is part of every rival's epoch;
compiling is in none.
"""

import argparse
import contextlib
import tempfile
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

from gpunet.cli.machine import version
from gpunet.errors import ConfigError

from ..options.bench import sizes_of
from ..processes import Answer, RivalProcess, time_rounds, write_rows
from ..report import Table, decimals, number, progress
from ..steps import PACKAGES
from .rivals import POPULATION_RIVALS

SMALL = ("2-8-8-2", "20-64-32-2", "50-100-2", "64-32-10")
PICTURES = ("784-16-16-10", "784-30-10", "784-128-10")
QUICK = (  # network, data, batch, members, order, optimizer, threads
    ("2-8-8-2", "random", 32, 100, "own", "sgd", 1),
    ("20-64-32-2", "random", 32, 100, "own", "adam", 1),
    ("50-100-2", "random", 200, 10, "own", "sgd", 1),
    ("64-32-10", "random", 32, 1000, "shared", "sgd", 2),
    ("784-16-16-10", "mnist", 10, 100, "own", "sgd", 1),
    ("784-30-10", "random", 10, 100, "shared", "adam", 2),
)
_FIELDS = ("net", "data", "batch", "members", "order", "optimizer", "threads")
Cell = dict[str, Any]


def grid(args: argparse.Namespace) -> list[Cell]:
    """Return the cells: six, or all of them, of the networks and batches wanted."""
    cells = [dict(zip(_FIELDS, values, strict=True)) for values in QUICK]
    if args.grid == "full":
        nets = [(net, "random") for net in (*SMALL, *PICTURES)]
        nets += [(net, "mnist") for net in PICTURES]
        settings = product(
            nets, (10, 32, 200), (1, 10, 100, 1000), ("own", "shared"), ("sgd", "adam")
        )
        cells = [
            dict(zip(_FIELDS, (*net, *values, threads), strict=True))
            for net, *values in settings
            for threads in (1, 2)
        ]
    cells = [
        cell
        for cell in cells
        if cell["net"] in (args.nets or [cell["net"]])
        and cell["batch"] in (args.batches or [cell["batch"]])
    ]
    if not cells:
        raise ConfigError("bench: nets, batches: no cell of the grid is of these")
    return cells


def benchmark(args: argparse.Namespace, rivals: list[str]) -> tuple[Cell, list[Table]]:
    """Time every rival in every cell; return the result and its tables."""
    rivals = [r for r in rivals if r in POPULATION_RIVALS]
    rivals = [r for r in rivals if all(map(version, PACKAGES[r]))]
    cells = grid(args)
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells:
            _time(cell, rivals, args, folder)
            progress(", ".join(str(cell[field]) for field in _FIELDS))
    result = {"what": "net-steps", "orders": "drawn inside the epoch", "cells": cells}
    return result, _tables(cells, rivals)


def steps_of(cell: Cell, n_rows: int) -> int:
    """Return how many steps take gpunet about 0.2 s, at least 30 and at most 300."""
    products = cell["batch"] * sum(a * b for a, b in pairwise(sizes_of(cell["net"])))
    steps = int(0.2 / (cell["members"] * (1e-6 + 8e-11 * products)))
    return min(max(steps, 30), 300, n_rows // cell["batch"])


def _time(cell: Cell, rivals: list[str], args: argparse.Namespace, folder: str) -> None:
    """Time one cell with every rival, each in a new process; fill it in."""
    sizes = sizes_of(cell["net"])
    rows = Path(folder, cell["data"])
    rows.mkdir(exist_ok=True)
    files, n_rows = write_rows(cell["data"], sizes, 200, str(rows), args.seed)
    cell["steps"] = args.steps or steps_of(cell, n_rows)
    adam = cell["optimizer"] == "adam"
    job = {"sizes": sizes, "adam": adam, "seed": args.seed, **files}
    job |= {key: cell[key] for key in ("batch", "steps", "order", "members")}
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(RivalProcess(name, cell["threads"])) for name in rivals
        ]
        answers = time_rounds(processes, [job] * len(rivals), args.repeats)
    cell["rivals"] = dict(zip(rivals, answers, strict=True))
    if "gpunet" in rivals and "loop" in rivals:
        cell |= _choice(cell["rivals"])


def _choice(answers: dict[str, Answer]) -> Cell:
    """Return auto's engine in a long run, and its time over the better engine's."""
    times = {name: answers[name].get("us_per_step") for name in ("gpunet", "loop")}
    auto = answers["loop"].get("auto")
    if auto is None or None in times.values():
        return {}
    taken = times["loop" if auto == "loop" else "gpunet"]
    return {"auto": auto, "auto_times_better": taken / min(times.values())}


def _tables(cells: list[Cell], rivals: list[str]) -> list[Table]:
    head = ["Network", "data", ">batch", ">members", "order", "optimizer", ">threads"]
    columns = [*head, *(f">{name}" for name in rivals)]
    tables: list[Table] = []
    for key, title in (("rounds", "wall clock"), ("cpu_rounds", "CPU time")):
        rows = [_row(cell, rivals, key) for cell in cells]
        names = [*columns, ">fastest other / gpunet"]
        if key == "rounds":
            names += ["auto", ">auto / better"]
            for row, cell in zip(rows, cells, strict=True):
                row += [cell.get("auto"), decimals(cell.get("auto_times_better"))]
        tables.append((f"Microseconds a net-step, {title}, medians", names, rows))
    first = [
        [*_fields(c), *(decimals(a.get("first_epoch_s")) for a in c["rivals"].values())]
        for c in cells
    ]
    title = "Start and first epochs, in seconds: imports, compilation, the check"
    tables.append((title, columns, first))
    errors = [
        [*_fields(cell), name, answer["error"]]
        for cell in cells
        for name, answer in cell["rivals"].items()
        if "error" in answer
    ]
    if errors:
        tables.append(("Left out", [*head, "rival", "reason"], errors))
    return tables


def _fields(cell: Cell) -> list[Any]:
    return [cell[field] for field in _FIELDS]


def _row(cell: Cell, rivals: list[str], key: str) -> list[Any]:
    rounds = {name: cell["rivals"][name].get(key) for name in rivals}
    times = {name: median(r) if r else None for name, r in rounds.items()}
    others = [times[name] for name in rivals if name not in ("gpunet", "loop")]
    best = min((t for t in others if t), default=None)
    mine = times.get("gpunet")
    ratio = best / mine if best and mine else None
    return [*_fields(cell), *(number(times[name]) for name in rivals), decimals(ratio)]
