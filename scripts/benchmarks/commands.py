"""Times of whole commands: beside busy processes (`--busy`), and to start up."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from subprocess import Popen
from typing import Any

from gpunet.backend.threads import VARIABLES, usable_cores
from gpunet.cli.machine import ROOT

from .report import Table, decimals, progress

BUSY_COMMANDS = (
    "train.py",
    "train.py --engine loop",
    "train.py --engine compiled",
    "train.py --engine compiled --sizes 784-512-512-10 --batch-size 1024 --epochs 3",
    "train.py --engine compiled --preset 3b1b --population 20 --epochs 3",
    "embed_text.py train --epochs 2",
)
STATEMENTS = ("import numpy", "import gpunet", "import gpunet; gpunet.mlp")
_TIMED = "import time; a = time.perf_counter(); {}; print(time.perf_counter() - a)"


def benchmark_busy(repeats: int) -> tuple[dict[str, Any], list[Table]]:
    """Time each command alone and beside busy loops, in turn."""
    rows: list[list[Any]] = []
    results: list[dict[str, Any]] = []
    for command in BUSY_COMMANDS:
        alone, busy = [], []
        _seconds(command)  # compiles what is to be compiled
        for _ in range(repeats):
            alone.append(_seconds(command))
            with _busy_loops(usable_cores()):
                busy.append(_seconds(command))
        times = median(busy) / median(alone)
        results.append({"command": command, "idle": alone, "busy": busy})
        results[-1]["times_idle"] = times
        seconds = [f"{median(rounds):.1f}" for rounds in (alone, busy)]
        rows.append([command, *seconds, decimals(times)])
        progress(command)
    title = "Seconds a command takes, alone and beside a busy process for each core"
    table = (title, ["Command", ">alone", ">beside", ">times"], rows)
    return {"what": "busy", "busy": results}, [table]


def _seconds(command: str) -> float:
    env = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    script, *words = command.split()
    with tempfile.TemporaryDirectory() as folder:
        words += ["--out", str(Path(folder, "run"))]
        return _script_seconds(script, words, env)


def _script_seconds(script: str, words: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    path = str(ROOT / "scripts" / script)
    process = [sys.executable, path, *words]
    subprocess.run(process, env=env, capture_output=True, check=True)
    return time.perf_counter() - started


@contextlib.contextmanager
def _busy_loops(n: int) -> Iterator[None]:
    loops = [Popen([sys.executable, "-c", "while 1: 0"]) for _ in range(n)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def benchmark_startup(repeats: int) -> tuple[dict[str, Any], list[Table]]:
    """Time imports and `--help`, each in a fresh process."""
    times = startup(repeats)
    base = times["import numpy"]["seconds"]
    rows = [
        [what, f"{1000 * t['seconds']:.0f}", decimals(t["seconds"] / base)]
        for what, t in times.items()
    ]
    table = ("Start", ["What", ">ms", ">times import numpy"], rows)
    return {"what": "startup", "startup": times}, [table]


def startup(repeats: int) -> dict[str, dict[str, Any]]:
    """Return the seconds that imports and `--help` take, with their medians."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    rounds: dict[str, list[float]] = {what: [] for what in STATEMENTS}
    for _ in range(repeats):
        for what in STATEMENTS:
            code = [sys.executable, "-c", _TIMED.format(what)]
            process = subprocess.run(code, env=env, capture_output=True, check=True)
            rounds[what].append(float(process.stdout))
    rounds["scripts/train.py --help"] = [
        _script_seconds("train.py", ["--help"], env) for _ in range(repeats)
    ]
    return {w: {"seconds": median(r), "rounds": r} for w, r in rounds.items()}
