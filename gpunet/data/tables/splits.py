"""From a file to the parts that a network is trained, chosen and judged by."""

import os
from dataclasses import replace

import numpy as np

from ...errors import ConfigError
from ...io.messages import data_error
from ...random import host_rng
from ..dataset import Dataset, Splits
from ..splitting import random_split, stratified_split
from .arrays import beside, read_arrays
from .cell_checks import check_cells, check_matrix
from .csv_file import Wanted, read_csv
from .dialect import TextFormat
from .fit import IMPUTE, TASKS, find_target, fit, scaled_target
from .preprocessing import UNKNOWN, missing_target_error
from .text import STDIN, shown
from .values import is_missing

ARRAYS = (".npz", ".npy")
TEXTS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
NOT_A_TABLE = "is not a .csv, .tsv, .csv.gz, .npz or .npy file"
MISSING_TARGET = ("refuse", "drop")


def is_table(name):
    """Tell by its name whether `name` is a table; "-" is one on standard input."""
    return name == STDIN or os.fspath(name).lower().endswith(TEXTS + ARRAYS)


def read_table(
    path,
    *,
    delimiter=None,
    encoding=None,
    decimal=".",
    header=None,
    missing=(),
    categories=(),
    drop=(),
):
    """Return the table in a text file, such as CSV, or in an npz or npy file.

    Parameters
    ----------
    path : str or path-like
        "-" is a text table on standard input.
    delimiter, encoding, decimal, header
        As in `TextFormat`.
    missing, categories, drop
        As in `read_csv`.

    Raises
    ------
    DataError, ConfigError
    """
    form = TextFormat(delimiter, encoding, decimal, header)
    return _read(path, form, missing=missing, categories=categories, drop=drop)


def _read(path, form, **how):
    """Return a table; see `read_csv` and `read_arrays`."""
    if path == STDIN or not os.fspath(path).lower().endswith(ARRAYS):
        return read_csv(path, form, **how)
    for name, value in vars(form).items():
        if value != getattr(TextFormat, name):
            raise ConfigError(
                f"{name}: {str(path)[-160:]}: is not a text file; leave {name} out"
            )
    return read_arrays(path)


def check_options(
    target, task, test, test_size, impute, unknown, missing_target="refuse"
):
    """Refuse options of a table that cannot work (ConfigError)."""
    if target is None:
        raise ConfigError("target must be the column of the table to predict, got None")
    choices = (("task", task, TASKS), ("impute", impute, IMPUTE))
    choices += (("unknown", unknown, UNKNOWN),)
    choices += (("missing_target", missing_target, MISSING_TARGET),)
    for name, value, known in choices:
        if value is not None and value not in known:
            raise ConfigError(f"{name}: {value!r}: choose from {', '.join(known)}")
    if test is not None and not is_table(test):
        raise ConfigError(f"test: {test!r:.200}: {NOT_A_TABLE}; name one")
    if test is None and test_size < 0:
        raise ConfigError(f"test_size: expected 0 or more, got {test_size!r}")


def read_splits(
    path,
    target,
    *,
    task=None,
    test=None,
    test_size=0.2,
    validation=0.1,
    missing=(),
    categories=(),
    drop=(),
    impute=None,
    unknown="refuse",
    missing_target="refuse",
    delimiter=None,
    encoding=None,
    decimal=".",
    header=None,
    dtype="float32",
):
    """Return a table parted, with its cells made numbers.

    Parameters
    ----------
    path : str or path-like
        "-" is a text table on standard input.
    target : str
        The column to predict; for a matrix also an npy file of its own.
    task : None, "classify" or "regress"
    test : str or path-like, optional
        Another file with the same columns; else `test_size` of the rows.
    test_size, validation : float or int
        The fraction or the number of rows held out; 0 for none.
    missing, categories, drop, impute, unknown
        As the options of the command.
    missing_target : "refuse" or "drop"
        What to do with rows without a target.
    delimiter, encoding, decimal, header
        How a text table is written; see `TextFormat`.
    dtype : str
        Of the network.

    Returns
    -------
    splits : Splits
        t is labels (n,), or scaled numbers (n, 1); `table` is the Preprocessing.

    Raises
    ------
    DataError, ConfigError
    """
    check_options(target, task, test, test_size, impute, unknown, missing_target)
    if test == path == STDIN:
        raise ConfigError("test: standard input is the training table; name a file")
    form = TextFormat(delimiter, encoding, decimal, header)
    if target in drop:
        raise ConfigError(f"drop: {target!r:.80}: is the target; name another column")
    table = _read(path, form, missing=missing, categories=categories, drop=drop)
    if table.lines is not None:
        drop = ()  # they were not read
    if table.matrix is not None and target.lower().endswith(".npy"):
        table, target = beside(table, target)
    table = _with_target(table, target, missing_target)
    found, values = find_target(table, target, task)
    t = found.encode(values, table) if found.classes else None
    sizes = (test_size if test is None else 0, validation)
    train, tested, held_out = _part(len(table), t, sizes)
    if not found.classes:
        found = scaled_target(found, values, train, table)
        t = found.encode(values, table)
    how = {"unknown": unknown, "missing": tuple(missing), "form": form}
    how["n_columns"] = table.n_columns if header is False else None
    made = fit(
        table, train, found, drop=drop, categories=categories, impute=impute, **how
    )
    if made.names is not None:
        check_cells(made, table, training=True)
    elif not impute and not table.on_disk:
        check_matrix(table, made.columns(table))

    def part(rows):
        if rows is None:
            return None
        return Dataset(made.features(table, rows, dtype), t[rows])

    judged, notes = part(tested), table.notes
    if test is not None:
        judged, more = _other(made, test, dtype, missing_target)
        notes += more
    n, name = len(found.classes or ()) or None, os.path.basename(shown(path))
    sets = part(train), part(held_out), judged
    return Splits(*sets, n, name, table=made, notes=notes)


