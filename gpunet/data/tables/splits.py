"""From a file to the parts that a network is trained, chosen and judged by."""

import os

import numpy as np

from ...backend import host_rng
from ...errors import ConfigError
from ..dataset import Dataset, Splits, random_split, stratified_split
from ..files import data_error
from .arrays import beside, read_arrays
from .csv_file import read_csv
from .fitting import IMPUTE, TASKS, find_target, fit, scaled_target
from .preprocessing import UNKNOWN

SUFFIXES = (".csv", ".npz", ".npy")


def is_table(name):
    """Tell by its name whether `name` is the file of a table."""
    return os.fspath(name).lower().endswith(SUFFIXES)


def read_table(path, *, missing=(), categories=()):
    """Return the table in a CSV, npz or npy file; see `read_csv`, `read_arrays`.

    Raises
    ------
    DataError
    """
    if os.fspath(path).lower().endswith(".csv"):
        return read_csv(path, missing=missing, categories=categories)
    return read_arrays(path)


def check_options(target, task, test, test_size, impute, unknown):
    """Refuse options of a table that cannot work (ConfigError)."""
    if target is None:
        raise ConfigError(
            "target: a table needs one; name the column to predict with --target"
        )
    choices = (("task", task, TASKS), ("impute", impute, IMPUTE))
    for name, value, known in (*choices, ("unknown", unknown, UNKNOWN)):
        if value is not None and value not in known:
            raise ConfigError(f"{name}: {value!r}: choose from {', '.join(known)}")
    if test is not None and not is_table(test):
        raise ConfigError(
            f"test: {test!r:.200}: is no .csv, .npz or .npy file; name one"
        )
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
    dtype="float32",
):
    """Return a table parted, with its cells made numbers.

    Parameters
    ----------
    path : str or path-like
    target : str
        The column to predict; for a matrix also an npy file of its own.
    task : None, "classify" or "regress"
    test : str or path-like, optional
        Another file with the same columns; else `test_size` of the rows.
    test_size, validation : float or int
        The fraction or the number of rows held out; 0 for none.
    missing, categories, drop, impute, unknown
        As the options of the command.
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
    check_options(target, task, test, test_size, impute, unknown)
    table = read_table(path, missing=missing, categories=categories)
    if table.matrix is not None and target.lower().endswith(".npy"):
        table, target = beside(table, target)
    found, values = find_target(table, target, task)
    t = found.encode(values, table) if found.classes else None
    sizes = (test_size if test is None else 0, validation)
    train, tested, held_out = _part(len(table), t, sizes)
    if not found.classes:
        found = scaled_target(found, values, train, table)
        t = found.encode(values, table)
    how = {"unknown": unknown, "missing": tuple(missing)}
    made = fit(
        table, train, found, drop=drop, categories=categories, impute=impute, **how
    )

    def part(rows):
        if rows is None:
            return None
        return Dataset(made.features(table, rows, dtype), t[rows])

    judged = part(tested) if test is None else _other(made, test, dtype)
    n = len(found.classes) if found.classes else None
    name = os.path.basename(os.fspath(path))
    return Splits(part(train), part(held_out), judged, n, name, table=made)


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


def _other(made, path, dtype):
    """Return the test part that is a file of its own."""
    table = read_for(made, path)
    name, n_in = made.target.name, len(made.inputs)
    if isinstance(name, int):
        if table.matrix.shape[1] != n_in + 1:
            why = f"has {table.matrix.shape[1]} columns, expected {n_in + 1}"
            cure = "give the same columns, and the target where it was"
            raise data_error("table", path, why, cure)
        name = str(name)
    values, _ = table.target(name)
    return Dataset(made.features(table, None, dtype), made.target.encode(values, table))


def read_for(made, path):
    """Return a table read as the model's own was."""
    table = read_table(path, missing=made.missing, categories=tuple(made.categories))
    if (table.matrix is None) != (made.names is not None):
        kinds = ("a matrix", "columns with names")
        has = kinds[table.matrix is None]
        why = f"has {has}, the model was trained on {kinds[made.names is not None]}"
        raise ConfigError(f"table: {str(path)[-160:]}: {why}; give the same kind")
    return table
