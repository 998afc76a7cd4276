"""What a benchmark prints: tables for people, Markdown for pages, JSON for both."""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from gpunet.cli.tables import as_json, markdown, show
from gpunet.errors import WriteError

from .crossover import table as crossover_table

Table = tuple[str, list[str], list[list[Any]]]  # title, columns, rows


def report(result: dict[str, Any], args: Any) -> None:
    """Print the result as the arguments ask for, and write its JSON.

    Raises
    ------
    WriteError
        The file of `--json` cannot be written.
    """
    if args.json == "-":
        print(as_json(result))
        return
    tables = _TABLES[result["what"]](result)
    for title, columns, rows in tables:
        if args.markdown:
            print(f"**{title}**\n\n{markdown(columns, rows)}\n")
        else:
            show(title, columns, rows)
    for line in result.get("advice", ()):
        print(line)
    print(_machine_line(result))
    if args.json:
        try:
            Path(args.json).write_text(as_json(result) + "\n", encoding="utf-8")
        except OSError as error:
            raise WriteError(
                f"bench: {args.json}: {error.strerror}; give --json another place"
            ) from error
        print(f"raw numbers: {args.json}", file=sys.stderr)


def _steps(result: dict[str, Any]) -> list[Table]:
    cells = result["cells"]
    names = list(dict.fromkeys(name for cell in cells for name in cell["rivals"]))
    unit = "call" if result["what"] == "predict" else "step"
    head = ["Network", "cost", ">batch", f">{unit}s"]
    times, ratios, firsts, failed = [], [], [], []
    for cell in cells:
        found = cell["rivals"]
        start = [cell["net"], cell["cost"], cell["batch"], cell["steps"]]
        values = [found[n].get("us_per_step") for n in names]
        times.append(start + [_number(v) for v in values])
        values = [found[n].get("times_gpunet") for n in names]
        own = values[names.index("numpy")] if "numpy" in names else None
        own = f"{1 / own:.2f}" if own and "gpunet" in names else None
        ratios.append([*start, *(v and f"{v:.2f}" for v in values), own])
        firsts.append(start + [_seconds(found[n].get("first_epoch_s")) for n in names])
        failed += [
            [cell["net"], cell["cost"], cell["batch"], n, found[n]["error"]]
            for n in names
            if "error" in found[n]
        ]
    columns = head + [f">{name}" for name in names]
    tables = [(f"Microseconds a {unit}, median of the rounds", columns, times)]
    if "gpunet" in names:
        title = "Times gpunet (above 1: gpunet is faster), median of ratios by round"
        tables.append((title, [*columns, ">gpunet / numpy"], ratios))
    title = "Start and first round, in seconds: imports, compilation, warm-up"
    tables.append((title, columns, firsts))
    if failed:
        columns = ["Network", "cost", ">batch", "rival", "why"]
        tables.append(("Left out", columns, failed))
    return tables


def _busy(result: dict[str, Any]) -> list[Table]:
    rows = [
        [
            row["command"],
            *(f"{median(row[key]):.1f}" for key in ("idle", "busy")),
            f"{row['times_idle']:.2f}",
        ]
        for row in result["busy"]
    ]
    title = "Seconds a command takes, alone and beside a busy process for each core"
    return [(title, ["Command", ">alone", ">beside", ">times"], rows)]


def _population(result: dict[str, Any]) -> list[Table]:
    words = {"single": "one network", "own": "own orders", "shared": "one shared order"}
    rows = [
        [
            f"{words[c['kind']]} ({c['members']})",
            "yes" if c["track"] else "no",
            c["net"],
            c["batch"],
            c["steps"],
            _number(c["us_per_net_step"]),
            f"{c['times_single']:.2f}",
        ]
        for c in result["cells"]
    ]
    columns = [
        "Networks",
        "tracked",
        "each",
        ">batch",
        ">steps",
        ">us a net-step",
        ">times one",
    ]
    tables = [("A population on one core, by the loop", columns, rows)]
    if "scaling" in result:
        tables.append(_scaling(result["scaling"]))
    return tables


def _scaling(cells: list[dict[str, Any]]) -> Table:
    rows = [
        [
            c["members"],
            c["threads"],
            c["net"],
            c["batch"],
            c["steps"],
            _number(c["us_per_net_step"]),
            f"{c['speedup']:.2f}",
        ]
        for c in cells
    ]
    columns = [">Networks", ">cores", "each", ">batch", ">steps", ">us a net-step"]
    columns.append(f">times {cells[1]['members']} on one core")
    title = "A population by the compiled engine (sigmoids, quadratic cost)"
    return title, columns, rows


def _startup(result: dict[str, Any]) -> list[Table]:
    found = result["startup"]
    base = found["import numpy"]["seconds"]
    rows = [
        [what, f"{1000 * one['seconds']:.0f}", f"{one['seconds'] / base:.2f}"]
        for what, one in found.items()
    ]
    return [("Start", ["What", ">ms", ">times import numpy"], rows)]


def _crossover(result: dict[str, Any]) -> list[Table]:
    return [crossover_table(result)]


_TABLES = {
    "busy": _busy,
    "crossover": _crossover,
    "steps": _steps,
    "predict": _steps,
    "population": _population,
    "startup": _startup,
}


def _machine_line(result: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items() if v)
    where = f"{result['cpu']}, {result['threads']} of {result['cores']} cores"
    at = f"commit {result['commit']}, " if result["commit"] else ""
    blas = f"{result['blas']['name']} {result['blas']['version']}"
    return f"{where}; {versions}; {blas}; {at}{result['date']}"


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
