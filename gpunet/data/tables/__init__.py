"""Tables of one's own: CSV, npz and npy files become inputs and targets.

From the bottom up: `text` reads the text of a table, `dialect` finds how it is
written, `columns` reads its columns; `csv_file` and `arrays` read a file within bounds
and refuse what is odd, `preprocessing` is what a model file keeps, `fit` learns
it from the training rows, and `splits` parts them. `data/rows.py` scales numbers,
from disk if need be.
"""

from .dialect import TextFormat
from .preprocessing import Preprocessing, from_json
from .splits import (
    NOT_A_TABLE,
    check_options,
    is_table,
    read_for,
    read_splits,
    read_table,
)
from .table import Table
from .values import is_missing

__all__ = [
    "NOT_A_TABLE",
    "Preprocessing",
    "Table",
    "TextFormat",
    "check_options",
    "from_json",
    "is_missing",
    "is_table",
    "read_for",
    "read_splits",
    "read_table",
]
