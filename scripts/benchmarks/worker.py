"""The rival's side of a benchmark: it trains when a line tells it to.

The parent starts one such process for each rival, with the same threads, and
writes one JSON object a line: {"do": "setup", ...}, {"do": "run"}. Processes
stay alive, so that the rounds of all rivals interleave and a busy minute of the
machine hurts all alike.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np

from .predictors import PREDICTORS
from .rivals import RIVALS, Job, Rival


def timed(rival: Rival) -> float:
    """Return the seconds of one epoch."""
    rival.prepare()
    started = time.perf_counter()
    rival.epoch()
    return time.perf_counter() - started


def _setup(name: str, job: dict[str, Any]) -> tuple[Rival, dict[str, Any]]:
    rows = job.pop("steps") * job["batch"]
    kinds = PREDICTORS if job.pop("predict", False) else RIVALS
    # Copies: read from the file once, then in this process's own memory.
    for key in "xt":
        job[key] = np.array(np.load(job[key], mmap_mode="r")[:rows])
    # Some compile when they are made, some in their first epoch: count both.
    started = time.perf_counter()
    rival = kinds[name](Job(**job))
    timed(rival)
    return rival, {"first_epoch_s": time.perf_counter() - started}


def main(name: str, threads: int) -> None:
    """Answer the parent's lines until it closes the pipe."""
    if hasattr(os, "sched_setaffinity"):  # the one limit that every library obeys
        cores = sorted(os.sched_getaffinity(0))[:threads]
        os.sched_setaffinity(0, cores)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints does not reach the parent's pipe
    rival = None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job.pop("do") == "setup":
                rival = None  # the last network's memory first
                rival, answer = _setup(name, job)
            else:
                answer = {"seconds": timed(rival)}
        except Exception as error:  # the table says so; the others go on
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
