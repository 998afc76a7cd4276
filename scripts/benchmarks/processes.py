"""Rivals in processes of their own, timed in interleaved rounds.

The processes (`worker.py`) stay alive, so that the rounds of all rivals interleave
and a busy minute of the machine slows all of them.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from gpunet.cli.machine import ROOT, THREAD_VARIABLES
from gpunet.errors import ConfigError

from .digits import training_digits

Answer = dict[str, Any]
_SETUP_SECONDS, _ROUND_SECONDS = 60.0, 20.0  # at most, where time is limited


def python_path() -> str:
    """Return the PYTHONPATH with which a process finds gpunet and benchmarks."""
    paths = [str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(filter(None, paths))


def _environment(threads: int | None, device: str, tf32: bool) -> dict[str, str]:
    env = os.environ | {"PYTHONPATH": python_path()}
    if device == "cpu":
        env["JAX_PLATFORMS"] = "cpu"
    else:
        env |= {"CUPY_TF32": str(int(tf32)), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if threads:
        env |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    if threads == 1:
        env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return env


class RivalProcess:
    """A process that trains on command.

    Its name is a key of `frameworks.RIVALS` or `predictors.PREDICTORS`; `threads` is
    also the number of cores that it may use, and None sets no limit.
    """

    def __init__(
        self,
        name: str,
        threads: int | None = None,
        device: str = "cpu",
        tf32: bool = False,
    ):
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads or 0)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(threads, device, tf32),
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")  # the process has ended

    def ask(self, seconds: float | None = None, **job: Any) -> Answer:
        """Send one job and wait for its answer, at most so many seconds."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            return json.loads(self._lines.get(timeout=seconds))
        except queue.Empty:
            self._process.kill()
            return {"error": "no answer in time"}
        except (OSError, ValueError):
            return {"error": f"the process ended (status {self._process.poll()})"}

    def __enter__(self) -> "RivalProcess":
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError):  # it may have ended already
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def time_rounds(
    rivals: Sequence[RivalProcess],
    jobs: Sequence[dict[str, Any]],
    repeats: int,
    until: float | None = None,
) -> list[Answer]:
    """Set every rival up, then time the rounds, every second one backwards.

    A job holds the fields of `Job`, with files for x and t, and steps; `until` is the
    end by `time.monotonic`. An answer holds first_epoch_s, rounds (microseconds a
    step of one network) with their median us_per_step, and error if there was one.
    """

    def ask(rival: RivalProcess, limit: float, **job: Any) -> Answer:
        if until is None:
            return rival.ask(**job)
        seconds = min(until - time.monotonic(), limit)
        if seconds < 1:
            return {"error": "no time left"}
        return rival.ask(seconds, **job)

    pairs = list(zip(rivals, jobs, strict=True))
    answers: list[Answer] = [
        ask(rival, _SETUP_SECONDS, do="setup", **job) | {"rounds": []}
        for rival, job in pairs
    ]
    turns = list(zip(pairs, answers, strict=True))
    for k in range(repeats):
        for (rival, job), answer in turns[:: 1 if k % 2 == 0 else -1]:
            if "error" in answer:
                continue
            reply = ask(rival, _ROUND_SECONDS, do="run")
            if "error" in reply:
                answer["error"] = reply["error"]
            else:
                steps = job["steps"] * (job.get("population") or 1)
                answer["rounds"].append(1e6 * reply["seconds"] / steps)
    for answer in answers:
        if answer["rounds"]:
            answer["us_per_step"] = median(answer["rounds"])
    return answers


def ratio(rounds: Sequence[float], base: Sequence[float]) -> float | None:
    """Return the median ratio by round: a slow minute counts on both sides."""
    pairs = list(zip(rounds, base, strict=False))
    return median(a / b for a, b in pairs) if pairs else None


def write_rows(
    data: str, sizes: list[int], n_min: int, folder: str, seed: int = 0
) -> tuple[dict[str, str], int]:
    """Write x (float32) and t (int64) for the rivals; return (paths, n_rows)."""
    name = f"{sizes[0]}-{sizes[-1]}.npy"
    files = {key: str(Path(folder, f"{key}-{name}")) for key in "xt"}
    if not Path(files["x"]).exists():
        if data == "mnist" and name == "784-10.npy":
            x, t = training_digits()
        else:
            rng, n = np.random.default_rng(seed), max(20_000, 5 * n_min)
            x = rng.random((n, sizes[0]), dtype=np.float32)
            t = rng.integers(0, sizes[-1], n)
        np.save(files["x"], x)
        np.save(files["t"], t)
    n_rows = len(np.load(files["x"], mmap_mode="r"))
    if n_min > n_rows:
        raise ConfigError(f"bench: batches: {n_min} is more than the {n_rows} rows")
    return files, n_rows
