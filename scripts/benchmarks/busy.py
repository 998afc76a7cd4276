"""How much longer commands take beside as many busy processes as there are cores."""

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

COMMANDS = {
    "train": [],
    "train, loop": ["--engine", "loop"],
    "train, compiled": ["--engine", "compiled"],
    "train, one large network": [
        *("--engine", "compiled", "--sizes", "784-512-512-10"),
        *("--batch-size", "1024", "--epochs", "3"),
    ],
    "train, 20 networks": [
        *("--engine", "compiled", "--preset", "3b1b", "--population", "20"),
        *("--epochs", "3"),
    ],
    "embed_text train": ["train", "--epochs", "2"],
}


def measure(repeats: int) -> list[dict[str, Any]]:
    """Time each command alone and beside busy loops, in turn; return all rounds."""
    rows = []
    for name, words in COMMANDS.items():
        script = name.partition(" ")[0].rstrip(",")
        row: dict[str, Any] = {"command": " ".join([f"{script}.py", *words])}
        row |= {"idle": [], "busy": []}
        _seconds(script, words)  # whatever is to be compiled
        for _ in range(repeats):
            row["idle"].append(_seconds(script, words))
            with _busy_loops(usable_cores()):
                row["busy"].append(_seconds(script, words))
        row["times_idle"] = median(row["busy"]) / median(row["idle"])
        print(f"timed {row['command']}", file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def _seconds(script: str, words: list[str]) -> float:
    env = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    path = ROOT / "scripts" / f"{script}.py"
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", str(Path(folder, "run"))]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, path, *words, *out],
            env=env,
            capture_output=True,
            check=True,
        )
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
