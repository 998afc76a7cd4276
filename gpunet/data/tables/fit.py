"""Learn the preprocessing from training rows: means, scales, categories, fills."""

import numpy as np

from ...errors import ConfigError
from ...io.messages import data_error
from ..rows import BLOCK, MatrixRows, Scaling, moments, refused_number
from .preprocessing import Preprocessing, Target
from .values import as_texts, plain

MOST_CATEGORIES = 1000
_FEW = 20  # different whole numbers that are taken for classes unasked
TASKS = ("classify", "regress")
IMPUTE = ("mean", "median")


def fit(table, rows, target, *, drop=(), categories=(), impute=None, **how):
    """Return the Preprocessing learnt from some rows of a table.

    Parameters
    ----------
    table : Table
    rows : int64 array
        The training rows: nothing else is looked at.
    target : Target
    drop, categories : sequence of str
        Columns to leave out, and columns that are categories.
    impute : None, "mean" or "median"
        What missing numbers become; missing categories become the commonest.
    **how
        unknown, missing, form and n_columns of `Preprocessing`.

    Raises
    ------
    DataError, ConfigError
    """
    if table.matrix is not None:
        return _fit_matrix(table, rows, target, drop, categories, impute, how)
    for option, chosen in (("drop", drop), ("categories", categories)):
        for name in chosen:
            if name not in table.columns or name == target.name:
                known = ", ".join(k for k in table.columns if k != target.name)
                why = "no such column beside the target"
                raise ConfigError(
                    f"{option}: {name!r:.80}: {why}; choose from {known:.300}"
                )
    names = tuple(k for k in table.columns if k != target.name and k not in drop)
    if not names:
        raise _no_inputs(table)
    texts = [k for k in names if k in categories or table.columns[k].dtype == object]
    counts = _vocabularies(table, texts, rows)
    fills = {name: max(v, key=v.get) for name, v in counts.items()} if impute else {}
    values = {name: tuple(sorted(v)) for name, v in counts.items()}
    scaling = _fit_numbers(table, rows, names, values, impute)
    return Preprocessing(names, scaling, values, fills, target=target, **how)


