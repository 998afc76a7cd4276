"""Two runs side by side: settings that differ, what came out, the last epochs."""

from typing import Any

from ...training.metrics import summary
from .folder import SCORES, Run
from .runs import Runs, comparable, text_of

Table = tuple[str, list[str], list[list[str]]]  # title, columns, rows
_EPOCHS = 5
_CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def comparison(a: Run, b: Run) -> list[Table]:
    """Return what to show of two runs, as tables of texts.

    A ModelFileError says that a history is damaged.
    """
    names = [a.name, b.name] if a.name != b.name else [str(a.path), str(b.path)]
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
    records = [
        {record.get("epoch"): record for record in run.history.records}
        for run in (a, b)
    ]
    last = {epoch for of in records for epoch in list(of)[-_EPOCHS:]}
    curves = [
        (name, i)
        for name in _CURVES
        for i in (0, 1)
        if any(record.get(name) is not None for record in records[i].values())
    ]
    rows = []
    for epoch in sorted(epoch for epoch in last if epoch is not None):
        told = [_means(of.get(epoch, {})) for of in records]
        rows.append([str(epoch), *(text_of(name, told[i]) for name, i in curves)])
    columns = [
        "epoch",
        *(f"{name.replace('_', ' ')}: {names[i]}" for name, i in curves),
    ]
    return columns, rows


def _means(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record's curves, of a population the means of its members."""
    values = {name: record[name] for name in SCORES if name in record}
    return {
        name: summary(value).get("mean") if isinstance(value, list) else value
        for name, value in values.items()
    }
