"""The report of a classifier: each class, and what was answered instead."""

from typing import Any

from ..tables import show

_MOST = 12  # classes whose confusions fit a line
_WIDEST = 12


def show_classes(result: dict[str, Any]) -> None:
    """Print precision, recall, F1 and confusions of each class.

    Parameters
    ----------
    result : dict
        classes and confusion, as `gpunet.runs.report.score` returns them.
    """
    each = result["classes"]
    columns = ["class", ">precision", ">recall", ">F1", ">n"]
    rows = [
        [_short(c["class"]), *(_share(c[k]) for k in ("precision", "recall", "f1"))]
        for c in each
    ]
    for row, c in zip(rows, each, strict=True):
        row.append(str(c["n"]))
    note = ""
    if len(each) <= _MOST:
        columns += [f">as {_short(c['class'])}" for c in each]
        for row, counts in zip(rows, result["confusion"], strict=True):
            row += [str(n) if n else "." for n in counts]
        note = "as X: how many examples of the row's class were answered as X"
    show("test part, class by class", columns, rows, note)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(name: str) -> str:
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}~"
