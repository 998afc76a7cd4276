"""`bench.py --population`: 100 networks at once against one network."""

import argparse
import contextlib
import tempfile
from typing import Any

from gpunet.cli.machine import version
from gpunet.errors import GpunetError

from .processes import RivalProcess, ratio, time_rounds, write_rows
from .report import Table, decimals, number
from .steps import steps_for

Cell = dict[str, Any]
MEMBERS = 100
_KINDS = {"single": "one network", "own": "own orders", "shared": "one shared order"}


def benchmark(args: argparse.Namespace) -> tuple[dict[str, Any], list[Table]]:
    """Time the loop on one core, and compiled code on one core and on all."""
    with tempfile.TemporaryDirectory() as folder:
        cells = _orders(args, folder)
        result: Cell = {"what": "population", "members": MEMBERS, "cells": cells}
        tables = [_orders_table(cells)]
        if version("numba"):
            result["scaling"] = _scaling(args, folder)
            tables.append(_scaling_table(result["scaling"]))
    return result, tables


def _orders(args: argparse.Namespace, folder: str) -> list[Cell]:
    """Time one network, and 100 in their own orders and in a shared one.

    With loss and accuracy computed, as `fit` does by default, and without.
    """
    sizes = [784, 16, 16, 10]
    files, n_rows = write_rows(args.data, sizes, 1024, folder, args.seed)
    cells: list[Cell] = []
    jobs: list[Cell] = []
    for track in (True, False):
        for kind in _KINDS:
            members = 1 if kind == "single" else MEMBERS
            steps = max(steps_for(sizes, 10, n_rows, members), 200)
            cells.append({"kind": kind, "track": track, "members": members})
            jobs.append({"order": "shared" if kind == "shared" else "own"})
            jobs[-1] |= {"sizes": sizes, "steps": steps, "track": track, **files}
    _time(args, "loop", cells, jobs)
    for cell in cells:
        single = cells[0] if cell["track"] else cells[len(_KINDS)]
        cell["times_single"] = ratio(cell["rounds"], single["rounds"])
    return cells


def _scaling(args: argparse.Namespace, folder: str) -> list[Cell]:
    """Time compiled code: one network, and 100 on one core and on all."""
    counts = sorted({1, args.threads})
    cells: list[Cell] = [{"members": 1, "threads": 1}]
    cells += [{"members": MEMBERS, "threads": n} for n in counts]
    job: Cell = {"sizes": [784, 30, 10], "steps": 300, "cost": "quadratic"}
    job |= write_rows(args.data, job["sizes"], 1024, folder, args.seed)[0]
    _time(args, "gpunet", cells, [dict(job) for _ in cells])
    for cell in cells:  # how many times the networks a second of 100 on one core
        cell["speedup"] = ratio(cells[1]["rounds"], cell["rounds"])
    return cells


def _time(
    args: argparse.Namespace, rival: str, cells: list[Cell], jobs: list[Cell]
) -> None:
    """Time all cells round by round, each in its own process; fill them in."""
    with contextlib.ExitStack() as stack:
        rivals = []
        for cell, job in zip(cells, jobs, strict=True):
            threads, members = cell.get("threads", 1), cell["members"]
            rivals.append(stack.enter_context(RivalProcess(rival, threads)))
            job |= {"batch": 10, "threads": threads, "seed": args.seed}
            job |= {"population": members if members > 1 else None}
            job["steps"] = args.steps or job["steps"]
        answers = time_rounds(rivals, jobs, args.repeats)
    for cell, job, answer in zip(cells, jobs, answers, strict=True):
        if "error" in answer:
            raise GpunetError(f"bench: population: {answer['error']}")
        cell["net"] = "-".join(map(str, job["sizes"]))
        cell |= {"batch": 10, "steps": job["steps"]}
        cell |= answer | {"us_per_net_step": answer["us_per_step"]}


def _orders_table(cells: list[Cell]) -> Table:
    columns = ["Networks", "tracked", "each", ">batch", ">steps", ">us a net-step"]
    rows = [
        [
            f"{_KINDS[cell['kind']]} ({cell['members']})",
            "yes" if cell["track"] else "no",
            *_measured(cell),
            decimals(cell["times_single"]),
        ]
        for cell in cells
    ]
    title = "A population on one core, by the loop"
    return title, [*columns, ">times one"], rows


def _scaling_table(cells: list[Cell]) -> Table:
    columns = [">Networks", ">cores", "each", ">batch", ">steps", ">us a net-step"]
    rows = [
        [c["members"], c["threads"], *_measured(c), decimals(c["speedup"])]
        for c in cells
    ]
    title = "A population by the compiled engine (sigmoids, quadratic cost)"
    last = f">times {cells[1]['members']} on one core"
    return title, [*columns, last], rows


def _measured(cell: Cell) -> list[Any]:
    time = number(cell["us_per_net_step"])
    return [cell["net"], cell["batch"], cell["steps"], time]
