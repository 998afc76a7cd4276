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
        known = ", ".join(map(str, target.classes[:8]))
        more = ", ..." if len(target.classes) > 8 else ""
        what = f"{len(target.classes)} classes ({known}{more})"
    else:
        what = f"a number (mean {target.mean:.6g}, deviation {target.scale:.6g})"
    parts = {"train": data.train, "validate": data.validation, "test": data.test}
    rows = ", ".join(f"{len(p):,} to {k}" for k, p in parts.items() if p is not None)
    return printable(f"target: {target.name}: {what}; rows: {rows}", 400)


def score(net: Network, data: Splits, lost: Sequence[int] = ()) -> dict[str, Any]:
    """Return how a network does on the test part.

    Parameters
    ----------
    net : Network
    data : Splits
    lost : sequence of int
        Members that diverged: they get None and do not count.

    Returns
    -------
    result : dict
        Of a classifier n_test, test_accuracy, dead_classes; for a population
        lists and a summary; for one network the confusion table, and for a
        table each class's precision, recall and F1. Of a regression n_test, r2,
        mae and rmse, in the target's unit. Of both the `baseline`, and
        better_than_baseline: whether the network (a population: the mean of its
        members) has a higher accuracy or a lower rmse.
    """
    result, base = _score(net, data, lost), baseline(data)
    key, sign = ("rmse", -1) if "rmse" in base else ("test_accuracy", 1)
    values = result[key] if net.population else [result[key]]
    known = [v for v in values if v is not None]
    better = sign * sum(known) > sign * base[key] * len(known) if known else None
    return result | {"baseline": base, "better_than_baseline": better}


def _test_part(data: Splits) -> Dataset:
    assert data.test is not None
    return data.test


def _target(data: Splits) -> Any:
    assert data.table is not None
    return data.table.target


def baseline(data: Splits) -> dict[str, Any]:
    """Return how well the test part is predicted without looking at its features.

    Returns
    -------
    result : dict
        For classes: `predicts`, the commonest class of the training part, and
        its test_accuracy. For a regression: `predicts`, the mean of the training
        part, and its r2 (0, or just below), mae and rmse on the test part.
    """
    table, test = data.table, _test_part(data)
    if table is not None and data.n_classes is None:
        target = table.target
        y = np.full((len(test), 1), target.mean)
        errors = _errors(y, target.decode(test.t))
        return {"predicts": target.mean, **errors}
    commonest = int(np.argmax(np.bincount(data.train.t)))
    name = commonest if table is None else _target(data).classes[commonest]
    return {"predicts": name, "test_accuracy": float((test.t == commonest).mean())}


def _score(net: Network, data: Splits, lost: Sequence[int]) -> dict[str, Any]:
    if data.table is not None and data.n_classes is None:
        return _score_numbers(net, data, lost)
    part = _test_part(data)
    n_classes = max(data.n_classes or 0, net.n_out)
    rows = outputs(net.classify, net, part).reshape(-1, len(part))
    accuracy: list[Any] = [float((row == part.t).mean()) for row in rows]
    dead = [dead_classes(row, n_classes) for row in rows]
    for i in lost:
        accuracy[i], dead[i] = None, []
    result: dict[str, Any] = {"n_test": len(part)}
    if net.population:
        return result | {
            "test_accuracy": accuracy,
            "dead_classes": dead,
            "summary": summary(accuracy),
        }
    table = confusion(rows[0], part.t, n_classes)
    result |= {"test_accuracy": accuracy[0], "dead_classes": dead[0]}
    result |= {"confusion": table}
    if data.table is not None:
        names = map(str, _target(data).classes)
        each = zip(names, class_report(table), strict=True)
        result["classes"] = [{"class": name} | row for name, row in each]
    return result


def _score_numbers(net: Network, data: Splits, lost: Sequence[int]) -> dict[str, Any]:
    t, y = measured(net, data, _test_part(data))
    unknown = dict.fromkeys(("r2", "mae", "rmse"))
    members = [unknown if i in lost else _errors(row, t) for i, row in enumerate(y)]
    result: dict[str, Any] = {"n_test": len(t)}
    if not net.population:
        return result | members[0]
    result |= {key: [errors[key] for errors in members] for key in unknown}
    return result | {"summary": summary(result["r2"])}


def _errors(y: HostArray, t: HostArray) -> dict[str, Any]:
    """Return r2, mae and rmse of predictions y against t, both (n, 1)."""
    return {
        "r2": r_squared(y, t),
        "mae": mean_absolute_error(y, t),
        "rmse": root_mean_square_error(y, t),
    }


def measured(net: Network, data: Splits, part: Dataset) -> tuple[HostArray, HostArray]:
    """Return what was to be predicted and what was, in the target's own unit.

    Returns
    -------
    t : float64 array, shape (n, 1)
    y : float64 array, shape (members, n, 1)
    """
    y = outputs(net.predict, net, part).reshape(-1, len(part), 1)
    target = _target(data)
    return target.decode(part.t), target.decode(y)


def outputs(call: Callable[[Any], HostArray], net: Network, part: Dataset) -> HostArray:
    """Return call(scaled x) for all rows of a part, scaled a block at a time.

    Parameters
    ----------
    call : net.classify or net.predict
    """
    blocks = [
        call(part.take(slice(a, a + _ROWS)).scaled(net.dtype))
        for a in range(0, max(len(part), 1), _ROWS)
    ]
    return np.concatenate(blocks, axis=1 if net.population else 0)
