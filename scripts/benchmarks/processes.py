"""Rivals in processes of their own, timed in interleaved rounds.

The processes (`worker.py`) stay alive, so that the rounds of all rivals interleave
and a busy minute of the machine slows all of them.
"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np

from gpunet.cli.machine import THREAD_VARIABLES
from gpunet.errors import ConfigError

from .digits import training_digits
from .worker import serve

Answer = dict[str, Any]
_SETUP_SECONDS, _ROUND_SECONDS = 60.0, 20.0  # at most, where time is limited


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
        context = multiprocessing.get_context("spawn")
        self._pipe, pipe = context.Pipe()
        self._process = context.Process(target=serve, args=(pipe, name, threads))
        # Libraries read these when they are imported.
        with patch.dict(os.environ, _environment(threads, device, tf32)):
            self._process.start()
        pipe.close()  # else the end of the process would not be noticed

    def ask(self, seconds: float | None = None, **job: Any) -> Answer:
        """Send one job and wait for its answer, at most so many seconds."""
        try:
            self._pipe.send(job)
            if self._pipe.poll(seconds):
                return self._pipe.recv()
            self._process.kill()
            return {"error": "no answer in time"}
        except (EOFError, OSError):
            self._process.join(1)
            return {"error": f"the process ended (status {self._process.exitcode})"}

    def __enter__(self) -> "RivalProcess":
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        self._process.kill()
        self._process.join()
        self._process.close()


def _environment(threads: int | None, device: str, tf32: bool) -> dict[str, str]:
    if device == "cpu":
        env = {"JAX_PLATFORMS": "cpu"}
    else:
        env = {"CUPY_TF32": str(int(tf32)), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if threads:
        env |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    if threads == 1:
        env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return env


def time_rounds(
    rivals: Sequence[RivalProcess],
    jobs: Sequence[dict[str, Any]],
    repeats: int,
    until: float | None = None,
) -> list[Answer]:
    """Set every rival up, then time the rounds, every second one backwards.

    A job holds the fields of `Job`, with files for x and t, and steps; `until` is the
    end by `time.monotonic`. An answer holds first_epoch_s, rounds and cpu_rounds
    (microseconds a step of one network), the rounds' median us_per_step, and error if
    there was one.
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
        ask(rival, _SETUP_SECONDS, do="setup", **job) | {"rounds": [], "cpu_rounds": []}
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
                members = job.get("members") or job.get("population") or 1
                for key in ("seconds", "cpu_seconds"):
                    name = "rounds" if key == "seconds" else "cpu_rounds"
                    answer[name].append(1e6 * reply[key] / job["steps"] / members)
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
