"""What comes before and after an exported network: raw rows and their answers.

A network that was trained on a table, or inside a scikit-learn Pipeline, is exported
with what turns a row of the table into its inputs, and its outputs into answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...data import Preprocessing


class Cell(NamedTuple):
    """A cell of a raw row, and the inputs that it becomes.

    A number is its input. A category has a code: its input or, with `one_hot`, the
    index of the input that is 1 among as many that are 0 (another index: all are 0).
    None in the place of a number or code means that such a cell is refused.
    """

    column: int  # of the raw row
    missing: float | None = None  # what a missing number becomes, or its code
    codes: dict[str | float, int | None] | None = None  # by category
    unknown: int | None = None  # the code of any other category
    one_hot: int = 0

    @property
    def is_text(self) -> bool:
        """Whether its categories are texts."""
        return any(isinstance(category, str) for category in self.codes or ())


@dataclass(frozen=True)
class Port:
    """Numbers beside a network: z = (x - shift) * factor before, the inverse after.

    shift and factor are float64 arrays, an element for each input or output.
    """

    names: list[str] = field(default_factory=list)
    shift: np.ndarray | None = None
    factor: np.ndarray | None = None

    def dtype(self, inner: str) -> str:
        """Return the dtype outside of a network: numbers of a table are float64."""
        return inner if self.shift is None else "float64"


@dataclass(frozen=True)
class RawRows(Port):
    """Inputs from raw rows, of which `row` has the names of the columns.

    Without `cells` the network's inputs are given as they are.
    """

    row: Sequence[str] = ()
    cells: Sequence[Cell] = ()

    def columns(self, texts: bool) -> list[int]:
        """Return the columns of texts, or of numbers, that are used, in order."""
        return sorted({cell.column for cell in self.cells if cell.is_text is texts})


@dataclass(frozen=True)
class Answers(Port):
    """What outputs mean: y = a * factor + shift, or classes.

    `task` is "classify" (one class a row), "multilabel" (a 0 or 1 for each output)
    or "regress"; classes are numbered where they have no names.
    """

    classes: Sequence[Any] = ()
    task: str = "classify"


def table_ports(table: Preprocessing) -> tuple[RawRows, Answers]:
    """Return what precedes and what follows a network that was trained on a table."""
    names, fill = table.names or table.inputs, table.scaling.fill
    cells = [
        Cell(k, None if np.isnan(fill[k]) else float(fill[k]))
        for k in range(len(names))
    ]
    for k, name in enumerate(names):
        if name in table.categories:
            codes, n = table.codes(name), len(table.categories[name])
            unknown = None if table.unknown == "refuse" else -1
            cells[k] = Cell(k, codes[""], dict(codes.items()), unknown, n)
    source = RawRows(table.inputs, *table.input_scaling(), names, cells)
    target = table.target
    if target.classes:
        return source, Answers(list(map(str, target.classes)), classes=target.classes)
    mean, scale = np.array([target.mean]), np.array([target.scale])
    return source, Answers([str(target.name)], mean, scale, task="regress")