def _fit_numbers(table, rows, names, values, impute):
    """Return the Scaling of all columns, categories left as they are."""
    k = len(names)
    mean, scale, fill = np.zeros(k), np.ones(k), np.full(k, np.nan)
    here = [i for i, name in enumerate(names) if name not in values]
    columns = [table.columns[names[i]][rows] for i in here]
    for i, column in zip(here, columns, strict=True):
        _check_finite(table, names[i], rows, column)
    empty = [names[i] for i, c in zip(here, columns, strict=True) if np.isnan(c).all()]
    if impute and empty:
        what = "column is" if len(empty) == 1 else "columns are"
        why = f"the {what} missing in every training row: {', '.join(empty):.200}"
        cure = "leave out with {drop}"
        raise table.error(int(rows[0]), empty[0], why, cure, drop=empty)
    step = max(1, BLOCK // max(len(here), 1))
    blocks = (
        np.column_stack([c[a : a + step] for c in columns])
        for a in range(0, len(rows), step)
        if here
    )
    mean[here], scale[here] = moments(blocks, len(here), np.finfo(np.float64).eps)
    if impute:
        fill[here] = _fill(impute, mean[here], columns)
    _check_spread(table, mean, scale, names)
    return Scaling(mean, scale, fill)


def _check_finite(table, name, rows, column):
    """Refuse infinities."""
    unfit = np.isinf(column)
    if np.any(unfit):
        row = int(np.argmax(unfit))
        raise refused_number(table.at(int(rows[row]), name), column[row], "float64")


def _fit_matrix(table, rows, target, drop, categories, impute, how):
    if drop or categories:
        raise ConfigError(
            "table: drop and categories name columns, and a matrix has none; use a "
            "CSV file, or an npz file with one array a column"
        )
    if impute == "median" and table.on_disk:
        raise ConfigError(
            "impute: the median needs the whole column in memory, and the table stays "
            "on disk; take mean"
        )
    matrix = table.matrix
    columns = np.arange(matrix.shape[1])
    if isinstance(target.name, int):
        columns = np.delete(columns, target.name)
    k = len(columns)
    if not k:
        raise _no_inputs(table)
    nothing = Scaling(np.zeros(k), np.ones(k), np.full(k, np.nan))
    x = MatrixRows(matrix, rows, columns, nothing, "float64", table.where)
    kept = matrix.dtype if matrix.dtype.kind == "f" else np.float64
    mean, scale = moments(_finite_blocks(x), k, float(np.finfo(kept).eps))
    fill = np.full(k, np.nan)
    if impute:
        fill = np.array(_fill(impute, mean, () if impute == "mean" else x.raw().T))
    _check_spread(table, mean, scale, columns)
    return Preprocessing(None, Scaling(mean, scale, fill), {}, {}, target=target, **how)


def _finite_blocks(x):
    """Yield the raw blocks of a matrix; refuse the first infinity."""
    for block in x.blocks():
        raw = block.raw()
        if np.isinf(raw).any():
            at = tuple(int(k) for k in np.argwhere(np.isinf(raw))[0])
            raise refused_number(block.place(at), raw[at], "float64")
        yield raw


def _fill(impute, mean, columns):
    if impute == "mean":
        return mean.copy()
    return [np.median(c[~np.isnan(c)]) if not np.isnan(c).all() else 0 for c in columns]


def _no_inputs(table):
    cure = "give it columns to learn from"
    return data_error("table", table.where, "has a target and nothing else", cure)


def _vocabularies(table, names, rows):
    """Return how often each value of each category column occurs."""
    counts, unfit = {}, []
    for name in names:
        cells, n = np.unique(as_texts(table.columns[name][rows]), return_counts=True)
        counts[name] = {str(c): int(k) for c, k in zip(cells, n, strict=True) if c}
        if not counts[name] or len(counts[name]) > MOST_CATEGORIES:
            unfit.append(name)
    if unfit:
        by_column = [f"{name} has {len(counts[name]):,} different" for name in unfit]
        why = f"{', '.join(by_column):.200} texts in {len(rows):,} rows"
        cure = "group the values, or use {drop}"
        raise table.error(0, unfit[0], why, cure, drop=unfit)
    return counts


def _check_spread(table, mean, scale, names):
    """Refuse numbers so far apart that their spread overflows."""
    unfit = ~(np.isfinite(mean) & np.isfinite(scale))
    if np.any(unfit):
        name = names[int(np.argmax(unfit))]
        why = f"column {name} spreads beyond what float64 holds"
        raise data_error("table", table.where, why, "rescale it")


def find_target(table, name, task):
    """Return (target, values): what is to be predicted, without its scale yet.

    Texts are classes. Whole numbers are classes if `task` says so, or if it is
    None and there are 20 different ones at most.

    Raises
    ------
    DataError, ConfigError
        No such column, a cell that is missing, one class only, ...
    """
    values, key = table.target(name)
    target = Target(key)
    if values.dtype == object:
        if task == "regress":
            raise table.error(0, key, f"{values[0]!r:.80} is a text", "classify it")
        found = sorted({str(v) for v in values})
        return Target(key, _classes(found, table, key)), values
    if values.dtype.kind == "f" and np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        why = f"the target is {values[row]}"
        raise table.error(row, key, why, "correct it, or take the row out")
    found = np.unique(values)
    whole = found == np.trunc(found)
    if task is None:
        task = "classify" if whole.all() and len(found) <= _FEW else "regress"
    if task == "regress":
        return target, values
    if not whole.all():
        row = int(np.argmax(values != np.trunc(values)))
        why = f"the class {values[row]} is no whole number"
        hint = "number the classes, or use {task}"
        raise table.error(row, key, why, hint, task="regress")
    return Target(key, _classes([plain(v) for v in found], table, key)), values


def _classes(found, table, key):
    if 2 <= len(found) <= MOST_CATEGORIES:
        return tuple(found)
    if len(found) == 1:
        why = f"the only class is {found[0]!r:.80}"
        raise table.error(0, key, why, "give examples of two classes at least")
    why = f"the target has {len(found):,} classes"
    cure = "name another `target`" if found else "fill it in"
    raise table.error(0, key, why, cure)


def scaled_target(target, values, rows, table):
    """Return a regression's target with the mean and scale of its training rows."""
    (mean,), (scale,) = moments(
        [values[rows].astype(np.float64)[:, None]], 1, np.finfo(np.float64).eps
    )
    if scale == 0 or not np.isfinite(scale):
        why = f"the target is {mean:g} throughout" if scale == 0 else "spreads too far"
        raise table.error(int(rows[0]), target.name, why, "name another `target`")
    return Target(target.name, None, float(mean), float(scale))
