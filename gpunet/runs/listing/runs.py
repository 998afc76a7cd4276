"""Many runs: in which settings they differ, which is best, as text, HTML or a frame."""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..._lazy import load
from ...errors import ConfigError, GpunetError
from ...io.messages import choices, printable
from ...io.tables import data_frame, text_table
from .folder import SCORES, Run, is_run, read_run

_MOST_SETTINGS, _MOST_ROWS = 6, 20  # that are shown; a frame has them all
_NUMBERS = ("epochs_done", "best_epoch", "members", "seconds")


class Runs(Sequence[Run]):
    """Runs, the best first.

    ``runs[0]`` is the best, ``runs["name"]`` the run of that folder; `problems` has a
    line for each folder that could not be listed.
    """

    def __init__(self, runs: Sequence[Run], problems: Sequence[str] = ()):
        self._runs, self.problems = list(runs), list(problems)

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, index: Any) -> Any:
        """Return a run by its place or its folder's name, or the Runs of a slice."""
        if isinstance(index, slice):
            return Runs(self._runs[index], self.problems)
        if not isinstance(index, str):
            return self._runs[index]
        for run in self._runs:
            if index in (run.name, str(run.path)):
                return run
        for run, name in zip(self._runs, self.names, strict=True):
            if index == name:
                return run
        raise KeyError(f"no run is called {index!r:.80}")

    @property
    def names(self) -> list[str]:
        """The runs' names; of runs of one name the part of the path that differs."""
        runs_of = Counter(run.name for run in self)
        folders = zip(*(run.path.parts[:-1] for run in self), strict=False)
        same = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, folders))
        return [
            run.name if runs_of[run.name] == 1 else "/".join(run.path.parts[same:])
            for run in self
        ]

    @cached_property
    def differing(self) -> list[str]:
        """The settings in which these runs differ."""
        values: dict[str, set[str]] = {}
        for run in self:
            for key, value in comparable(run).items():
                plain = isinstance(value, float | int | str | None)
                text = repr(value) if plain else json.dumps(value, sort_keys=True)
                values.setdefault(key, set()).add(text)
        return [key for key, different in values.items() if len(different) > 1]

    def rows(self) -> list[dict[str, Any]]:
        """Return a dict for each run: name, modified, settings that differ, numbers."""
        keys, rows = self.differing, []
        for run, name in zip(self, self.names, strict=True):
            settings = comparable(run)
            row: dict[str, Any] = {"name": name, "modified": run.modified}
            row |= {key: settings[key] for key in keys if key in settings}
            rows.append(row | {"state": run.state} | run.numbers)
        return rows

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: a row for each run, with the names of `rows`."""
        rows = [
            row | {"modified": datetime.fromtimestamp(row["modified"], UTC)}
            for row in self.rows()
        ]
        return data_frame("runs", rows)

    def table(self) -> tuple[list[str], list[list[str]], str]:
        """Return columns, rows of texts, and a note on what is not shown."""
        rows, settings = self.rows(), self.differing
        shown = ["name", "modified", *settings[:_MOST_SETTINGS], "state"]
        shown += [name for name in _NUMBERS if any(name in row for row in rows)]
        shown += _scores(rows)
        hidden = settings[_MOST_SETTINGS:]
        note = f"they also differ in {', '.join(hidden)}" if hidden else ""
        cells = [[text_of(name, row) for name in shown] for row in rows]
        return [name.replace("_", " ") for name in shown], cells, note

    def _shown(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Return columns, the first rows, and what to say below them."""
        columns, rows, note = self.table()
        more = max(len(rows) - _MOST_ROWS, 0)
        notes = [f"... {more} more" if more else "", note, *self.problems[:_MOST_ROWS]]
        notes += [] if rows else ["no runs"]
        return columns, rows[:_MOST_ROWS], [text for text in notes if text]

    def __repr__(self) -> str:
        columns, rows, notes = self._shown()
        lines = text_table([columns, *rows], "<" * len(columns)) if rows else []
        return "\n".join(lines + notes)

    def _repr_html_(self) -> str:
        return load("show.html").runs(len(self), *self._shown())


