"""A grid of networks and batches on one GPU, timed rival by rival.

Each rival runs in a process of its own, so that rounds interleave. Before one is
timed, its weights after a few steps in the rows' own order are held against NumPy's.
"""

import json
import os
import select
import subprocess
import sys
import time
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from gpunet.cli.digits import training_digits
from gpunet.cli.machine import ROOT

from .gpu_rivals import NEED_GPU, RIVALS
from .rivals import Job, Numpy

NETS = ("784-16-16-10", "784-30-10", "784-128-10", "784-512-512-10", "784-2048-2048-10")
BATCHES = (10, 128, 1024, 4096)
CHECKED_STEPS = 4
# How far weights may be from NumPy's after these steps, relative to the largest.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2}


def rounds_of(sizes: list[int], batch: int, seconds: float = 0.1) -> int:
    """Return how many steps one round takes: some `seconds`, at least 8."""
    flops = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    few = int(seconds / (60e-6 + flops / 2e13))
    return min(max(few, 8), 60_000 // batch)


def _prepare(name: str, device: str, tf32: bool, job: dict[str, Any]):
    """Return (rival, how far its weights are from NumPy's after a few steps)."""
    (x, t), batch, sizes = training_digits(), job["batch"], job["sizes"]
    kind = type(name, (RIVALS[name],), {"device": device, "tf32": tf32})
    few = min(CHECKED_STEPS, len(x) // batch) * batch
    own = {"sizes": sizes, "batch": batch, "order": "none"}
    wanted = Numpy(Job(x[:few], t[:few], **own))
    checked = kind(Job(x[:few], t[:few], **own))
    for rival in (wanted, checked):
        rival.prepare()
        rival.epoch()
    apart = max(
        float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))
        for found, right in zip(checked.weights(), wanted.weights(), strict=True)
        for a, b in zip(found, right, strict=True)
    )
    del checked
    n = job["steps"] * batch
    return kind(Job(x[:n], t[:n], **(own | {"order": "own"}))), apart


def work(name: str, device: str, tf32: bool) -> None:
    """Answer the parent's lines until it closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    rival = None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job:
                rival, started = None, time.perf_counter()
                rival, apart = _prepare(name, device, tf32, job)
                rival.prepare()
                rival.epoch()
                answer = {"apart": apart, "setup_s": time.perf_counter() - started}
            else:
                rival.prepare()
                started = time.perf_counter()
                rival.epoch()
                answer = {"seconds": time.perf_counter() - started}
        except Exception as error:
            rival, answer = None, {"error": f"{type(error).__name__}: {error}"[:200]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Process:
    """A rival in its own process."""

    def __init__(self, name: str, device: str, tf32: bool):
        env = os.environ | {
            "CUPY_TF32": str(int(tf32)),
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }
        env["PYTHONPATH"] = os.pathsep.join(
            filter(
                None,
                [str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")],
            )
        )
        command = [
            sys.executable,
            "-m",
            "benchmarks.gpu_grid",
            name,
            device,
            str(int(tf32)),
        ]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.name = name
        self._process = subprocess.Popen(
            command, **pipes, stderr=subprocess.DEVNULL, text=True, env=env
        )

    def tell(self, **job: Any) -> None:
        """Send a job; none means one more round."""
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any]:
        """Wait for the answer, at most so long."""
        # One line answers one: nothing of it can be waiting in Python's buffer.
        ready, _, _ = select.select([self._process.stdout], [], [], max(seconds, 0))
        if not ready:
            self._process.kill()
            return {"error": "no answer in time"}
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended"}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def grid(
    cells: list[tuple[str, int]],
    names: list[str],
    device: str,
    tf32: bool,
    *,
    repeats: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Time every rival in every cell, in interleaved rounds, while time lasts.

    Parameters
    ----------
    cells : list of (net, batch)
        The most telling first: those that time does not reach say so.
    names : list of str
        Keys of `RIVALS`.
    repeats : int
        Rounds of each.
    seconds : float
        For all.

    Returns
    -------
    cells : list of dict
        net, batch, steps, and for each rival {"us", "rounds", "apart"} or
        {"error"}; us has median, least and most, microseconds a step.
    """
    until = time.monotonic() + seconds
    able = [n for n in names if device != "cpu" or n not in NEED_GPU]
    rivals = [Process(name, device, tf32) for name in able]
    try:
        done = []
        for net, batch in cells:
            sizes = [int(n) for n in net.split("-")]
            job = {"sizes": sizes, "batch": batch, "steps": rounds_of(sizes, batch)}
            done.append({"net": net, "batch": batch, "steps": job["steps"]})
            done[-1]["rivals"] = _cell(rivals, job, repeats, tf32, until)
        return done
    finally:
        for rival in rivals:
            rival.close()


def _cell(rivals, job, repeats, tf32, until) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def ask(rival, at_most, **what):
        left = min(until - time.monotonic(), at_most)
        if left < 1:
            return {"error": "no time left"}
        try:
            rival.tell(**what)
        except OSError:
            return {"error": "the process ended"}
        return rival.hear(left)

    for rival in rivals:
        answer = ask(rival, 60, **job)
        limit = TOLERANCE["tf32" if tf32 else "fp32"]
        if "error" not in answer and not answer["apart"] <= limit:
            answer["error"] = f"weights are {answer['apart']:.1e} from NumPy's"
        found[rival.name] = answer | {"rounds": []}
    for k in range(repeats):
        for rival in rivals[:: 1 if k % 2 == 0 else -1]:
            mine = found[rival.name]
            if "error" not in mine:
                answer = ask(rival, 20)
                if "error" in answer:
                    mine["error"] = answer["error"]
                else:
                    mine["rounds"].append(1e6 * answer["seconds"] / job["steps"])
    for mine in found.values():
        if mine["rounds"]:
            times = mine["rounds"]
            mine["us"] = {"median": median(times), "least": min(times)}
            mine["us"]["most"] = max(times)
    return found


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], sys.argv[3] == "1")
