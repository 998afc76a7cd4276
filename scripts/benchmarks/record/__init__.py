"""`bench.py --record`: seconds until a dense network knows MNIST's test digits.

From the start of a process to its end, with everything in between: Python and its
imports, reading the files of the package, training, testing. The recipes are fixed.
They were chosen on the last 10,000 training digits and tested after that; the target
is for the mean of the seeds, as the best of them proves nothing.
"""

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

from gpunet.backend.threads import VARIABLES
from gpunet.cli.machine import ROOT

from ..report import Table, progress
from .recipes import RECIPES

SEEDS = 20
_SCRIPT = Path(__file__).with_name("recipes.py")


def benchmark(n_seeds: int) -> tuple[dict[str, Any], list[Table]]:
    """Run each recipe in a process for each seed; return all runs and the tables.

    The `missed` of the result are the targets whose mean was not reached.
    """
    records = {str(target): record(target, n_seeds) for target in RECIPES}
    title = "Seconds to learn MNIST, from process start to end; accuracy in percent"
    columns = [">above", ">mean", ">sd", ">min", ">seconds", ">min", ">max", ">epochs"]
    columns += [f">{part}" for part in next(iter(records.values()))["parts"]]
    rows = []
    for target, row in records.items():
        accuracy, seconds = row["accuracy"], row["seconds"]
        rows.append(
            [target, *(f"{accuracy[key]:.2f}" for key in ("mean", "sd", "min"))]
        )
        rows[-1] += [f"{seconds[key]:.2f}" for key in ("median", "min", "max")]
        rows[-1] += [row["epochs"], *(f"{s:.2f}" for s in row["parts"].values())]
    missed = [f"{t} %" for t, row in records.items() if not row["reached"]]
    advice = [f"above {t} %: {row['recipe']}" for t, row in records.items()]
    advice += [f"missed: {', '.join(missed)}"] if missed else []
    result = {"what": "record", "records": records, "missed": missed, "advice": advice}
    return result, [(title, columns, rows)]


def record(target: int, n_seeds: int) -> dict[str, Any]:
    """Return what the processes of one recipe took, and what their networks know."""
    runs = []
    for seed in range(n_seeds):
        runs.append(timed_run(target, seed))
        progress(f"seed {seed} of the recipe for {target} %")
    accuracies = [100 * run["accuracy"] for run in runs]
    seconds = [run["seconds"] for run in runs]
    return {
        "accuracy": {"mean": fmean(accuracies), "sd": pstdev(accuracies)}
        | {"min": min(accuracies), "max": max(accuracies)},
        "reached": fmean(accuracies) > target,
        "seconds": {
            "median": median(seconds),
            "min": min(seconds),
            "max": max(seconds),
        },
        "parts": {p: median(run["parts"][p] for run in runs) for p in runs[0]["parts"]},
        "epochs": runs[0]["epochs"],
        "recipe": runs[0]["recipe"],
        "runs": runs,
    }


def timed_run(target: int, seed: int) -> dict[str, Any]:
    """Run a recipe with a seed; return what it printed, its seconds and their parts.

    Its threads are its own choice, whatever this process was told.
    """
    env = {name: v for name, v in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, str(_SCRIPT), str(target), str(seed)]
    started = time.time()
    process = subprocess.run(
        command, env=env | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, check=True
    )
    run = json.loads(process.stdout)
    ends = run.pop("ends") | {"end": time.time()}
    spans = zip(ends, pairwise([started, *ends.values()]), strict=True)
    parts = {name: end - start for name, (start, end) in spans}
    return run | {"seed": seed, "seconds": ends["end"] - started, "parts": parts}
