"""Learn the preprocessing from training rows: means, scales, categories, fills."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...io.messages import data_error
from ..rows import BLOCK, Location, MatrixRows, Scaling, moments, number_error
from .columns import as_texts
from .dialect import TextFormat
from .preprocessing import Preprocessing
from .table import Table
from .target import Target

MAX_CATEGORIES = 1000
IMPUTE = ("mean", "median")


def fit(
    table: Table,
    rows: np.ndarray,
    target: Target,
    *,
    drop: Collection[str] = (),
    categories: Collection[str] = (),
    impute: str | None = None,
    form: TextFormat,
    **settings: Any,
) -> Preprocessing:
    """Return the Preprocessing learnt from some rows of a table.

    Parameters
    ----------
    rows : int64 array
        The training rows; no other is looked at.
    drop, categories : sequence of str
        Columns to leave out, and columns that are categories.
    impute : None, "mean" or "median"
        What missing numbers become; missing categories become the most frequent.
    **settings
        unknown and missing of `Preprocessing`.

    """
    settings |= {"target": target, "form": form}
    settings["n_columns"] = table.n_columns if form.header is False else None
    if table.matrix is not None:
        if drop or categories:
            raise ConfigError(
                "table: drop and categories name columns, and a matrix has none; use "
                "a CSV file, or an npz file with one array a column"
            )
        scaling = _fit_matrix(table, rows, target, impute)
        return Preprocessing(None, scaling, {}, {}, **settings)
    inputs = [name for name in table.columns if name != target.name]
    drop = drop if table.lines is None else ()  # of a CSV file: they were not read
    for option, columns in (("drop", drop), ("categories", categories)):
        for name in columns:
            if name not in inputs:
                raise ConfigError(
                    f"{option}: {name!r:.80}: no such column beside the target; "
                    f"choose from {', '.join(inputs):.300}"
                )
    names = tuple(name for name in inputs if name not in drop)
    _check_inputs(names, table)
    texts = [k for k in names if k in categories or table.columns[k].dtype == object]
    counts = _count_categories(table, texts, rows)
    fills = {name: max(n, key=n.__getitem__) for name, n in counts.items() if impute}
    values = {name: tuple(sorted(n)) for name, n in counts.items()}
    scaling = _fit_columns(table, rows, names, values, impute)
    return Preprocessing(names, scaling, values, fills, **settings)


def _check_inputs(inputs: Any, table: Table) -> None:
    if not len(inputs):
        reason = "has a target and nothing else"
        raise data_error("table", table.where, reason, "give it columns to learn from")


def _fit_columns(
    table: Table,
    rows: np.ndarray,
    names: tuple[str, ...],
    categories: Collection[str],
    impute: str | None,
) -> Scaling:
    """Return the Scaling of all columns; categories have mean 0 and scale 1."""
    numbers = [i for i, name in enumerate(names) if name not in categories]
    columns = [table.columns[names[i]][rows] for i in numbers]
    if impute:
        _check_some_present(table, rows, [names[i] for i in numbers], columns)
    step = max(1, BLOCK // max(len(numbers), 1))
    starts = range(0, len(rows) if numbers else 0, step)
    blocks = (np.column_stack([c[k : k + step] for c in columns]) for k in starts)

    def location(row: int, column: int) -> str:
        return table.location(int(rows[row]), names[numbers[column]])

    k = len(names)
    mean, scale, fill = np.zeros(k), np.ones(k), np.full(k, np.nan)
    labels = [names[i] for i in numbers]
    epsilon = float(np.finfo(np.float64).eps)
    mean[numbers], scale[numbers] = _moments(blocks, labels, epsilon, location, table)
    if impute:
        fill[numbers] = _fill(impute, mean[numbers], columns)
    return Scaling(mean, scale, fill)


def _check_some_present(
    table: Table, rows: np.ndarray, names: list[str], columns: list[np.ndarray]
) -> None:
    """Refuse columns of numbers in which every training row is missing."""
    empty = [k for k, c in zip(names, columns, strict=True) if np.isnan(c).all()]
    if empty:
        what = "column is" if len(empty) == 1 else "columns are"
        reason = f"the {what} missing in every training row: {', '.join(empty):.200}"
        remedy = "leave out with {drop}"
        raise table.error(int(rows[0]), empty[0], reason, remedy, drop=empty)


def _fit_matrix(
    table: Table, rows: np.ndarray, target: Target, impute: str | None
) -> Scaling:
    """Return the Scaling of a matrix without its target."""
    if impute == "median" and table.on_disk:
        raise ConfigError(
            "impute: the median needs the whole column in memory, and the table stays "
            "on disk; use mean"
        )
    matrix = table.matrix
    assert matrix is not None
    columns = np.arange(matrix.shape[1])
    if isinstance(target.name, int):
        columns = np.delete(columns, target.name)
    _check_inputs(columns, table)
    k = len(columns)
    identity = Scaling(np.zeros(k), np.ones(k), np.full(k, np.nan))
    x = MatrixRows(matrix, rows, columns, identity, np.dtype(float), table.where)
    stored = matrix.dtype if matrix.dtype.kind == "f" else np.float64
    epsilon = float(np.finfo(stored).eps)
    blocks = (block.raw() for block in x.blocks())
    mean, scale = _moments(blocks, columns, epsilon, x.location, table)
    if not impute:
        return Scaling(mean, scale, identity.fill)
    raw = x.raw().T if impute == "median" else ()
    return Scaling(mean, scale, _fill(impute, mean, raw))


def _moments(
    blocks: Iterable[np.ndarray],
    names: Any,
    epsilon: float,
    location: Location,
    table: Table,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, scale) of number columns; refuse numbers without any."""
    mean, scale = moments(_finite(blocks, location), len(names), epsilon)
    invalid = ~(np.isfinite(mean) & np.isfinite(scale))
    if np.any(invalid):
        name = names[int(np.argmax(invalid))]
        reason = f"column {name} spreads beyond what float64 holds"
        raise data_error("table", table.where, reason, "rescale it")
    return mean, scale


def _finite(blocks: Iterable[np.ndarray], location: Location) -> Iterator[np.ndarray]:
    """Yield blocks of raw numbers; refuse the first infinity."""
    start = 0
    for block in blocks:
        if np.isinf(block).any():
            row, column = (int(k) for k in np.argwhere(np.isinf(block))[0])
            where = location(start + row, column)
            raise number_error(where, block[row, column], "float64")
        start += len(block)
        yield block


def _fill(impute: str, mean: np.ndarray, columns: Iterable[np.ndarray]) -> np.ndarray:
    """Return what replaces missing numbers, by column."""
    if impute == "mean":
        return mean.copy()
    present = (column[~np.isnan(column)] for column in columns)
    return np.array([np.median(c) if len(c) else 0.0 for c in present])


def _count_categories(
    table: Table, names: list[str], rows: np.ndarray
) -> dict[str, dict[str, int]]:
    """Return how often each value of each category column occurs."""
    counts, invalid = {}, []
    for name in names:
        cells, n = np.unique(as_texts(table.columns[name][rows]), return_counts=True)
        counts[name] = {str(c): int(k) for c, k in zip(cells, n, strict=True) if c}
        if not 0 < len(counts[name]) <= MAX_CATEGORIES:
            invalid.append(name)
    if invalid:
        by_column = [f"{name} has {len(counts[name]):,} different" for name in invalid]
        reason = f"{', '.join(by_column):.200} texts in {len(rows):,} rows"
        remedy = "group the values, or use {drop}"
        raise table.error(0, invalid[0], reason, remedy, drop=invalid)
    return counts
