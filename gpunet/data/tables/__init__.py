"""Tables of one's own: CSV, npz and npy files become inputs and targets.

From the bottom up: `csv_file` and `arrays` read a file within bounds and refuse
what is odd, `preprocessing` is what a model file keeps, `fitting` learns it from the
training rows, and `splits` parts them. `data/rows.py` scales numbers, from disk
if need be.
"""

from .preprocessing import Preprocessing, from_json
from .splits import check_options, is_table, read_for, read_splits, read_table
from .table import Table

__all__ = [
    "Preprocessing",
    "Table",
    "check_options",
    "from_json",
    "is_table",
    "read_for",
    "read_splits",
    "read_table",
]
