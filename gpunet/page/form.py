"""The form of a model of tables: what a person needs to know to fill in a row."""

from typing import Any

import numpy as np

from ..data import Preprocessing
from .source import PageSource

_MOST_COLUMNS, _MOST_ROWS = 100, 100_000


def section(source: PageSource) -> dict[str, Any] | None:
    """Return the target's name and, for each raw column, its range or its shares."""
    table = source.table
    if table is None:
        return None
    names = table.names or table.inputs
    if len(names) > _MOST_COLUMNS:
        text = f"the table has {len(names):,} columns, more than {_MOST_COLUMNS}"
        source.notes.append(f"the form is not shown: {text}")
        return None
    x = None
    if source.data is not None and len(source.data.train):
        x = source.data.train.x[:_MOST_ROWS].astype("float64")
    columns, start = [], 0
    for name in names:
        n = len(table.categories.get(name, [0]))
        inputs = slice(start, start + n)
        columns.append({"name": name} | _column(table, name, inputs, x))
        start += n
    return {"target": str(table.target.name), "columns": columns}


def _column(
    table: Preprocessing, name: str, inputs: slice, x: np.ndarray | None
) -> dict[str, Any]:
    """Return the shares of a category's values in training, or a number's range.

    Without the training rows categories count alike, and the range is that of two
    standard deviations around the mean.
    """
    mean, factor = (values[inputs] for values in table.input_scaling())
    if name in table.categories:
        shares = (
            np.full(len(mean), 1 / len(mean)) if x is None else x[:, inputs].mean(0)
        )
        return {"shares": shares.tolist()}
    z = (
        np.array([-2.0, 2.0])
        if x is None
        else np.array([x[:, inputs].min(), x[:, inputs].max()])
    )
    scale = 0.0 if factor[0] == 0 else 1.0 / factor[0]
    low, high = (z * scale + mean[0]).tolist()
    return {"mean": float(mean[0]), "low": low, "high": high, "seen": x is not None}
