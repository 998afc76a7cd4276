"""Learn the preprocessing from training rows: means, scales, categories, fills."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...io.messages import choices, data_error
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
    """Return the Preprocessing learnt from some rows, int64, of a table and no others.

    `drop` are columns to leave out, `categories` those of texts. `impute` is None,
    "mean" or "median": what missing numbers become, and missing categories the most
    frequent. `settings` are unknown and missing of `Preprocessing`.
    """
    settings |= {"target": target, "form": form}
    settings["n_columns"] = table.n_columns if form.header is False else None
    training = _TrainingRows(table, rows, impute)
    if table.matrix is not None:
        if drop or categories:
            raise ConfigError(
                "table: drop and categories name columns, and a matrix has none; use "
                "a CSV file, or an npz file with one array a column"
            )
        return Preprocessing(None, training.matrix_scaling(target), {}, {}, **settings)
    inputs = [name for name in table.columns if name != target.name]
    drop = drop if table.lines is None else ()  # of a CSV file: they were not read
    for option, columns in (("drop", drop), ("categories", categories)):
        for name in columns:
            if name not in inputs:
                raise ConfigError(
                    f"{option}: {name!r:.80}: no such column beside the target; "
                    f"{choices(name, inputs)}"
                )
    names = [name for name in inputs if name not in drop]
    if not names:
        reason = "has a target and nothing else"
        raise data_error("table", table.where, reason, "give it columns to learn from")
    texts = [k for k in names if k in categories or table.columns[k].dtype == object]
    counts = training.count_categories(texts)
    fills = {name: max(n, key=n.__getitem__) for name, n in counts.items() if impute}
    values = {name: tuple(sorted(n)) for name, n in counts.items()}
    scaling = training.column_scaling(names, values)
    return Preprocessing(tuple(names), scaling, values, fills, **settings)


@dataclass(frozen=True, eq=False)
class _TrainingRows:
    """The rows of a table that are learnt from, and how missing numbers are filled."""

    table: Table
    rows: np.ndarray
    impute: str | None

    def count_categories(self, names: list[str]) -> dict[str, dict[str, int]]:
        """Return how often each value of each category column occurs."""
        counts, invalid = {}, []
        for name in names:
            texts = as_texts(self.table.columns[name][self.rows])
            cells, n = np.unique(texts, return_counts=True)
            counts[name] = {str(c): int(k) for c, k in zip(cells, n, strict=True) if c}
            if not 0 < len(counts[name]) <= MAX_CATEGORIES:
                invalid.append(name)
        if invalid:
            different = [f"{k} has {len(counts[k]):,} different" for k in invalid]
            reason = f"{', '.join(different):.200} texts in {len(self.rows):,} rows"
            remedy = "group the values, or use {drop}"
            raise self.table.error(0, invalid[0], reason, remedy, drop=invalid)
        return counts

    def column_scaling(self, names: list[str], categories: Collection[str]) -> Scaling:
        """Return the Scaling of all columns; categories have mean 0 and scale 1."""
        indices = [i for i, name in enumerate(names) if name not in categories]
        numbers = {names[i]: self.table.columns[names[i]][self.rows] for i in indices}
        empty = [name for name, column in numbers.items() if np.isnan(column).all()]
        if empty and self.impute:
            what = "column is" if len(empty) == 1 else "columns are"
            names_text = ", ".join(empty)
            reason = f"the {what} missing in every training row: {names_text:.200}"
            remedy = "leave out with {drop}"
            row = int(self.rows[0])
            raise self.table.error(row, empty[0], reason, remedy, drop=empty)
        step = max(1, BLOCK // max(len(numbers), 1))
        blocks = (
            np.column_stack([column[k : k + step] for column in numbers.values()])
            for k in range(0, len(self.rows) if numbers else 0, step)
        )

        def location(row: int, column: int) -> str:
            return self.table.location(int(self.rows[row]), names[indices[column]])

        k = len(names)
        mean, scale, fill = np.zeros(k), np.ones(k), np.full(k, np.nan)
        mean[indices], scale[indices] = self._moments(
            blocks, [*numbers], np.float64, location
        )
        fill[indices] = self._fill(mean[indices], numbers.values())
        return Scaling(mean, scale, fill)

    def matrix_scaling(self, target: Target) -> Scaling:
        """Return the Scaling of a matrix without its target."""
        if self.impute == "median" and self.table.on_disk:
            raise ConfigError(
                "impute: the median needs the whole column in memory, and the table "
                "stays on disk; use mean"
            )
        matrix = self.table.matrix
        assert matrix is not None
        columns = np.arange(matrix.shape[1])
        if isinstance(target.name, int):
            columns = np.delete(columns, target.name)
        k = len(columns)
        identity = Scaling(np.zeros(k), np.ones(k), np.full(k, np.nan))
        dtype, where = np.dtype(float), self.table.where
        x = MatrixRows(matrix, self.rows, columns, identity, dtype, where)
        stored = matrix.dtype if matrix.dtype.kind == "f" else dtype
        blocks = (block.raw() for block in x.blocks())
        mean, scale = self._moments(blocks, columns, stored, x.location)
        raw = x.raw().T if self.impute == "median" else ()
        return Scaling(mean, scale, self._fill(mean, raw))

    def _moments(
        self, blocks: Iterable[np.ndarray], names: Any, stored: Any, location: Location
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (mean, scale) of columns of numbers that are stored in a dtype."""
        epsilon = float(np.finfo(stored).eps)
        mean, scale = moments(_finite(blocks, location), len(names), epsilon)
        invalid = ~(np.isfinite(mean) & np.isfinite(scale))
        if np.any(invalid):
            name = names[int(np.argmax(invalid))]
            reason = f"column {name} spreads beyond what float64 holds"
            raise data_error("table", self.table.where, reason, "rescale it")
        return mean, scale

    def _fill(self, mean: np.ndarray, columns: Iterable[np.ndarray]) -> np.ndarray:
        """Return what replaces missing numbers, by column; NaN where nothing does."""
        if self.impute is None:
            return np.full(len(mean), np.nan)
        if self.impute == "mean":
            return mean.copy()
        present = (column[~np.isnan(column)] for column in columns)
        return np.array([np.median(c) if len(c) else 0.0 for c in present])


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
