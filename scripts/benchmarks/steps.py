"""Benchmarks: rivals in their own processes, rounds that interleave, medians."""

import contextlib
import datetime
import platform
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.cli.digits import training_digits
from gpunet.cli.machine import blas, commit, cpu_model, version
from gpunet.errors import ConfigError, GpunetError

from . import busy, crossover
from .options.bench import GRIDS, sizes_of
from .predictors import PREDICTORS
from .processes import RivalProcess, startup
from .report import report

_PACKAGES = {
    "gpunet": ("numpy",),
    "loop": ("numpy",),
    "numpy": ("numpy",),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
    "sklearn": ("scikit-learn",),
    "net.predict": ("numpy",),
    "onnxruntime": ("onnxruntime", "onnx"),
}
_PREDICTED = ("784-30-10", "784-512-512-10"), (1, 10_000)
_MEMBERS = 100


def run(args: Any) -> int:
    """Run the benchmark that the arguments ask for; return the exit code."""
    grid_nets, grid_batches, grid_repeats = GRIDS[args.grid]
    if args.predict:
        (grid_nets, grid_batches), args.costs = _PREDICTED, ["softmax"]
        args.rivals = list(PREDICTORS)
    nets = [sizes_of(text) for text in args.nets or grid_nets]
    batches = args.batches or list(grid_batches)
    threads, timed = args.threads or usable_cores(), args.rivals
    repeats = args.repeats or grid_repeats
    if args.devices:
        result = {"what": "crossover", **crossover.measure(args.devices)}
        timed = ["gpunet"]
    elif args.busy:
        result, timed = {"what": "busy", "busy": busy.measure(repeats)}, ["gpunet"]
    elif args.startup:
        result = {"what": "startup", "startup": startup(max(repeats, 7))}
        timed = ["numpy"]
    elif args.population:
        result = {"what": "population", "members": _MEMBERS}
        result["cells"] = _population(repeats, args)
        if version("numba"):
            cores = args.threads or usable_cores()
            result["scaling"] = _scaling(repeats, cores, args)
        threads, timed = 1, ["gpunet"]
    else:
        result = {
            "what": "predict" if args.predict else "steps",
            "cells": _grid(nets, batches, threads, repeats, args),
        }
    result |= machine(threads, timed)
    report(result, args)
    return 0


def machine(threads: int, rivals: list[str]) -> dict[str, Any]:
    """Return what a published number must carry."""
    packages = {p: version(p) for r in rivals for p in _PACKAGES[r]}
    if "gpunet" in rivals:
        packages["numba"] = version("numba")
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "threads": threads,
        "blas": blas(),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **packages},
    }


