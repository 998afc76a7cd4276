"""Tables that a person reads: lines of text, or a pandas DataFrame."""

from collections.abc import Sequence
from typing import Any


def text_table(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Return the lines of a table, each column flush left ("<") or right (">").

    Examples
    --------
    >>> text_table([("layer", "n"), ("relu", "10")], "<>")
    ['layer   n', 'relu   10']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{text:{side}{width}}"
            for text, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def data_frame(what: str, rows: Sequence[Any], columns: Any = None) -> Any:
    """Return rows, lists or dicts, as a pandas DataFrame (ImportError: no pandas)."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{what}: to_frame: pandas is not installed; python -m pip install pandas"
        ) from error
    return pandas.DataFrame(rows, columns=columns)
