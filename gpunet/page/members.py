"""The members of a population: the numbers of all, the weights of some.

A page never draws a thousand curves: it has median and 5 to 95 % band of each epoch,
and each member's values, so that one can be drawn on top. Weights are of the best, the
median and the worst member, then of members evenly between, as far as the size allows.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, ModelFileError
from ..io.messages import counted
from ..storage import read_state
from ..training.history import RESULTS, History
from ..training.members.table import CRITERIA, MemberTable, diverged
from .source import PageSource
from .values import floats, network_values

MOST_CURVES, MOST_WEIGHTS = 2_400_000, 2_400_000  # bytes of base64
MOST_NETWORKS = 20
SETTINGS = ("learning_rate", "momentum", "l2", "l1")
_TESTS = ("test_accuracy", "r2", "mae", "rmse")
_BAND = (5, 50, 95)  # percentiles


def section(source: PageSource) -> dict[str, Any] | None:
    """Return what the page has of a population's members, as JSON data.

    "n"; "columns", the table by column; "metric", what members are compared by, and
    "better", 1 if more of it is better, else -1; "settings", which differ; "best",
    "median", "worst" and "shown", a member each; "stopped", reasons by member;
    "notes"; "epochs", and "curves" by metric, see `_curve`; "networks" by member, of
    those but the shown one, and "left_out", what is not in the page.
    """
    net = source.net
    if net is None or not net.population:
        return None
    history = _history(source)
    rows = _rows(source, history)
    ranked = _ranked(rows)
    networks, left_out = _networks(source, _evenly(ranked or range(net.population)))
    known = sorted({source.member or 0, *map(int, networks)})
    curves, omitted = _curves(history, known)
    part: dict[str, Any] = {"n": net.population, "columns": _columns(source, rows)}
    part |= {"metric": rows.criterion, "better": CRITERIA.get(rows.criterion, 1)}
    part |= {"settings": [name for name in SETTINGS if _differs(rows, name)]}
    if ranked:
        part |= {"best": ranked[0], "median": ranked[len(ranked) // 2]}
        part |= {"worst": ranked[-1]}
    notes = [note.replace("val ", "validation ", 1) for note in rows.notes()]
    part |= {"stopped": {str(i): text for i, text in history.stopped.items()}}
    part |= {"notes": notes, "epochs": history["epoch"], "curves": curves}
    part |= {"shown": source.member or 0, "networks": networks}
    return part | {"left_out": [*left_out, *omitted]}


def _ranked(rows: MemberTable) -> list[int]:
    """Return the members that were measured and have not diverged, the best first."""
    if not (criterion := rows.criterion):
        return []
    return [
        row["member"]
        for row in rows.best_first()
        if row.get(criterion) is not None and not diverged(row)
    ]


def _history(source: PageSource) -> History:
    """Return the history of the run, with each member's settings and why it stopped."""
    if source.run is None:
        return source.history
    history = source.history
    history.settings = _settings(source)
    reasons = source.run.result.get("frozen")
    if reasons is None:  # while it has not ended, the newest checkpoint knows
        paths = sorted(source.run.path.glob("checkpoints/step-*"))
        with contextlib.suppress(ModelFileError):
            reasons = read_state(paths[-1]).get("frozen") if paths else None
    history.stopped = {int(i): str(why) for i, why in (reasons or {}).items()}
    return history


def _rows(source: PageSource, history: History) -> MemberTable:
    """Return a row for each member, with what it is worth on the test data."""
    result = source.run.result if source.run else {}
    rows = result.get("members")
    if not isinstance(rows, list):
        rows = history.members() or _settings(source)
        for row in rows:
            row.setdefault("state", "")
    for name in _TESTS:
        values = result.get(name)
        for row, value in zip(rows, values or (), strict=False):
            row[name] = value
    return MemberTable(rows)


def _settings(source: PageSource) -> list[dict[str, Any]]:
    """Return number and seed of each member, and the settings that have a list."""
    assert source.net is not None
    rows: list[dict[str, Any]] = [
        {"member": i, "seed": seed} for i, seed in enumerate(source.net.seeds)
    ]
    for name in SETTINGS:
        values = source.run.settings.get(name) if source.run else None
        if isinstance(values, list) and len(values) == len(rows):
            for row, value in zip(rows, values, strict=True):
                row[name] = value
    return rows


def _columns(source: PageSource, rows: MemberTable) -> dict[str, list[Any]]:
    """Return the table by column; after the numbers the classes never answered."""
    columns = {name: [row.get(name) for row in rows] for name in rows.columns}
    state = columns.pop("state", [])
    dead = source.run.result.get("dead_classes") if source.run else None
    columns |= {"dead_classes": dead or [], "state": state}
    return {
        name: values for name, values in columns.items() if any(map(_known, values))
    }


def _known(value: Any) -> bool:
    return value not in (None, "", [])


def _differs(rows: MemberTable, name: str) -> bool:
    return len({row.get(name) for row in rows}) > 1


def _evenly(ranked: Sequence[int]) -> list[int]:
    """Return members in the order in which their weights are wanted.

    The best, the median, the worst, and those between by halves of their ranks.
    """
    last = len(ranked) - 1
    shares = [0.0, 0.5, 1.0]
    for parts in (4, 8, 16, 32):
        shares += [k / parts for k in range(1, parts, 2)]
    return list(dict.fromkeys(ranked[int(share * last + 0.5)] for share in shares))


def _networks(
    source: PageSource, members: Iterable[int]
) -> tuple[dict[str, Any], list[str]]:
    """Return networks by member, and what is said of the others."""
    net = source.net
    assert net is not None and net.population
    size = sum(p.nbytes for p in net.params.values()) // net.population * 4 // 3
    most = min(MOST_NETWORKS, MOST_WEIGHTS // max(size, 1)) - 1
    chosen = [i for i in members if i != (source.member or 0)][: max(most, 0)]
    networks = {}
    with contextlib.suppress(ConfigError):  # the overview says why none answers
        networks = {str(i): network_values(net.member(i), source.table) for i in chosen}
    missing = net.population - len(networks) - 1
    text = f"the weights of {counted(missing, 'member')}"
    return networks, [text] if missing else []


def _curves(
    history: History, members: list[int]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the curves of each metric, and what is said of those left out."""
    names = [name for name in RESULTS if name in history]
    size = len(history) * (history.n_members or 0) * 16 // 3
    whole = [names[k] for k in range(len(names)) if (k + 1) * size <= MOST_CURVES]
    curves = {
        name: _curve(
            history[name], history.n_members or 0, None if name in whole else members
        )
        for name in names
    }
    rest = ", ".join(name.replace("_", " ") for name in names if name not in whole)
    text = f"the curves ({rest}) of all members but {len(members)}"
    return curves, [text] if rest else []


def _curve(
    values: list[Any], n: int, members: list[int] | None = None
) -> dict[str, Any]:
    """Return low, median, high of each epoch, and the values of members, or of all.

    Each is float32 in base64, NaN for what was not measured; values have shape
    (members, epochs).
    """
    nothing = [None] * n
    rows = [v if isinstance(v, list) else nothing for v in values]
    table = np.array(rows, np.float32).reshape(-1, n).T
    known = [column[np.isfinite(column)] for column in table.T]
    band = np.array(
        [np.percentile(v, _BAND) if v.size else (np.nan,) * 3 for v in known]
    ).reshape(-1, 3)
    low, median, high = (floats(line) for line in band.T)
    curve: dict[str, Any] = {"low": low, "median": median, "high": high}
    if members is not None:
        curve["members"], table = members, table[members]
    return curve | {"values": floats(table)}
