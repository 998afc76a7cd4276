"""Columns of a table: which cells are missing, and cells as they are kept."""

import numpy as np

from .dialect import BLANK


def is_missing(values):
    """Return which cells of a column of numbers or texts are missing."""
    if values.dtype == object:
        return values == ""
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)


def places(values):
    """Return where each value stands, and each text without blanks around it."""
    stripped = {v.strip(BLANK): k for k, v in enumerate(values) if isinstance(v, str)}
    return stripped | {value: k for k, value in enumerate(values)}


def plain(value):
    """Return a cell as a class is kept: a text, an int, or a float that is none."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def as_texts(values):
    """Return a column as texts: whole numbers without a point, "" for NaN."""
    if values.dtype == object:
        return values
    texts = ["" if np.isnan(v) else str(plain(v)) for v in values]
    return np.array([*texts, None], object)[:-1]
