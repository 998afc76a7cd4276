"""What `gpunet lab` prints: the list, one result, or the table of all results."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ....io.messages import printable
from ....lab.registry import NOTEBOOKS, Experiment
from ...tables import console, show

_WIDEST = 12  # numbers of one list that are still shown
_LONGEST = 20  # rows of one table


def show_experiments(experiments: Sequence[Experiment]) -> None:
    """Print name, title and seconds of every experiment."""
    usage = "`lab NAME` runs one, `lab NAME --help` shows its options"
    notebooks = f"Notebooks to read and run are in {printable(NOTEBOOKS)}"
    show(
        "The lab, in the order in which one learns",
        ("Name", "What it shows", ">seconds"),
        [(e.name, e.title, e.seconds) for e in experiments],
        f"{usage}, `lab all` runs all.\n{notebooks}",
    )


def show_result(
    title: str, result: dict[str, Any], render: Callable[[dict[str, Any]], Any] | None
) -> None:
    """Print a result, as text or renderable of `render` if there is one; and checks."""
    out = console()
    out.print(Text(title[0].upper() + title[1:], style="bold"))
    out.print()
    if render is None:
        _show_plain(out, result)
    else:
        content = render(result)
        out.print(Text(content) if isinstance(content, str) else content)
    checks = result["checks"]
    rows = [
        (c["what"], _number(c["found"]), _number(c["wanted"]), _verdict(c["ok"]))
        for c in checks
    ]
    note = f"{sum(check['ok'] for check in checks)} of {len(checks)} hold"
    out.print()
    show("Checks", ("What", ">got", ">expected", ""), rows, note)


def show_results(rows: Sequence[dict[str, Any]]) -> None:
    """Print which experiments hold and which miss a check."""
    table = []
    for row in rows:
        cells = (row["name"], row["title"], row["checks"], f"{row['seconds']:.1f}")
        missed = "; ".join(row["missed"])[:80]
        table.append((*cells, _verdict(not row["missed"]), missed))
    n, seconds = sum(not row["missed"] for row in rows), sum(r["seconds"] for r in rows)
    columns = ("Name", "What it shows", ">checks", ">seconds", "", "missed")
    note = f"{n} of {len(rows)} experiments hold, in {seconds:.0f} seconds"
    show("All experiments", columns, table, note)


def _verdict(ok: bool) -> str:
    return "ok" if ok else "FAILED"


def _number(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _list(value)
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0 < abs(value) < 1e-6 else f"{value:.10g}"


def _show_plain(out: Console, result: dict[str, Any], indent: str = "") -> None:
    for name, value in result.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if name == "checks":
            continue
        if isinstance(value, dict):
            out.print(Text(label))
            _show_plain(out, value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            _show_rows(label, value)
        else:
            text, lists = _number(value), value if isinstance(value, list) else []
            if sum(len(v) for v in lists if isinstance(v, list)) > _WIDEST:
                text = f"{len(lists)} lists; --json shows them"
            out.print(Text(f"{label:<28} {text}"))


def _show_rows(label: str, rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    right = isinstance(next(iter(rows[0].values())), int | float)
    cells = [list(map(_number, row.values())) for row in rows[:_LONGEST]]
    more = len(rows) - _LONGEST
    note = f"... and {more} more" if more > 0 else ""
    names = [f">{c}" if right or k else c for k, c in enumerate(columns)]
    show(label, [name.replace("_", " ") for name in names], cells, note)


def _list(values: Sequence[Any]) -> str:
    shown = ", ".join(
        f"[{_list(v)}]" if isinstance(v, list) else _number(v) for v in values[:_WIDEST]
    )
    more = len(values) - _WIDEST
    return f"{shown}, ... ({len(values)})" if more > 0 else shown
