"""The speed of a training step against rivals: cells, tables and who wins."""

from typing import Any

from .gpu_grid import BATCHES, NETS, grid
from .gpu_rivals import RIVALS

# Compiling takes most of a minute for each cell: only these, while time lasts.
TELLING = (("784-30-10", 10), ("784-512-512-10", 1024))
_COMPILED = ["gpunet", "torch compile"]


def measure(device: str, quick: bool, seconds: float, *, tf32: bool) -> dict[str, Any]:
    """Return whether gpunet was timed, what was found in a line, tables and rounds.

    Parameters
    ----------
    device : str
        Rivals run on the GPU where it names one, else on the CPU.
    quick : bool
        The telling cells alone.
    seconds : float
        For all.
    tf32 : bool
    """
    on_gpu = "cuda" in device
    device = "cuda" if on_gpu else "cpu"
    cells = [(net, batch) for batch in BATCHES for net in NETS]
    if quick or not on_gpu:
        cells = list(TELLING) if on_gpu else [TELLING[0]]
    names = [name for name in RIVALS if name != "torch compile"]
    done = grid(cells, names, device, tf32, repeats=5, seconds=0.7 * seconds)
    telling = list(TELLING) if on_gpu else []
    left = 0.3 * seconds - 3
    compiled = grid(telling, _COMPILED, device, tf32, repeats=5, seconds=left)
    tables = [table(done, names)]
    if compiled:
        tables.append(table(compiled, _COMPILED))
    return {
        "good": "us" in done[0]["rivals"]["gpunet"],
        "what": f"{len(done)} cells; {who_wins(done)}",
        "tables": tables,
        "cells": done,
        "compiled": compiled,
    }


def table(
    cells: list[dict[str, Any]], names: list[str]
) -> tuple[str, list[str], list[list[Any]]]:
    """Return (title, columns, rows) of measured cells."""
    rows = []
    for cell in cells:
        row = [cell["net"], cell["batch"]]
        for name in names:
            one = cell["rivals"].get(name, {"error": "not on this device"})
            if us := one.get("us"):
                text = f"{us['median']:.1f} ({us['least']:.1f}-{us['most']:.1f})"
            else:
                text = one.get("error", "not measured")[:60]
            row.append(text)
        rows.append(row)
    title = "Microseconds a step: median (least-most) of 5 rounds"
    return title, ["Network", ">batch", *(f">{n}" for n in names)], rows


def who_wins(cells: list[dict[str, Any]]) -> str:
    """Say in how many cells gpunet is at least as fast as all others.

    Examples
    --------
    >>> us = {"gpunet": 2.0, "gpunet loop": 1.0, "torch": 3.0}
    >>> rivals = {name: {"us": {"median": v}} for name, v in us.items()}
    >>> who_wins([{"rivals": rivals}, {"rivals": {"torch": {"error": "x"}}}])
    'gpunet is the fastest in 1 of 1'
    """
    won, asked = 0, 0
    for cell in cells:
        us = {n: r["us"]["median"] for n, r in cell["rivals"].items() if "us" in r}
        others = [v for n, v in us.items() if not n.startswith("gpunet")]
        if "gpunet" in us and others:
            asked, won = asked + 1, won + (us["gpunet"] <= min(others))
    return f"gpunet is the fastest in {won} of {asked}"