def list_runs(*folders: str | os.PathLike, sort: str | None = None) -> Runs:
    """Return the runs in some folders, the best first.

    Parameters
    ----------
    *folders : path
        Run folders, or folders that hold run folders; "runs" if none is given.
    sort : str, optional
        The setting, score or other column to sort by. By default the first score
        that any run has: test accuracy, R2, test loss, or those of the validation
        data.

    Returns
    -------
    runs : Runs
        A sequence of `Run`, with `to_frame()`. Only small files are read.

    Raises
    ------
    ConfigError
        There is no such folder, or no such column.
    """
    runs, problems = [], []
    for path in map(Path, folders or ["runs"]):
        inside = [path] if is_run(path) else _inside(path)
        for each in inside:
            try:
                runs.append(read_run(each))
            except (GpunetError, OSError) as error:
                if not _is_empty(each):
                    problems.append(" ".join(str(error).split()))
    return Runs(_sorted(runs, sort), problems)


def comparable(run: Run) -> dict[str, Any]:
    """Return the settings by which runs are compared, layers as one short text."""
    # "loss" is a score
    names = {"loss": "loss_function"}
    settings = {names.get(key, key): value for key, value in run.settings.items()}
    if layers := settings.pop("layers", None):
        settings["network"] = _layers_text(layers)
        seeds = settings.pop("seeds", [])
        single = isinstance(seeds, list) and len(seeds) == 1
        settings["seed"] = seeds[0] if single else seeds
    if settings.get("sizes"):
        settings.pop("hidden", None)
    settings.pop("population", None)  # shown as members
    return settings


def _layers_text(layers: Any) -> str:
    """Return such as "784-16-10 tanh, dropout 0.1" for the layers of a model file."""
    sizes: list[Any] = []
    words: list[str] = []
    for layer in layers if isinstance(layers, list) else []:
        values = dict(layer) if isinstance(layer, dict) else {}
        kind = str(values.pop("layer", ""))
        if "n_out" in values:
            sizes += ([] if sizes else [values.get("n_in", "?")]) + [values["n_out"]]
        elif kind == "Activation":
            words.append(str(next(iter(values.values()), "")))
        else:
            words.append(" ".join([kind.lower(), *map(str, values.values())]))
    shown = "-".join(map(str, sizes))
    return f"{shown} {', '.join(dict.fromkeys(words))}".strip()


def _is_empty(path: Path) -> bool:
    """Say whether a run left nothing, because its data or settings were refused."""
    with contextlib.suppress(OSError):
        left = set(os.listdir(path)) - {".lock"}
        return left == {"checkpoints"} and not os.listdir(path / "checkpoints")
    return False


def _inside(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            folders = [entry for entry in entries if entry.is_dir()]
            visible = [entry for entry in folders if entry.name[0] != "."]
            return sorted(Path(entry.path) for entry in visible)
    except OSError as error:
        raise ConfigError(
            f"runs: {printable(path)}: {error.strerror}; name a run folder or a folder "
            "that holds some"
        ) from error


def _sorted(runs: list[Run], sort: str | None) -> list[Run]:
    rows = [comparable(run) | run.numbers | {"name": run.name} for run in runs]
    columns = {"modified", "state"}.union(*rows)
    if sort is None:
        sort = next((name for name in SCORES if name in columns), "modified")
    elif sort not in columns and runs:
        hint = choices(sort, sorted(columns))
        raise ConfigError(f"sort: {sort!r:.60}: no such column; {hint}")
    downwards = SCORES.get(sort, sort == "modified")

    def order(pair: tuple[dict[str, Any], Run]) -> tuple[bool, Any, str, float]:
        row, run = pair
        value = row.get(sort, getattr(run, sort, None))
        if isinstance(value, int | float):
            return False, -value if downwards else value, "", -run.modified
        return value is None, 0, str(value), -run.modified

    return [run for _, run in sorted(zip(rows, runs, strict=True), key=order)]


def _scores(rows: list[dict[str, Any]]) -> list[str]:
    """Return the scores to show: the first that each run has, in their order."""
    first = {next((name for name in SCORES if name in row), "") for row in rows}
    return [name for name in SCORES if name in first]


def text_of(name: str, row: dict[str, Any]) -> str:
    """Return a cell as text, a score of a population with its deviation."""
    value = row.get(name)
    if value is None:
        return ""
    if name == "modified":
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(value))
    if name in SCORES:
        form = ".2%" if name.endswith("accuracy") else ".4g"
        sd = row.get(f"{name}_sd")
        return f"{value:{form}}" + ("" if sd is None else f" ± {sd:{form}}")
    if name in ("seconds", "best_epoch") and isinstance(value, float):
        return f"{value:.1f}"
    if name == "sizes" and isinstance(value, list):
        return "-".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value)
    return printable(text, 40)
