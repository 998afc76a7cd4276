"""How the lab prints: the ladder, one result, the table of all of them."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.text import Text

from ..tables import console, show

_WIDEST = 12  # numbers of one list that are still shown
_LONGEST = 20  # rows of one table


def show_ladder(rungs: Sequence[tuple[str, str, int]]) -> None:
    """Print name, title and seconds of every experiment."""
    show(
        "The lab, in the order in which one learns",
        ("Name", "What it shows", ">seconds"),
        rungs,
        "`lab NAME` runs one, `lab NAME --help` shows its options, `lab all` runs all.",
    )


def show_result(title: str, result: dict[str, Any], own: Callable | None) -> None:
    """Print a result: by its own function if it has one, and its checks."""
    out = console()
    out.print(Text(title[0].upper() + title[1:], style="bold"))
    out.print()
    if own is None:
        _show_plain(out, result)
    else:
        shown = own(result)
        out.print(Text(shown) if isinstance(shown, str) else shown)
    n = len(result["checks"])
    passed = sum(check["ok"] for check in result["checks"])
    rows = [
        (c["what"], _number(c["found"]), _number(c["wanted"]), _verdict(c["ok"]))
        for c in result["checks"]
    ]
    out.print()
    show("Checks", ("What", ">found", ">wanted", ""), rows, f"{passed} of {n} hold")


def show_all(rows: Sequence[dict[str, Any]]) -> None:
    """Print which experiments hold and which miss a check."""
    table = [
        (
            row["name"],
            row["title"],
            row["checks"],
            f"{row['seconds']:.1f}",
            _verdict(not row["missed"]),
            "; ".join(row["missed"])[:80],
        )
        for row in rows
    ]
    good = sum(not row["missed"] for row in rows)
    seconds = sum(row["seconds"] for row in rows)
    show(
        "The whole ladder",
        ("Name", "What it shows", ">checks", ">seconds", "", "missed"),
        table,
        f"{good} of {len(rows)} experiments hold, in {seconds:.0f} seconds",
    )


def _verdict(ok: bool) -> str:
    return "ok" if ok else "FAILED"


def _number(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _list(value)
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0 < abs(value) < 1e-6 else f"{value:.10g}"


def _show_plain(out: Any, result: dict[str, Any], indent: str = "") -> None:
    for name, value in result.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if name == "checks":
            continue
        if isinstance(value, dict):
            out.print(Text(label))
            _show_plain(out, value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            _show_rows(label, value)
        elif isinstance(value, list) and _is_long(value):
            out.print(Text(f"{label:<28} {len(value)} lists; --json shows them"))
        elif isinstance(value, list):
            out.print(Text(f"{label:<28} {_list(value)}"))
        else:
            out.print(Text(f"{label:<28} {_number(value)}"))


def _show_rows(label: str, rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    right = isinstance(next(iter(rows[0].values())), int | float)
    cells = [
        [_list(v) if isinstance(v, list) else _number(v) for v in row.values()]
        for row in rows[:_LONGEST]
    ]
    more = len(rows) - _LONGEST
    note = f"... and {more} more" if more > 0 else ""
    names = [f">{c}" if right or k else c for k, c in enumerate(columns)]
    show(label, [name.replace("_", " ") for name in names], cells, note)


def _is_long(values: list[Any]) -> bool:
    inner = [len(v) for v in values if isinstance(v, list)]
    return sum(inner) > _WIDEST


def _list(values: list[Any]) -> str:
    shown = ", ".join(
        f"[{_list(v)}]" if isinstance(v, list) else _number(v) for v in values[:_WIDEST]
    )
    more = len(values) - _WIDEST
    return f"{shown}, ... ({len(values)})" if more > 0 else shown
