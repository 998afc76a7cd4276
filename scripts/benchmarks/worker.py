"""A rival's process: it trains when a line tells it to.

Each line of stdin is one JSON object, {"do": "setup", ...} or {"do": "run"}, and is
answered by one line.
"""

import json
import os
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from .frameworks import RIVALS
from .predictors import PREDICTORS
from .rivals import Job, Numpy, Rival

CHECKED_STEPS = 4


def timed(rival: Rival) -> float:
    """Return the seconds of one epoch."""
    rival.prepare()
    started = time.perf_counter()
    rival.epoch()
    return time.perf_counter() - started


def distance_from_numpy(name: str, job: Job) -> float:
    """Return the largest relative difference of weights after a few steps."""
    n = min(CHECKED_STEPS * job.batch, len(job.x))
    checked = replace(job, x=job.x[:n], t=job.t[:n], order="none")
    rivals = [RIVALS[name](checked), Numpy(replace(checked, device="cpu"))]
    for rival in rivals:
        timed(rival)
    return max(
        float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))
        for layers in zip(*(rival.weights() for rival in rivals), strict=True)
        for a, b in zip(*layers, strict=True)
    )


def set_up(name: str, job: dict[str, Any]) -> tuple[Rival, dict[str, Any]]:
    """Make a rival and train a first epoch; compilation may be in either.

    With a tolerance in the job, its weights must be as near to NumPy's.
    """
    rows = job.pop("steps") * job["batch"]
    kinds = PREDICTORS if job.pop("predict", False) else RIVALS
    tolerance = job.pop("tolerance", None)
    answer: dict[str, Any] = {}
    # Copies: read from the file once, then in this process's own memory.
    for key in "xt":
        job[key] = np.array(np.load(job[key], mmap_mode="r")[:rows])
    made = Job(**job)
    started = time.perf_counter()
    if tolerance is not None:
        answer["apart"] = distance_from_numpy(name, made)
        if not answer["apart"] <= tolerance:
            raise ValueError(f"weights are {answer['apart']:.1e} from NumPy's")
    rival = kinds[name](made)
    timed(rival)
    return rival, answer | {"first_epoch_s": time.perf_counter() - started}


def serve(name: str, threads: int) -> None:
    """Answer the parent's lines until it closes the pipe."""
    if threads and hasattr(os, "sched_setaffinity"):  # every library obeys this limit
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints does not reach the parent's pipe
    rival = None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job.pop("do") == "setup":
                rival = None  # frees the last network's memory first
                rival, answer = set_up(name, job)
            else:
                assert rival is not None
                answer = {"seconds": timed(rival)}
        except Exception as error:  # the table shows it; the others continue
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
