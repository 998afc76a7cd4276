"""From a file to the training, validation and test samples of a network."""

import os
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...io.messages import Path, choices, counted, data_error
from ...random import host_rng
from ..dataset import Dataset, Splits
from ..splitting import random_split, stratified_split
from .arrays import add_column
from .columns import is_missing
from .dialect import TextFormat
from .fit import IMPUTE, fit
from .preprocessing import UNKNOWN, Preprocessing
from .reading import NOT_A_TABLE, is_table, read_for, read_with_format
from .table import Table
from .target import TASKS, Target, find_target, missing_target_error, scaled_target
from .text import STDIN

MISSING_TARGET = ("refuse", "drop")
_Rows = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


def check_options(
    target: str | None,
    task: str | None,
    test: Path | None,
    test_size: float,
    impute: str | None,
    unknown: str,
    missing_target: str = "refuse",
) -> None:
    """Refuse options of a table that cannot work (ConfigError)."""
    if target is None:
        raise ConfigError("target must be the column of the table to predict, got None")
    settings = {
        "task": (task, (None, *TASKS)),
        "impute": (impute, (None, *IMPUTE)),
        "unknown": (unknown, UNKNOWN),
        "missing_target": (missing_target, MISSING_TARGET),
    }
    for name, (value, known) in settings.items():
        if value not in known:
            hint = choices(value, filter(None, known))
            raise ConfigError(f"{name}: {value!r}: {hint}")
    if test is not None and not is_table(test):
        raise ConfigError(f"test: {test!r:.200}: {NOT_A_TABLE}; name one")
    if test is None and test_size < 0:
        raise ConfigError(f"test_size must be 0 or more, got {test_size!r}")


def read_splits(
    path: Path,
    target: str,
    *,
    task: str | None = None,
    test: Path | None = None,
    test_size: float = 0.2,
    validation: float = 0.1,
    missing: Collection[str] = (),
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    impute: str | None = None,
    unknown: str = "refuse",
    missing_target: str = "refuse",
    dtype: str = "float32",
    **text_format: Any,
) -> Splits:
    """Return the samples of a table, split, with numbers for its cells.

    Parameters
    ----------
    path : str or path-like
        "-" is a text table on standard input.
    target : str
        The column to predict; for a matrix also the path of an npy file.
    task : None, "classify" or "regress"
        None decides by the target: texts, and at most 20 whole numbers, are classes.
    test : str or path-like, optional
        Another file with the same columns; else `test_size` of the rows.
    test_size, validation : float or int
        The fraction or the number of rows held out; 0 for none.
    missing, categories, drop
        As in `read_table`.
    impute : None, "mean" or "median"
        Impute missing numbers with this statistic of the training rows, categories
        with the most frequent value; None refuses missing cells.
    unknown : "refuse" or "zeros"
        How to handle categories not seen in training.
    missing_target : "refuse" or "drop"
        What to do with rows without a target.
    dtype : str
        Of the network.
    **text_format
        How a text table is written: the fields of `TextFormat`.

    Returns
    -------
    splits : Splits
        t is labels (n,), or scaled numbers (n, 1); `table` is the Preprocessing.
    """
    check_options(target, task, test, test_size, impute, unknown, missing_target)
    if test == path == STDIN:
        raise ConfigError("test: standard input is the training table; name a file")
    form = TextFormat(**text_format)
    if target in drop:
        raise ConfigError(f"drop: {target!r:.80}: is the target; name another column")
    columns: dict[str, Any] = {"categories": categories, "drop": drop}
    table = read_with_format(path, form, missing=missing, **columns)
    if table.matrix is not None and target.lower().endswith(".npy"):
        table, target = add_column(table, target)
    table = _with_target(table, target, missing_target)
    sizes = (test_size if test is None else 0, validation)
    column, t, rows = _split_target(table, target, task, sizes)
    settings: Any = {"impute": impute, "unknown": unknown, "missing": tuple(missing)}
    fitted = fit(table, rows[0], column, form=form, **columns, **settings)
    splits = _samples(fitted, table, t, rows, dtype)
    return splits if test is None else _with_test(splits, test, missing_target)


def _split_target(
    table: Table, name: str, task: str | None, sizes: tuple[float, float]
) -> tuple[Target, np.ndarray, _Rows]:
    """Return the target with its scale, t of all rows, and the rows of each part.

    Classes are held out in proportion; the scale is that of the training rows.
    """
    target, values = find_target(table, name, task)
    if target.classes:
        t = target.encode(values, table)
        return target, t, _split_rows(len(table), t, sizes)
    rows = _split_rows(len(table), None, sizes)
    target = scaled_target(target, values, rows[0], table)
    return target, target.encode(values, table), rows


def _split_rows(n: int, labels: np.ndarray | None, sizes: tuple[float, float]) -> _Rows:
    """Return the rows of the training, test and validation samples.

    Always the same ones: runs of different seeds stay comparable.
    """
    train = np.arange(n)
    held_out: dict[str, np.ndarray] = {}
    rngs = (host_rng(0, "split", 1), host_rng(0, "split"))
    for k, name in enumerate(("test_size", "validation")):
        if not sizes[k]:
            continue
        try:
            if labels is None:
                kept, rows = random_split(len(train), sizes[k], rngs[k])
            else:
                kept, rows = stratified_split(labels[train], sizes[k], rngs[k])
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
        train, held_out[name] = train[kept], train[rows]
    return train, held_out.get("test_size"), held_out.get("validation")


def _samples(
    fitted: Preprocessing, table: Table, t: np.ndarray, rows: _Rows, dtype: str
) -> Splits:
    """Return the samples of each part, after all cells of the table are checked."""
    if not table.on_disk:
        fitted.check_cells(table, training=True)

    def samples(part: np.ndarray) -> Dataset:
        return Dataset(fitted.features(table, part, dtype), t[part])

    train, test, validation = rows
    return Splits(
        samples(train),
        None if validation is None else samples(validation),
        None if test is None else samples(test),
        len(fitted.target.classes) if fitted.target.classes else None,
        os.path.basename(table.where),
        table=fitted,
        notes=table.notes,
    )


def _with_target(table: Table, name: str, missing_target: str) -> Table:
    """Return a table without the rows that have no target, or refuse them."""
    values, key = table.target(name)
    missing = is_missing(values)
    n = int(np.sum(missing))
    if not n:
        return table
    if missing_target == "refuse" or n == len(missing):
        raise missing_target_error(missing, table, key)
    if table.on_disk:
        raise ConfigError(
            "missing_target: the table stays on disk, so no rows of it are dropped; "
            "save it without them"
        )
    table = table.take(np.flatnonzero(~missing))
    note = f"{n:,} of {len(missing):,} rows have no target: left out"
    return replace(table, notes=(*table.notes, note))


def _with_test(splits: Splits, path: Path, missing_target: str) -> Splits:
    """Return splits whose test samples are those of another file."""
    fitted, dtype = splits.table, str(splits.train.x.dtype)
    assert fitted is not None
    table = read_for(fitted, path, strict_target=True)
    target, name = fitted.target, str(fitted.target.name)
    if table.matrix is not None and isinstance(target.name, int):
        width, expected = table.matrix.shape[1], len(fitted.inputs) + 1
        if width != expected:
            reason = f"has {counted(width, 'column')}, the model expects {expected}"
            remedy = "give the same columns, and the target where it was"
            raise data_error("table", path, reason, remedy)
    table = _with_target(table, name, missing_target)
    t = target.encode(table.target(name)[0], table)
    test = Dataset(fitted.features(table, None, dtype), t)
    return replace(splits, test=test, notes=splits.notes + table.notes)
