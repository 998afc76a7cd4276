"""Cells that cannot become inputs: all of them are counted, then refused at once.

A file with missing cells in nine columns takes one message, not nine, and the
message names the arguments that read it.
"""

from collections import Counter

import numpy as np

from .values import as_texts, is_missing, places

_KINDS = {  # what is said of the cells
    "texts": "not a number",
    "missing": "missing",
    "unseen": "of categories not seen in training",
}


def check_cells(made, table, rows=None, *, training=False):
    """Refuse all cells of some rows that cannot become inputs, with their counts.

    These are texts in columns of numbers, missing cells that nothing fills, and
    categories that the training rows do not have.

    Parameters
    ----------
    made : Preprocessing
    table : Table
        With the model's columns.
    rows : int64 array, optional
        None takes all.
    training : bool
        Whether the table is the one that is trained on.

    Raises
    ------
    DataError
    """
    rows = np.arange(len(table)) if rows is None else rows
    found = _Unfit(table, rows, training)
    for k, name in enumerate(made.names):
        values = table.columns[name][rows]
        if name in made.categories:
            values = as_texts(values)
            if name not in made.fills:
                found.missing(name, values == "")
            if made.unknown == "refuse":
                known = places(made.categories[name]).keys() | {""}
                found.unseen(name, values, set(values.tolist()) - known)
        elif values.dtype == object:
            found.texts(name, values)
        elif np.isnan(made.scaling.fill[k]):
            found.missing(name, is_missing(values))
    found.refuse()


def check_matrix(table, columns):
    """Refuse the missing cells of a matrix in memory, with their counts."""
    found = _Unfit(table, np.arange(len(table)), True)
    if table.matrix.dtype.kind == "f":
        for column in map(int, columns):
            found.missing(column, np.isnan(table.matrix[:, column]))
    found.refuse()


class _Unfit:
    """The cells of some rows that cannot become inputs, gathered by kind."""

    def __init__(self, table, rows, training):
        self.table, self.rows, self._training = table, rows, training
        self.counts = {"texts": {}, "missing": {}, "unseen": {}}
        self.settings, self.first = {}, None

    def missing(self, name, gaps):
        """Note missing cells of a column; gaps is a bool array, shape (m,)."""
        if np.any(gaps):
            self._note("missing", name, gaps, f"{name} {np.sum(gaps):,}")
            if self._training and np.all(gaps):
                self.settings.setdefault("drop", []).append(str(name))
            else:
                self.settings["impute"] = "median"

    def texts(self, name, values):
        """Note a column of texts where numbers are expected."""
        cells = Counter(values[values != ""].tolist())
        self._note("texts", name, values != "", f"{name}: {_common(cells)}")

    def unseen(self, name, values, new):
        """Note the categories of a column that are new, a set."""
        if new:
            bad = np.array([cell in new for cell in values])
            cells = Counter(values[bad].tolist())
            self._note("unseen", name, bad, f"{name}: {_common(cells)}")
            self.settings["unknown"] = "zeros"

    def _note(self, kind, name, bad, text):
        self.counts[kind][name] = int(np.sum(bad)), text
        place = self.rows[int(np.argmax(bad))], name
        if self.first is None or place[0] < self.first[0]:
            self.first = place

    def refuse(self):
        """Raise one DataError about all that was noted, if anything was."""
        whys = []
        for kind, what in _KINDS.items():
            found = self.counts[kind].values()
            n = sum(count for count, _ in found)
            if n:
                cells = "1 cell is" if n == 1 else f"{n:,} cells are"
                texts = ", ".join(text for _, text in found)
                whys.append(f"{cells} {what} ({texts:.180})")
        if whys:
            row, name = self.first
            why, cure = "; ".join(whys), self._cure()
            raise self.table.error(int(row), name, why, cure, **self.settings)

    def _cure(self):
        """Return what to do about the cells."""
        cures = {
            "impute": "{impute} for missing cells",
            "drop": "{drop} for empty columns",
            "unknown": "{unknown} for new categories",
        }
        if not self._training:
            cures["impute"] = "a model trained with {impute}"
        use = [cures[name] for name in self.settings]
        return f"correct them, or use {' and '.join(use)}" if use else "correct them"


def _common(cells):
    """Return the most frequent cells with their counts, as text."""
    most = [f"{cell!r:.40} {n:,}" for cell, n in cells.most_common(3)]
    return ", ".join([*most, "..."] if len(cells) > 3 else most)
