"""What runs in a rival's process: it trains when the parent tells it to."""

import contextlib
import os
import time
from dataclasses import replace
from itertools import chain
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from .frameworks import RIVALS
from .population.rivals import (
    POPULATION_RIVALS,
    LoopPopulation,
    PopulationJob,
    PopulationRival,
)
from .predictors import PREDICTORS
from .rivals import Job, Numpy, Rival, relative_difference

CHECKED_STEPS = 4
TOLERANCE = 1e-4  # of a population's weights after these, relative to the largest


def timed(rival: Rival | PopulationRival) -> float:
    """Return the seconds of one epoch."""
    return measured(rival)["seconds"]


def measured(rival: Rival | PopulationRival) -> dict[str, float]:
    """Return the seconds and CPU seconds of one epoch."""
    rival.prepare()
    started, cpu = time.perf_counter(), time.process_time()
    rival.epoch()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu_seconds": time.process_time() - cpu}


def distance_from_numpy(name: str, job: Job) -> float:
    """Return the largest relative difference of weights after a few steps."""
    n = min(CHECKED_STEPS * job.batch, len(job.x))
    checked = replace(job, x=job.x[:n], t=job.t[:n], order="none")
    rivals = [RIVALS[name](checked), Numpy(replace(checked, device="cpu"))]
    for rival in rivals:
        timed(rival)
    return relative_difference(*(chain(*rival.weights()) for rival in rivals))


def distance_from_loop(name: str, job: PopulationJob) -> float:
    """Return the largest relative difference of weights after a few steps.

    Of ten members at most: among many, a rounding turns a rectifier on or off.
    """
    n, members = CHECKED_STEPS * job.batch, min(job.members, 10)
    checked = replace(job, x=job.x[:n], t=job.t[:n], members=members)
    rivals = [POPULATION_RIVALS[kind](checked) for kind in (name, "loop")]
    for rival in rivals:
        timed(rival)
    return relative_difference(*(chain(*rival.weights()) for rival in rivals))


def set_up_population(name: str, job: dict[str, Any]) -> tuple[PopulationRival, Any]:
    """Make a population's rival and train a first epoch; see `set_up`."""
    made = PopulationJob(**job)
    started = time.perf_counter()
    answer: dict[str, Any] = {"apart": distance_from_loop(name, made)}
    if not answer["apart"] <= TOLERANCE:
        raise ValueError(f"weights are {answer['apart']:.1e} from the loop's")
    rival = POPULATION_RIVALS[name](made)
    timed(rival)
    if isinstance(rival, LoopPopulation):
        answer["auto"] = rival.trainer("auto", epochs=10_000).engine.name
    return rival, answer | {"first_epoch_s": time.perf_counter() - started}


def set_up(
    name: str, job: dict[str, Any]
) -> tuple[Rival | PopulationRival, dict[str, Any]]:
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
    if "members" in job:
        return set_up_population(name, job)
    made = Job(**job)
    started = time.perf_counter()
    if tolerance is not None:
        answer["apart"] = distance_from_numpy(name, made)
        if not answer["apart"] <= tolerance:
            raise ValueError(f"weights are {answer['apart']:.1e} from NumPy's")
    rival = kinds[name](made)
    timed(rival)
    return rival, answer | {"first_epoch_s": time.perf_counter() - started}


def serve(pipe: Connection, name: str, threads: int | None) -> None:
    """Answer the parent's jobs until it ends: {"do": "setup", ...}, {"do": "run"}."""
    if threads and hasattr(os, "sched_setaffinity"):  # every library obeys this limit
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    with open(os.devnull, "w") as null:  # what libraries print is not for the tables
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    rival: Rival | PopulationRival | None = None
    with contextlib.suppress(EOFError):
        while True:
            job = pipe.recv()
            try:
                if job.pop("do") == "setup":
                    rival = None  # frees the last network's memory first
                    rival, answer = set_up(name, job)
                else:
                    assert rival is not None
                    answer = measured(rival)
            except Exception as error:  # the table shows it; the others continue
                answer = {"error": f"{type(error).__name__}: {error}"[:300]}
            pipe.send(answer)
