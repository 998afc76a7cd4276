"""The speed of a training step against the rivals: cells, tables and who wins."""

import contextlib
import tempfile
import time
from itertools import pairwise
from typing import Any

from ..frameworks import GPU_ONLY
from ..options.bench import sizes_of
from ..processes import RivalProcess, write_rows
from ..report import Table
from ..steps import time_cell
from . import Request, Verdict, verdict

NETS = ("784-16-16-10", "784-30-10", "784-128-10", "784-512-512-10", "784-2048-2048-10")
BATCHES = (10, 128, 1024, 4096)
RIVALS = ("gpunet", "loop", "torch", "torch graph", "jax")
# Compiling takes most of a minute for each cell: only these, while time lasts.
MAIN_CELLS = (("784-30-10", 10), ("784-512-512-10", 1024))
COMPILED = ("gpunet", "torch compile")
_ROUNDS = 5
# How far weights may be from NumPy's after a few steps, relative to the largest.
TOLERANCE = {"float32": 1e-4, "tf32": 1e-2}


def measure(request: Request, *, tf32: bool) -> Verdict:
    """Time all rivals in all cells, the most important first, while time lasts."""
    cells: Any = [(net, batch) for batch in BATCHES for net in NETS]
    main_cells: Any = MAIN_CELLS if request.on_gpu else ()
    if request.quick or not request.on_gpu:
        cells = MAIN_CELLS if request.on_gpu else MAIN_CELLS[:1]
    device = "cuda" if request.on_gpu else "cpu"
    start = time.monotonic()
    done = grid(cells, RIVALS, device, tf32, until=start + 0.7 * request.seconds)
    until = start + request.seconds - 3
    compiled = grid(main_cells, COMPILED, device, tf32, until=until)
    tables = [_table(done, RIVALS)]
    if compiled:
        tables.append(_table(compiled, COMPILED))
    return verdict(
        "us_per_step" in done[0]["rivals"]["gpunet"],
        f"{len(done)} cells; {who_wins(done)}",
        tables=tables,
        cells=done,
        compiled=compiled,
    )


def steps_for(sizes: list[int], batch: int) -> int:
    """Return how many steps take about 0.1 s on a GPU, at least 8."""
    flops = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    return min(max(int(0.1 / (60e-6 + flops / 2e13)), 8), 60_000 // batch)


def grid(
    cells: Any, names: Any, device: str, tf32: bool, *, until: float
) -> list[dict[str, Any]]:
    """Time every rival in every cell (net, batch); those without time say so.

    Before a rival is timed, its weights after a few steps are compared with NumPy's.
    Returns cells as `steps.time_cell` does; `until` is by `time.monotonic`.
    """
    names = [n for n in names if device != "cpu" or n not in GPU_ONLY]
    results = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        rivals = [
            stack.enter_context(RivalProcess(name, device=device, tf32=tf32))
            for name in (names if cells else ())
        ]
        for net, batch in cells:
            sizes = sizes_of(net)
            files, _ = write_rows("mnist", sizes, batch, folder)
            job = {"sizes": sizes, "batch": batch, "steps": steps_for(sizes, batch)}
            job |= {"device": device, "tf32": tf32, "threads": None, **files}
            job["tolerance"] = TOLERANCE["tf32" if tf32 else "float32"]
            results.append(time_cell(rivals, job, _ROUNDS, until))
    return results


def _table(cells: list[dict[str, Any]], names: Any) -> Table:
    rows = []
    for cell in cells:
        rows.append([cell["net"], cell["batch"]])
        for name in names:
            answer = cell["rivals"].get(name, {"error": "not on this device"})
            if "us_per_step" in answer:
                least, most = min(answer["rounds"]), max(answer["rounds"])
                text = f"{answer['us_per_step']:.1f} ({least:.1f}-{most:.1f})"
            else:
                text = answer.get("error", "not measured")[:60]
            rows[-1].append(text)
    title = f"Microseconds a step: median (least-most) of {_ROUNDS} rounds"
    return title, ["Network", ">batch", *(f">{n}" for n in names)], rows


def who_wins(cells: list[dict[str, Any]]) -> str:
    """Return in how many cells gpunet is at least as fast as all others.

    Examples
    --------
    >>> us = {"gpunet": 2.0, "loop": 1.0, "torch": 3.0}
    >>> rivals = {name: {"us_per_step": v} for name, v in us.items()}
    >>> who_wins([{"rivals": rivals}, {"rivals": {"torch": {"error": "x"}}}])
    'gpunet is the fastest in 1 of 1'
    """
    won = compared = 0
    for cell in cells:
        us = {
            n: a["us_per_step"] for n, a in cell["rivals"].items() if "error" not in a
        }
        others = [v for n, v in us.items() if n not in ("gpunet", "loop")]
        if "gpunet" in us and others:
            compared, won = compared + 1, won + (us["gpunet"] <= min(others))
    return f"gpunet is the fastest in {won} of {compared}"
