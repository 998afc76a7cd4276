"""Tables for people: drawn by rich on a terminal, plain when piped."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..io.json_text import finite_json

_STYLES = {"ok": "green", "absent": "yellow", "OUT": "bold red", "FAILED": "bold red"}


def show(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], note: str = ""
) -> None:
    """Print a table with a line below it.

    A column that begins with ">" is set flush right, without the sign. None is
    shown as a blank.
    """
    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        right = name.startswith(">")
        table.add_column(name.lstrip(">"), justify="right" if right else "left")
    for row in rows:
        table.add_row(*map(_cell, row))
    out = console()
    out.print(Text(title, style="bold"))
    out.print(table)
    if note:
        out.print(Text(note))


def console() -> Console:
    """Return a console on stdout; piped, it is plain and wide enough."""
    # rich honours NO_COLOR itself, but takes any pipe to be 80 columns wide.
    wide = None if sys.stdout.isatty() else 160
    return Console(file=sys.stdout, width=wide, highlight=False)


def as_json(value: Any) -> str:
    """Return a value as indented JSON, with null for what is not finite."""
    return json.dumps(finite_json(value), indent=2, ensure_ascii=False)


def as_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Return the text of a CSV file."""
    memory = io.StringIO(newline="")
    csv.writer(memory, lineterminator="\n").writerows(rows)
    return memory.getvalue()


def _cell(value: Any) -> Text:
    text = "" if value is None else str(value)
    return Text(text, style=_STYLES.get(text, ""))
