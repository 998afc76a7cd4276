"""Two runs side by side: settings that differ, what came out, the last epochs."""

from typing import Any

from ...training.history import RESULTS
from .folder import Run, mean_and_sd
from .runs import Runs, comparable, text_of

Table = tuple[str, list[str], list[list[str]]]  # title, columns, rows
_EPOCHS = 5


def comparison(a: Run, b: Run) -> list[Table]:
    """Return what to show of two runs, as tables of texts.

    A ModelFileError says that a history is damaged.
    """
    names = Runs([a, b]).names
    settings = [comparable(a), comparable(b)]
    results = [{"state": run.state} | run.numbers for run in (a, b)]
    return [
        (
            "settings that differ",
            ["setting", *names],
            _rows(Runs([a, b]).differing, settings),
        ),
        ("results", ["result", *names], _rows(["state", *_numbers(results)], results)),
        ("last epochs", *_last_epochs(a, b, names)),
    ]


def _numbers(results: list[dict[str, Any]]) -> list[str]:
    known = dict.fromkeys(key for result in results for key in result)
    return [key for key in known if key != "state" and not key.endswith("_sd")]


def _rows(keys: list[str], columns: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [key.replace("_", " "), *(text_of(key, column) for column in columns)]
        for key in keys
    ]


def _last_epochs(a: Run, b: Run, names: list[str]) -> tuple[list[str], list[list[str]]]:
    curves = [_curves(run) for run in (a, b)]
    last = {epoch for run in curves for epoch in sorted(run)[-_EPOCHS:]}
    shown = [
        (name, i)
        for name in RESULTS
        for i, run in enumerate(curves)
        if any(name in record for record in run.values())
    ]
    rows = [
        [str(epoch), *(text_of(name, curves[i].get(epoch, {})) for name, i in shown)]
        for epoch in sorted(last)
    ]
    columns = [f"{name.replace('_', ' ')}: {names[i]}" for name, i in shown]
    return ["epoch", *columns], rows


def _curves(run: Run) -> dict[int, dict[str, float]]:
    """Return the curves of each epoch, of a population the means of its members."""
    records = [record for record in run.history if type(record.get("epoch")) is int]
    return {
        record["epoch"]: {
            name: mean
            for name in RESULTS
            if (mean := mean_and_sd(record.get(name)).get("mean")) is not None
        }
        for record in records
    }
