"""Cells that cannot become inputs: all of them are counted, then refused at once.

A file with missing cells in nine columns takes one message, not nine, and the
message names the arguments that read it.
"""

from collections import Counter
from typing import Any

import numpy as np

from .table import Table

_KINDS = {  # how messages describe the cells
    "texts": "not a number",
    "missing": "missing",
    "unseen": "of categories not seen in training",
}
_REMEDIES = {  # by the argument that helps
    "impute": "{impute} for missing cells",
    "drop": "{drop} for empty columns",
    "unknown": "{unknown} for new categories",
}


class InvalidCells:
    """The cells of some rows that cannot become inputs, counted by kind.

    `training` is whether the network is trained on this table.
    """

    def __init__(self, table: Table, rows: np.ndarray, training: bool) -> None:
        self._table, self._rows, self._training = table, rows, training
        self._columns: dict[str, list[tuple[int, str]]] = {kind: [] for kind in _KINDS}
        self._settings: dict[str, Any] = {}
        self._first: tuple[int, str | int] | None = None

    def add_missing(self, name: str | int, mask: np.ndarray) -> None:
        """Note the missing cells of a column; mask is bool, shape (m,)."""
        if np.any(mask):
            self._note("missing", name, mask, f"{name} {np.sum(mask):,}")
            if self._training and np.all(mask):
                self._settings.setdefault("drop", []).append(str(name))
            else:
                self._settings["impute"] = "median"

    def add(self, kind: str, name: str, values: np.ndarray, mask: np.ndarray) -> None:
        """Note texts of a column that are not a number, or not a known category."""
        cells = Counter(values[mask].tolist())
        if not cells:
            return
        if kind == "unseen":
            self._settings["unknown"] = "zeros"
        common = [f"{cell!r:.40} {n:,}" for cell, n in cells.most_common(3)]
        common += ["..."] * (len(cells) > 3)
        self._note(kind, name, mask, f"{name}: {', '.join(common)}")

    def _note(self, kind: str, name: str | int, mask: np.ndarray, text: str) -> None:
        self._columns[kind].append((int(np.sum(mask)), text))
        row = int(self._rows[int(np.argmax(mask))])
        if self._first is None or row < self._first[0]:
            self._first = row, name

    def refuse(self) -> None:
        """Raise one DataError about all that was noted, if anything was."""
        if self._first is None:
            return
        reasons = []
        for kind, what in _KINDS.items():
            n = sum(count for count, _ in self._columns[kind])
            if n:
                cells = "1 cell is" if n == 1 else f"{n:,} cells are"
                texts = ", ".join(text for _, text in self._columns[kind])
                reasons.append(f"{cells} {what} ({texts:.180})")
        remedies = _REMEDIES
        if not self._training:
            remedies = _REMEDIES | {"impute": "a model trained with {impute}"}
        remedy = " and ".join(remedies[name] for name in self._settings)
        remedy = f"correct them, or use {remedy}" if remedy else "correct them"
        raise self._table.error(
            *self._first, "; ".join(reasons), remedy, **self._settings
        )
