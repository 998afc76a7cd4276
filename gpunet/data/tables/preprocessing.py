"""How a table's cells become a network's inputs, stored with the model.

Numbers are shifted and scaled, categories become one-hot columns, the target
becomes labels or a scaled number. All of it is learnt from the training rows
alone and is plain JSON, so that a model file accepts raw rows.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...errors import ConfigError, ModelFileError
from ...io.messages import counted, data_error, printable
from ..rows import MatrixRows, Scaling
from .cell_checks import InvalidCells
from .columns import as_texts, is_missing, positions
from .dialect import TextFormat
from .table import Table
from .target import Target

UNKNOWN = ("refuse", "zeros")


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How rows become inputs and targets."""

    names: tuple[str, ...] | None  # None for a matrix, whose columns are numbered
    scaling: Scaling  # by column; of a category, the mean is 0 and the scale 1
    categories: dict[str, tuple[str, ...]]  # the values of each category column
    fills: dict[str, str]  # what a missing category becomes, by column
    unknown: str  # "refuse" or "zeros" for categories not seen in training
    missing: tuple[str, ...]  # extra texts that mark a missing cell
    target: Target
    form: TextFormat = field(default_factory=TextFormat)  # as far as the user said
    n_columns: int | None = None  # of a text table without a header, all of them

    @property
    def inputs(self) -> list[str]:
        """Names of the network's inputs: "age", "color=red"; "0" of a matrix."""
        if self.names is None:
            return [str(k) for k in range(len(self.scaling.mean))]
        inputs: list[str] = []
        for name in self.names:
            values = self.categories.get(name)
            inputs += [name] if values is None else [f"{name}={v}" for v in values]
        return inputs

    def input_scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (mean, factor) of each input: z = (x - mean) * factor."""
        mean, factor = self.scaling.mean, self.scaling.factor
        if self.names is None:
            return mean, factor
        counts = [len(self.categories.get(name, [0])) for name in self.names]
        return np.repeat(mean, counts), np.repeat(factor, counts)

    def features(
        self, table: Table, rows: np.ndarray | None = None, dtype: str = "float32"
    ) -> "np.ndarray | MatrixRows":
        """Return the inputs of some rows, (m, n_in); of a file on disk as `MatrixRows`.

        The table has the model's columns and perhaps others; `rows` None uses all. A
        missing column or one of another kind, and an invalid cell, are a DataError.
        """
        rows = np.arange(len(table)) if rows is None else rows
        if self.names is None:
            assert table.matrix is not None
            matrix_rows = MatrixRows(
                table.matrix,
                rows,
                self.columns(table),
                self.scaling,
                np.dtype(dtype),
                table.where,
            )
            return matrix_rows.checked() if table.on_disk else matrix_rows.load()
        missing = [name for name in self.names if name not in table.columns]
        if missing:
            s = "s" * (len(missing) > 1)
            reason = f"lacks the column{s} {', '.join(missing):.200}"
            remedy = "give the columns that the model was trained on"
            raise data_error("table", table.where, reason, remedy)
        self.check_cells(table, rows)
        x = np.empty((len(rows), len(self.inputs)), dtype)
        start = 0
        for k, name in enumerate(self.names):
            if name in self.categories:
                block = self._one_hot(table, name, rows)
            else:
                block = self._scaled(table, k, name, rows, x.dtype)
            x[:, start : start + block.shape[1]] = block
            start += block.shape[1]
        return x

    def check_cells(
        self, table: Table, rows: np.ndarray | None = None, training: bool = False
    ) -> None:
        """Refuse all cells of some rows that cannot become inputs, with their counts.

        These are texts in columns of numbers, missing cells that nothing fills, and
        categories not seen in training.
        """
        rows = np.arange(len(table)) if rows is None else rows
        invalid = InvalidCells(table, rows, training)
        if table.matrix is not None and np.isnan(self.scaling.fill).any():
            for column in map(int, self.columns(table)):
                invalid.add_missing(column, is_missing(table.matrix[rows, column]))
        for k, name in enumerate(self.names or ()):
            values = table.columns[name][rows]
            if name in self.categories:
                values = as_texts(values)
                if name not in self.fills:
                    invalid.add_missing(name, values == "")
                if self.unknown == "refuse":
                    known = positions(self.categories[name]).keys() | {""}
                    if unseen := set(values.tolist()) - known:
                        mask = np.array([cell in unseen for cell in values])
                        invalid.add("unseen", name, values, mask)
            elif values.dtype == object:
                invalid.add("texts", name, values, values != "")
            elif np.isnan(self.scaling.fill[k]):
                invalid.add_missing(name, is_missing(values))
        invalid.refuse()

    def columns(self, table: Table) -> np.ndarray:
        """Return which columns of a matrix are inputs."""
        assert table.matrix is not None
        width, n_inputs = table.matrix.shape[1], len(self.scaling.mean)
        columns, target = np.arange(width), self.target.name
        if width == n_inputs + 1 and isinstance(target, int):
            return np.delete(columns, target)
        if width != n_inputs:
            expected = f"{n_inputs}"
            if isinstance(target, int):
                expected += f" or {n_inputs + 1} with the target"
            reason = f"has {counted(width, 'column')}, the model expects {expected}"
            raise data_error("table", table.where, reason, "give the same columns")
        return columns

    def _scaled(
        self, table: Table, k: int, name: str, rows: np.ndarray, dtype: np.dtype
    ) -> np.ndarray:
        """Return the scaled numbers of one column, shape (m, 1)."""
        s, column = self.scaling, slice(k, k + 1)
        scaling = Scaling(s.mean[column], s.scale[column], s.fill[column])

        def location(row: int, _: int) -> str:
            return table.location(int(rows[row]), name)

        return scaling.apply(table.columns[name][rows][:, None], dtype, location)

    def _one_hot(self, table: Table, name: str, rows: np.ndarray) -> np.ndarray:
        """Return the categories of one column as booleans, shape (m, k)."""
        cells = as_texts(table.columns[name][rows])
        order = positions(self.categories[name])
        fill = self.fills.get(name, "")
        codes = np.array([order.get(cell or fill, -1) for cell in cells])
        return codes[:, None] == np.arange(len(self.categories[name]))

    def codes(self, name: str) -> dict[str, int | None]:
        """Return which input of a column each text sets to 1; None refuses the text.

        "" and the marks of `missing` are missing cells.
        """
        codes = {str(k): v for k, v in positions(self.categories[name]).items()}
        missing = codes.get(self.fills.get(name, ""))
        return {**codes, **dict.fromkeys(["", *self.missing], missing)}

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON data; tuples are written as lists."""
        data = asdict(self)
        scaling = data.pop("scaling")
        fill = [None if np.isnan(v) else float(v) for v in scaling.fill]
        return data | {
            "mean": scaling.mean.tolist(),
            "scale": scaling.scale.tolist(),
            "fill": fill if any(v is not None for v in fill) else None,
        }

    @classmethod
    def from_json(cls, data: Any, where: Any) -> "Preprocessing":
        """Return what `to_json` described, or raise a ModelFileError about `where`."""
        try:
            return cls._parsed(data)
        except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
            raise ModelFileError(
                f"model file: {printable(str(where))[-160:]}: describes no table "
                f"({str(error)[:80]}); give a model that was trained on one"
            ) from None

    @classmethod
    def _parsed(cls, data: Any) -> "Preprocessing":
        mean, scale = (np.array(data[k], np.float64) for k in ("mean", "scale"))
        fill = data["fill"] or [None] * len(mean)
        fill = np.array([np.nan if v is None else v for v in fill], np.float64)
        names = None if data["names"] is None else _texts(data["names"])
        categories = {k: _texts(v) for k, v in data["categories"].items()}
        shape = (len(mean if names is None else names),)
        finite = np.isfinite(mean).all() and np.isfinite(scale).all()
        if {mean.shape, scale.shape, fill.shape} != {shape} or not finite:
            raise ValueError("its columns do not agree")
        if any(len(set(values)) < len(values) for values in categories.values()):
            raise ValueError("a category is there twice")
        if data["unknown"] not in UNKNOWN:
            raise ValueError(f"unknown: {data['unknown']!r:.40}")
        return cls(
            names,
            Scaling(mean, scale, fill),
            categories,
            {str(k): str(v) for k, v in data["fills"].items()},
            data["unknown"],
            _texts(data["missing"]),
            _target(data["target"], len(mean) if names is None else -1),
            TextFormat(**(data.get("form") or {})),
            data.get("n_columns"),
        )


def _texts(values: Any) -> tuple[str, ...]:
    """Return a list of texts as a tuple, or refuse it."""
    is_list = isinstance(values, list | tuple)
    if not is_list or not all(isinstance(value, str) for value in values):
        raise ValueError(f"must be a list of texts, got {values!r:.40}")
    return tuple(values)


def _target(data: Any, last: int) -> Target:
    """Return the described Target; of a matrix its number is at most `last`."""
    name, classes = data["name"], data["classes"]
    if not isinstance(name, str) and not (type(name) is int and 0 <= name <= last):
        raise ValueError(f"its target is {name!r:.40}")
    if classes is not None:
        kinds = {type(value) for value in classes}
        if not isinstance(classes, list | tuple) or not kinds <= {str, int, float}:
            raise ValueError("its classes are neither texts nor numbers")
        if len(set(classes)) < max(len(classes), 1):
            raise ValueError("it has no classes, or one is there twice")
        classes = tuple(classes)
    target = Target(name, classes, float(data["mean"]), float(data["scale"]))
    if not (np.isfinite(target.mean) and 0 < target.scale < np.inf):
        raise ValueError("its target has no scale")
    return target
