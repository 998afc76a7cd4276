"""What every benchmark prints: tables, Markdown or JSON, and the machine's line."""

import argparse
import datetime
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gpunet.backend.threads import usable_cores
from gpunet.cli.machine import blas, commit, cpu_model, version
from gpunet.cli.tables import as_json, show
from gpunet.errors import WriteError

Table = tuple[str, list[str], list[list[Any]]]  # title, columns, rows


def machine(packages: Iterable[str], threads: int | None = None) -> dict[str, Any]:
    """Return what a published number must state: machine, versions, commit, date."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "threads": threads,
        "blas": blas(),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in packages},
    }


def publish(
    result: dict[str, Any], tables: Iterable[Table], args: argparse.Namespace
) -> int:
    """Print the result as the arguments ask for, write its JSON; return 0.

    Raises
    ------
    WriteError
        The JSON file cannot be written.
    """
    if args.json == "-":
        print(as_json(result))
        return 0
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
                f"{args.typed[0]}: {args.json}: {error.strerror}; give --json another "
                "place"
            ) from error
        print(f"raw numbers: {args.json}", file=sys.stderr)
    return 0


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return the table that `show` prints as Markdown."""
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    marks = ["--:" if name.startswith(">") else "---" for name in columns]
    names = [name.lstrip(">") for name in columns]
    lines = [f"| {' | '.join(row)} |" for row in (names, *cells)]
    return "\n".join([lines[0], f"|{'|'.join(marks)}|", *lines[1:]])


def _machine_line(result: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items() if v)
    threads = result["threads"] or result["blas"]["threads"]
    where = f"{result['cpu']}, {threads} threads of {result['cores']} cores"
    blas_name = f"{result['blas']['name']} {result['blas']['version']}"
    state = f"commit {result['commit']}, " if result["commit"] else ""
    return f"{where}; {versions}; {blas_name}; {state}{result['date']}"


def progress(what: str) -> None:
    """Print on stderr what was timed."""
    print(f"timed {what}", file=sys.stderr, flush=True)


def number(value: float | None) -> str | None:
    """Return a number with one decimal below 1,000 and none above; None stays."""
    if value is None:
        return None
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def decimals(value: float | None) -> str | None:
    """Return a number with two decimals; None stays."""
    return None if value is None else f"{value:.2f}"
