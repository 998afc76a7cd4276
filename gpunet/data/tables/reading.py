"""Tables from text files and from arrays, read as they are or as a model's was."""

import os
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from ...errors import ConfigError
from ...io.messages import Path, printable
from .arrays import read_arrays
from .csv_file import ExpectedColumns, read_csv
from .dialect import TextFormat
from .preprocessing import Preprocessing
from .table import Table
from .text import STDIN

ARRAYS = (".npz", ".npy")
TEXTS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
NOT_A_TABLE = "is not a .csv, .tsv, .csv.gz, .npz or .npy file"


def is_table(name: Path) -> bool:
    """Return whether `name` names a table; "-" is one on standard input."""
    return name == STDIN or os.fsdecode(name).lower().endswith(TEXTS + ARRAYS)


def read_table(
    path: Path,
    *,
    missing: Collection[str] = (),
    categories: Collection[str] = (),
    drop: Collection[str] = (),
    **text_format: Any,
) -> Table:
    """Return the table in a text file, such as CSV, or in an npz or npy file.

    `path` "-" is a text table on standard input. The arguments are those of `read_csv`,
    and as keywords the fields of `TextFormat`.
    """
    columns = {"missing": missing, "categories": categories, "drop": drop}
    return read_with_format(path, TextFormat(**text_format), **columns)


def read_with_format(path: Path, form: TextFormat, **columns: Any) -> Table:
    """Return a table; see `read_csv` and `read_arrays`."""
    if path == STDIN or not os.fsdecode(path).lower().endswith(ARRAYS):
        return read_csv(path, form, **columns)
    for name, value in vars(form).items():
        if value != getattr(TextFormat, name):
            raise ConfigError(
                f"{name}: {printable(path)}: is not a text file; leave {name} out"
            )
    return read_arrays(path)


def read_for(
    preprocessing: Preprocessing,
    path: Path,
    *,
    strict_target: bool = False,
    **changes: Any,
) -> Table:
    """Return a table read as the one that a model was trained on.

    `strict_target` refuses a target that mixes numbers and texts, else it is left out;
    `changes` are arguments of `TextFormat`, and `missing`, in place of the model's.
    """
    missing = changes.pop("missing", preprocessing.missing)
    form = replace(preprocessing.form, **changes)
    expected = None
    if preprocessing.names is not None:
        expected = ExpectedColumns(
            preprocessing.names,
            str(preprocessing.target.name),
            preprocessing.n_columns,
            strict_target,
        )
    categories = tuple(preprocessing.categories)
    table = read_with_format(
        path, form, missing=missing, categories=categories, expected=expected
    )
    if (table.matrix is None) != (preprocessing.names is not None):
        matrix, named = "a matrix", "columns with names"
        kinds = (named, matrix) if table.matrix is None else (matrix, named)
        raise ConfigError(
            f"table: {printable(path)}: has {kinds[0]}, the model was trained on "
            f"{kinds[1]}; give the same kind"
        )
    return table
