"""The column to predict: labels of a classifier, or scaled numbers of a regression."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.classes import positions_among
from ...errors import DataError
from ..rows import moments
from .columns import class_value, is_missing, positions
from .table import Table

TASKS = ("classify", "regress")
MAX_CLASSES = 1000
_MAX_INFERRED_CLASSES = 20  # whole numbers that are taken for classes unasked


@dataclass(frozen=True, eq=False)
class Target:
    """The column that is predicted; a regression learns (t - mean) / scale."""

    name: str | int  # an int for a column of a matrix
    classes: tuple[str | int | float, ...] | None = None  # in the order of the outputs
    mean: float = 0.0
    scale: float = 1.0

    def encode(self, values: np.ndarray, table: Table) -> np.ndarray:
        """Return labels (n,), or scaled numbers (n, 1), of a column of `table`."""
        missing = is_missing(values)
        if np.any(missing):
            raise missing_target_error(missing, table, self.name)
        if self.classes is None:
            if values.dtype == object:
                reason, remedy = "the target is a text", "give numbers, or classify"
                raise table.error(0, self.name, reason, remedy)
            values = values.astype(np.float64)
            return ((values - self.mean) / self.scale)[:, None]
        labels = positions_among(positions(self.classes), values)
        if np.any(labels < 0):
            row = int(np.argmax(labels < 0))
            known = ", ".join(map(str, self.classes[:10]))
            value = class_value(values[row])
            reason = f"{value!r:.80} is none of the classes {known:.120}"
            remedy = "correct it, or train with examples of it"
            raise table.error(row, self.name, reason, remedy)
        return labels

    def decode(self, t: Any) -> np.ndarray:
        """Return scaled numbers, shape (n, 1), in the target's own unit."""
        return np.asarray(t, np.float64) * self.scale + self.mean


def missing_target_error(
    missing: np.ndarray, table: Table, name: str | int
) -> DataError:
    """Return the DataError about rows without a target."""
    n, row = int(np.sum(missing)), int(np.argmax(missing))
    reason = f"the target is missing in {n:,} of {len(missing):,} rows, first here"
    remedy = "fill it in, or use {missing_target} to leave such rows out"
    return table.error(row, name, reason, remedy, missing_target="drop")


def find_target(table: Table, name: str, task: str | None) -> tuple[Target, np.ndarray]:
    """Return (target, values): what is to be predicted, without its scale yet.

    Texts are classes. Whole numbers are classes if `task` says so, or if it is
    None and there are at most 20 different ones.
    """
    values, key = table.target(name)
    if values.dtype == object:
        if task == "regress":
            raise table.error(0, key, f"{values[0]!r:.80} is a text", "classify it")
        return _classifier(sorted({str(v) for v in values}), table, key), values
    if values.dtype.kind == "f" and np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        reason = f"the target is {values[row]}"
        raise table.error(row, key, reason, "correct it, or remove the row")
    different = np.unique(values)
    whole = bool((different == np.trunc(different)).all())
    if task is None:
        few = len(different) <= _MAX_INFERRED_CLASSES
        task = "classify" if whole and few else "regress"
    if task == "regress":
        return Target(key), values
    if not whole:
        row = int(np.argmax(values != np.trunc(values)))
        reason = f"the class {values[row]} is not a whole number"
        remedy = "number the classes, or use {task}"
        raise table.error(row, key, reason, remedy, task="regress")
    return _classifier([class_value(v) for v in different], table, key), values


def _classifier(classes: list, table: Table, key: str | int) -> Target:
    """Return the Target of these classes, if they are neither one nor too many."""
    if len(classes) == 1:
        reason = f"the only class is {classes[0]!r:.80}"
        raise table.error(0, key, reason, "give examples of two or more classes")
    if not 2 <= len(classes) <= MAX_CLASSES:
        reason = f"the target has {len(classes):,} classes"
        raise table.error(0, key, reason, "name another `target`")
    return Target(key, tuple(classes))


def scaled_target(
    target: Target, values: np.ndarray, rows: np.ndarray, table: Table
) -> Target:
    """Return a regression's target with the mean and scale of its training rows."""
    column = values[rows].astype(np.float64)[:, None]
    (mean,), (scale,) = moments([column], 1, np.finfo(np.float64).eps)
    if scale == 0 or not np.isfinite(scale):
        reason = "spreads too far" if scale else f"the target is {mean:g} throughout"
        raise table.error(int(rows[0]), target.name, reason, "name another `target`")
    return Target(target.name, None, float(mean), float(scale))
