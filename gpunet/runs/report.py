"""What a trained network is worth on data it has not seen."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend import HostArray
from ..data import Dataset, Splits
from ..io.messages import printable
from ..network import Network
from ..training.metrics import (
    class_report,
    confusion,
    dead_classes,
    mean_absolute_error,
    r_squared,
    root_mean_square_error,
    summary,
)

_ROWS = 8192  # converted at once; as many as a network predicts at once


def describe_table(data: Splits) -> str:
    """Return what is predicted, and from how many rows of a table, in one line."""
    target = _target(data)
    if target.classes:
        names = ", ".join(map(str, target.classes[:8]))
        more = ", ..." if len(target.classes) > 8 else ""
        what = f"{len(target.classes)} classes ({names}{more})"
    else:
        what = f"a number (mean {target.mean:.6g}, deviation {target.scale:.6g})"
    parts = {"train": data.train, "validate": data.validation, "test": data.test}
    rows = ", ".join(f"{len(p):,} to {k}" for k, p in parts.items() if p is not None)
    return printable(f"target: {target.name}: {what}; rows: {rows}", 400)


def score(net: Network, data: Splits, lost: Sequence[int] = ()) -> dict[str, Any]:
    """Return how a network does on the test part; None for members `lost`.

    Of a classifier n_test, test_accuracy, dead_classes; for a population lists and
    a summary; for one network the confusion table, and for a table each class's
    precision, recall and F1. Of a regression n_test, r2, mae and rmse, in the
    target's unit. Of both the `baseline`, and better_than_baseline: whether the
    network (a population: its mean) has a higher accuracy or a lower rmse.
    """
    assert data.test is not None
    judge = _score_numbers if _is_regression(data) else _score_classes
    members, details = judge(net, data, data.test)
    for i in lost:
        members[i] = {key: [] if key == "dead_classes" else None for key in members[i]}
    columns = {key: [member[key] for member in members] for key in members[0]}
    result: dict[str, Any] = {"n_test": len(data.test)}
    if net.population:
        result |= columns | {"summary": summary(next(iter(columns.values())))}
    else:
        result |= members[0] | details
    reference = baseline(data)
    key, sign = ("rmse", -1) if "rmse" in reference else ("test_accuracy", 1)
    values = [value for value in columns[key] if value is not None]
    limit = sign * reference[key] * len(values)
    better = sign * sum(values) > limit if values else None
    return result | {"baseline": reference, "better_than_baseline": better}


def _is_regression(data: Splits) -> bool:
    return data.table is not None and data.n_classes is None


def _target(data: Splits) -> Any:
    assert data.table is not None
    return data.table.target


def baseline(data: Splits) -> dict[str, Any]:
    """Return how well the test part is predicted without looking at its features.

    `predicts` is the commonest class, or the mean, of the training part; beside it
    is its test_accuracy, or its r2 (0, or just below), mae and rmse.
    """
    test = data.test
    assert test is not None
    if _is_regression(data):
        target = _target(data)
        errors = _errors(np.full((len(test), 1), target.mean), target.decode(test.t))
        return {"predicts": target.mean, **errors}
    commonest = int(np.argmax(np.bincount(data.train.t)))
    name = commonest if data.table is None else _target(data).classes[commonest]
    return {"predicts": name, "test_accuracy": float((test.t == commonest).mean())}


def _score_classes(
    net: Network, data: Splits, part: Dataset
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return each member's result, and what is told of a single network beside it."""
    n_classes = max(data.n_classes or 0, net.n_out)
    rows = outputs(net.classify, net, part).reshape(-1, len(part))
    members = [
        {
            "test_accuracy": float((row == part.t).mean()),
            "dead_classes": dead_classes(row, n_classes),
        }
        for row in rows
    ]
    if net.population:
        return members, {}
    table = confusion(rows[0], part.t, n_classes)
    details: dict[str, Any] = {"confusion": table}
    if data.table is not None:
        classes = zip(_target(data).classes, class_report(table), strict=True)
        details["classes"] = [{"class": str(name)} | row for name, row in classes]
    return members, details


def _score_numbers(
    net: Network, data: Splits, part: Dataset
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    t, y = measured(net, data, part)
    return [_errors(row, t) for row in y], {}


def _errors(y: HostArray, t: HostArray) -> dict[str, Any]:
    """Return r2, mae and rmse of predictions y against t, both (n, 1)."""
    return {
        "r2": r_squared(y, t),
        "mae": mean_absolute_error(y, t),
        "rmse": root_mean_square_error(y, t),
    }


def measured(net: Network, data: Splits, part: Dataset) -> tuple[HostArray, HostArray]:
    """Return targets (n, 1) and predictions (members, n, 1) in the target's unit."""
    y = outputs(net.predict, net, part).reshape(-1, len(part), 1)
    target = _target(data)
    return target.decode(part.t), target.decode(y)


def outputs(call: Callable[[Any], HostArray], net: Network, part: Dataset) -> HostArray:
    """Return call(scaled x), of net.classify or net.predict, a block of rows a time."""
    blocks = [
        call(part.take(slice(a, a + _ROWS)).scaled(net.dtype))
        for a in range(0, max(len(part), 1), _ROWS)
    ]
    return np.concatenate(blocks, axis=1 if net.population else 0)