def steps_for(sizes: list[int], batch: int, n_rows: int, members: int = 1) -> int:
    """Return how many steps take about 0.2 s, at least 20 and at most an epoch.

    Fewer would show what an epoch costs once (orders, checks), not its steps.
    """
    flops = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    steps = int(0.2 / (members * (40e-6 + flops / 4e10)))
    return min(max(steps, 20), n_rows // batch)


@contextlib.contextmanager
def _rivals(names: list[str], threads: int) -> Iterator[list[RivalProcess]]:
    rivals = [RivalProcess(name, threads) for name in names]
    try:
        yield rivals
    finally:
        for rival in rivals:
            rival.close()


def _grid(nets, batches, threads, repeats, args) -> list[dict[str, Any]]:
    present = args.rivals
    if not args.predict:  # there, who is missing says so in the table
        present = [r for r in args.rivals if all(map(version, _PACKAGES[r]))]
    cells = []
    with tempfile.TemporaryDirectory() as folder, _rivals(present, threads) as rivals:
        for sizes in nets:
            files, n_rows = _data(args.data, sizes, max(batches), folder, args.seed)
            for cost, batch in product(dict.fromkeys(args.costs), batches):
                few = 2000 if args.predict else steps_for(sizes, batch, n_rows)
                steps = min(args.steps or few, n_rows // batch)
                job = {"sizes": sizes, "batch": batch, "steps": steps, **files}
                job |= {"threads": threads, "seed": args.seed, "cost": cost}
                job |= {"predict": args.predict}
                cells.append(_cell(rivals, job, repeats))
                where = f"{cells[-1]['net']}, {cost}, batch {batch}, {steps} steps"
                print(f"timed {where}", file=sys.stderr, flush=True)
    return cells


def _cell(
    rivals: list[RivalProcess], job: dict[str, Any], repeats: int
) -> dict[str, Any]:
    """Time one network at one batch size with every rival, round by round."""
    found: dict[str, dict[str, Any]] = {}
    for rival in rivals:
        found[rival.name] = rival.ask(do="setup", **job) | {"rounds": []}
    for k in range(repeats):
        for rival in rivals[:: 1 if k % 2 == 0 else -1]:
            mine = found[rival.name]
            if "error" in mine:
                continue
            answer = rival.ask(do="run")
            if "error" in answer:
                mine["error"] = answer["error"]
            else:
                mine["rounds"].append(1e6 * answer["seconds"] / job["steps"])
    for mine in found.values():
        if mine["rounds"]:
            mine["us_per_step"] = median(mine["rounds"])
            own = found.get("gpunet", mine)["rounds"]
            # By round, so that a slow minute of the machine counts on both sides.
            pairs = list(zip(mine["rounds"], own, strict=False))
            mine["times_gpunet"] = median(a / b for a, b in pairs) if pairs else None
    return {
        "net": "-".join(map(str, job["sizes"])),
        "cost": job["cost"],
        "batch": job["batch"],
        "steps": job["steps"],
        "rivals": found,
    }


def _population(repeats: int, args: Any) -> list[dict[str, Any]]:
    """Time one network, and 100 at once in their own orders and in a shared one.

    Once as `fit` trains by default, with loss and accuracy tracked, and once bare.
    """
    sizes, batch = [784, 16, 16, 10], 10
    orders = [("single", None), ("own", _MEMBERS), ("shared", _MEMBERS)]
    kinds = [(*kind, track) for track in (True, False) for kind in orders]
    cells = []
    with (
        tempfile.TemporaryDirectory() as folder,
        _rivals(["loop"] * len(kinds), threads=1) as rivals,
    ):
        files, n_rows = _data(args.data, sizes, 1024, folder, args.seed)
        for rival, (kind, members, track) in zip(rivals, kinds, strict=True):
            few = steps_for(sizes, batch, n_rows, members or 1)
            steps = args.steps or max(few, 200)
            job = {"sizes": sizes, "batch": batch, "steps": steps, **files}
            job |= {"threads": 1, "seed": args.seed, "population": members}
            job |= {"order": "shared" if kind == "shared" else "own", "track": track}
            cell = {"kind": kind, "track": track, "net": "784-16-16-10", "batch": batch}
            cell |= {"steps": steps, "members": members or 1, "rounds": []}
            cells.append(cell | _good(rival.ask(do="setup", **job)))
        _time_members(rivals, cells, repeats)
    for cell in cells:
        one = cells[0] if cell["track"] else cells[len(orders)]
        cell["times_single"] = _ratio(cell, one)
    return cells


def _scaling(repeats: int, cores: int, args: Any) -> list[dict[str, Any]]:
    """Time the compiled engine: one network, and 100 on one core and on all."""
    sizes, batch, steps = [784, 30, 10], 10, args.steps or 300
    kinds = [(None, 1), *((_MEMBERS, n) for n in sorted({1, cores}))]
    cells = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        files, _ = _data(args.data, sizes, batch, folder, args.seed)
        rivals = []
        for members, threads in kinds:
            rivals += stack.enter_context(_rivals(["gpunet"], threads))
            job = {"sizes": sizes, "batch": batch, "steps": steps, **files}
            job |= {"population": members, "threads": threads, "cost": "quadratic"}
            cell = {"net": "784-30-10", "batch": batch, "steps": steps, "rounds": []}
            cell |= {"members": members or 1, "threads": threads}
            cells.append(cell | _good(rivals[-1].ask(do="setup", **job)))
        _time_members(rivals, cells, repeats)
    for cell in cells:  # how many times the networks a second of 100 on one core
        cell["speedup"] = _ratio(cells[1], cell)
    return cells


def _time_members(rivals: list[RivalProcess], cells: list, repeats: int) -> None:
    """Time all cells round by round: microseconds for each network and step."""
    for _ in range(repeats):
        for rival, cell in zip(rivals, cells, strict=True):
            seconds = _good(rival.ask(do="run"))["seconds"]
            cell["rounds"].append(1e6 * seconds / (cell["steps"] * cell["members"]))
    for cell in cells:
        cell["us_per_net_step"] = median(cell["rounds"])


def _ratio(cell: dict[str, Any], one: dict[str, Any]) -> float:
    pairs = zip(cell["rounds"], one["rounds"], strict=True)
    return median(a / b for a, b in pairs)


def _good(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise GpunetError(f"bench: population: {answer['error']}")
    return answer


def _data(
    name: str, sizes: list[int], most: int, folder: str, seed: int
) -> tuple[dict[str, str], int]:
    """Write x (float32) and t (int64) where each rival reads them; return n_rows."""
    ends = f"{sizes[0]}-{sizes[-1]}.npy"
    files = {key: str(Path(folder, f"{key}-{ends}")) for key in "xt"}
    if not Path(files["x"]).exists():
        if name == "mnist" and ends == "784-10.npy":
            x, t = training_digits()
        else:
            rng, n = np.random.default_rng(seed), max(20_000, 5 * most)
            x = rng.random((n, sizes[0]), dtype=np.float32)
            t = rng.integers(0, sizes[-1], n)
        np.save(files["x"], x)
        np.save(files["t"], t)
    n_rows = len(np.load(files["x"], mmap_mode="r"))
    if most > n_rows:
        raise ConfigError(f"bench: batches: {most} is more than the {n_rows} rows")
    return files, n_rows
