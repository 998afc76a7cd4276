"""A training step, or a prediction, by each rival in a grid of cells."""

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import pairwise, product
from typing import Any

from gpunet.cli.machine import version

from .options.bench import GRIDS, sizes_of
from .processes import RivalProcess, ratio, time_rounds, write_rows
from .report import Table, decimals, number, progress

PACKAGES = {
    "gpunet": ("numpy", "numba"),
    "loop": ("numpy",),
    "numpy": ("numpy",),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
    "sklearn": ("scikit-learn",),
    "net.predict": ("numpy",),
    "onnxruntime": ("onnxruntime", "onnx"),
}
_PREDICTED = ("784-30-10", "784-512-512-10"), (1, 10_000)


def benchmark(
    args: argparse.Namespace, rivals: list[str]
) -> tuple[dict[str, Any], list[Table]]:
    """Time every rival in every cell; return the result and its tables."""
    nets, batches, _ = GRIDS[args.grid]
    if args.predict:
        (nets, batches), args.costs = _PREDICTED, ["softmax"]
    else:  # gpunet needs no numba; a missing predictor is named in the table
        rivals = [r for r in rivals if r == "gpunet" or all(map(version, PACKAGES[r]))]
    cells, batches = [], args.batches or batches
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        open_rival = partial(RivalProcess, threads=args.threads)
        processes = [stack.enter_context(open_rival(name)) for name in rivals]
        for sizes in map(sizes_of, args.nets or nets):
            files, n = write_rows(args.data, sizes, max(batches), folder, args.seed)
            for cost, batch in product(dict.fromkeys(args.costs), batches):
                steps = 2000 if args.predict else steps_for(sizes, batch, n)
                steps = min(args.steps or steps, n // batch)
                job = {"sizes": sizes, "batch": batch, "steps": steps, "cost": cost}
                job |= {"threads": args.threads, "seed": args.seed, **files}
                job["predict"] = args.predict
                cells.append(time_cell(processes, job, args.repeats))
                net = cells[-1]["net"]
                progress(f"{net}, {cost}, batch {batch}, {steps} steps")
    result = {"what": "predict" if args.predict else "steps", "cells": cells}
    return result, _tables(cells, "call" if args.predict else "step")


def time_cell(
    rivals: Sequence[RivalProcess],
    job: dict[str, Any],
    repeats: int,
    until: float | None = None,
) -> dict[str, Any]:
    """Time one network at one batch size with every rival."""
    answers = time_rounds(rivals, [job] * len(rivals), repeats, until)
    by_name = {r.name: answer for r, answer in zip(rivals, answers, strict=True)}
    for answer in answers:
        if answer["rounds"]:
            base = by_name.get("gpunet", answer)["rounds"]
            answer["times_gpunet"] = ratio(answer["rounds"], base)
    return {
        "net": "-".join(map(str, job["sizes"])),
        "cost": job.get("cost", "softmax"),
        "batch": job["batch"],
        "steps": job["steps"],
        "rivals": by_name,
    }


def steps_for(sizes: list[int], batch: int, n_rows: int, members: int = 1) -> int:
    """Return how many steps take about 0.2 s, at least 20 and at most an epoch.

    Fewer would measure what an epoch costs once (orders, checks), not its steps.
    """
    flops = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    steps = int(0.2 / (members * (40e-6 + flops / 4e10)))
    return min(max(steps, 20), n_rows // batch)


def _tables(cells: list[dict[str, Any]], unit: str) -> list[Table]:
    names = list(dict.fromkeys(name for cell in cells for name in cell["rivals"]))
    columns = ["Network", "cost", ">batch", f">{unit}s", *(f">{n}" for n in names)]
    times, ratios, starts, errors = [], [], [], []
    for cell in cells:
        answers = [cell["rivals"][name] for name in names]
        head = [cell["net"], cell["cost"], cell["batch"], cell["steps"]]
        times.append(head + [number(a.get("us_per_step")) for a in answers])
        values = [a.get("times_gpunet") for a in answers]
        base = values[names.index("numpy")] if "numpy" in names else None
        inverse = 1 / base if base and "gpunet" in names else None
        ratios.append(head + [decimals(v) for v in (*values, inverse)])
        starts.append(head + [decimals(a.get("first_epoch_s")) for a in answers])
        for name, answer in zip(names, answers, strict=True):
            if "error" in answer:
                errors.append([*head[:3], name, answer["error"]])
    tables = [(f"Microseconds a {unit}, median of the rounds", columns, times)]
    if "gpunet" in names:
        title = "Times gpunet (above 1: gpunet is faster), median of ratios by round"
        tables.append((title, [*columns, ">gpunet / numpy"], ratios))
    title = "Start and first round, in seconds: imports, compilation, warm-up"
    tables.append((title, columns, starts))
    if errors:
        head = ["Network", "cost", ">batch", "rival", "reason"]
        tables.append(("Left out", head, errors))
    return tables