def _with_target(table, name, missing_target):
    """Return a table without the rows that have no target, or refuse them."""
    values, key = table.target(name)
    gaps = is_missing(values)
    n = int(np.sum(gaps))
    if not n:
        return table
    if missing_target == "refuse" or n == len(gaps):
        raise missing_target_error(gaps, table, key)
    if table.on_disk:
        raise ConfigError(
            "missing_target: the table stays on disk, so no rows of it are dropped; "
            "save it without them"
        )
    table = table.take(np.flatnonzero(~gaps))
    note = f"{n:,} of {len(gaps):,} rows have no target: left out"
    return replace(table, notes=(*table.notes, note))


def _part(n, labels, sizes):
    """Return the rows to train on, to test on and to validate by, or None.

    Always the same ones: runs of different seeds stay comparable.
    """
    train, parts = np.arange(n), []
    rngs = (host_rng(0, "split", 1), host_rng(0, "split"))
    for name, size, rng in zip(("test_size", "validation"), sizes, rngs, strict=True):
        parts.append(None)
        if not size:
            continue
        try:
            if labels is None:
                kept, out = random_split(len(train), size, rng)
            else:
                kept, out = stratified_split(labels[train], size, rng)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
        train, parts[-1] = train[kept], train[out]
    return train, *parts


def _other(made, path, dtype, missing_target):
    """Return the test part that is a file of its own, and the notes on it."""
    table = read_for(made, path, strict_target=True)
    name, n_in = made.target.name, len(made.inputs)
    if isinstance(name, int):
        if table.matrix.shape[1] != n_in + 1:
            why = f"has {table.matrix.shape[1]} columns, expected {n_in + 1}"
            cure = "give the same columns, and the target where it was"
            raise data_error("table", path, why, cure)
        name = str(name)
    table = _with_target(table, name, missing_target)
    values, _ = table.target(name)
    part = Dataset(made.features(table, None, dtype), made.target.encode(values, table))
    return part, table.notes


def read_for(made, path, *, strict_target=False, **changes):
    """Return a table read as the model's own was.

    Parameters
    ----------
    made : Preprocessing
    path : str or path-like
    strict_target : bool
        Refuse a target column that mixes numbers and texts; else it is left out.
    **changes
        Arguments of `TextFormat`, and `missing`, in place of the model's.

    Raises
    ------
    DataError, ConfigError
    """
    missing = changes.pop("missing", made.missing)
    form = replace(made.form, **changes)
    wanted = None
    if made.names is not None:
        target = str(made.target.name)
        wanted = Wanted(made.names, target, made.n_columns, strict_target)
    table = _read(
        path,
        form,
        missing=missing,
        categories=tuple(made.categories),
        wanted=wanted,
    )
    if (table.matrix is None) != (made.names is not None):
        kinds = ("a matrix", "columns with names")
        has = kinds[table.matrix is None]
        why = f"has {has}, the model was trained on {kinds[made.names is not None]}"
        raise ConfigError(f"table: {str(path)[-160:]}: {why}; give the same kind")
    return table
