"""What lies between a table's cells and a network's inputs, kept with the model.

Numbers are shifted and scaled, categories become one-hot columns, the target
becomes labels or a scaled number. All of it is learnt from the training rows
alone and is plain JSON, so that a model file answers raw rows.
"""

from dataclasses import asdict, dataclass, field

import numpy as np

from ...errors import ConfigError, ModelFileError
from ...io.messages import data_error, printable
from ..rows import MatrixRows, Scaling, refused_number
from .cell_checks import check_cells
from .dialect import TextFormat
from .values import as_texts, is_missing, places, plain

UNKNOWN = ("refuse", "zeros")


@dataclass(frozen=True, eq=False)
class Target:
    """The column that is predicted.

    Parameters
    ----------
    name : str, or int for a column of a matrix
    classes : tuple of str or int, or None
        Of a classifier, in the order of its outputs.
    mean, scale : float
        Of a regression: the network learns (t - mean) / scale.
    """

    name: "str | int"
    classes: tuple | None = None
    mean: float = 0.0
    scale: float = 1.0

    def encode(self, values, table):
        """Return labels (n,), or scaled numbers (n, 1), of a column of `table`."""
        gaps = is_missing(values)
        if np.any(gaps):
            raise missing_target_error(gaps, table, self.name)
        if self.classes is None:
            if values.dtype == object:
                why, cure = "the target is a text", "give numbers, or classify"
                raise table.error(0, self.name, why, cure)
            values = values.astype(np.float64)
            return ((values - self.mean) / self.scale)[:, None]
        order = places(self.classes)
        found, where = np.unique(values, return_inverse=True)
        labels = np.array([order.get(plain(value), -1) for value in found])[where]
        if np.any(labels < 0):
            row = int(np.argmax(labels < 0))
            known = ", ".join(map(str, self.classes[:10]))
            why = f"{plain(values[row])!r:.80} is none of the classes {known:.120}"
            cure = "correct it, or train with examples of it"
            raise table.error(row, self.name, why, cure)
        return labels

    def decode(self, t):
        """Return scaled numbers, shape (n, 1), in the target's own unit."""
        return np.asarray(t, np.float64) * self.scale + self.mean


def missing_target_error(gaps, table, name):
    """Return the DataError about rows without a target."""
    n, row = int(np.sum(gaps)), int(np.argmax(gaps))
    why = f"the target is missing in {n:,} of {len(gaps):,} rows, first here"
    cure = "fill it in, or use {missing_target} to leave such rows out"
    return table.error(row, name, why, cure, missing_target="drop")


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How rows become inputs and targets.

    Parameters
    ----------
    names : tuple of str, or None
        The columns in order; None for a matrix, whose columns are numbered.
    scaling : Scaling
        By column; a category column has mean 0 and scale 1.
    categories : dict of str to tuple of str
        The values of each category column.
    fills : dict of str to str
        What a missing category becomes.
    unknown : "refuse" or "zeros"
        What an unseen category does.
    missing : tuple of str
        What stands for a missing cell.
    target : Target
    form : TextFormat
        How the text table was said to be written.
    n_columns : int or None
        Of a text table without a header, with the target and what was left out.
    """

    names: tuple | None
    scaling: Scaling
    categories: dict
    fills: dict
    unknown: str
    missing: tuple
    target: Target
    form: TextFormat = field(default_factory=TextFormat)
    n_columns: int | None = None

    @property
    def inputs(self):
        """Names of the network's inputs: "age", "color=red"; "0" of a matrix."""
        if self.names is None:
            return [str(k) for k in range(len(self.scaling.mean))]
        return [
            text
            for name in self.names
            for text in (
                [f"{name}={value}" for value in self.categories[name]]
                if name in self.categories
                else [name]
            )
        ]

    def input_scaling(self):
        """Return (mean, factor) of each input: z = (x - mean) * factor."""
        if self.names is None:
            return self.scaling.mean, self.scaling.factor
        counts = [len(self.categories.get(name, [0])) for name in self.names]
        return tuple(
            np.repeat(v, counts) for v in (self.scaling.mean, self.scaling.factor)
        )

    def features(self, table, rows=None, dtype="float32"):
        """Return the inputs of some rows: an array, or `MatrixRows` if on disk.

        Parameters
        ----------
        table : Table
            With the model's columns; more of them are ignored.
        rows : int64 array, optional
            None takes all.
        dtype : str

        Returns
        -------
        x : array of dtype, shape (m, n_in)

        Raises
        ------
        DataError
            A column is missing or of another kind, a cell is unfit.
        """
        rows = np.arange(len(table)) if rows is None else rows
        if self.names is None:
            x = MatrixRows(
                table.matrix,
                rows,
                self.columns(table),
                self.scaling,
                dtype,
                table.where,
            )
            return x.judged() if table.on_disk else x.load()
        self._check_columns(table)
        check_cells(self, table, rows)
        x = np.empty((len(rows), len(self.inputs)), dtype)
        at = 0
        for k, name in enumerate(self.names):
            if name in self.categories:
                block = self._one_hot(table, name, rows)
            else:
                block = self._scaled(table, k, rows, x.dtype)
            x[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return x

    def columns(self, table):
        """Return which columns of a matrix are inputs."""
        width, wanted = table.matrix.shape[1], len(self.scaling.mean)
        columns, target = np.arange(width), self.target.name
        if width == wanted + 1 and isinstance(target, int):
            return np.delete(columns, target)
        if width != wanted:
            also = f" or {wanted + 1} with the target" * isinstance(target, int)
            why = f"has {width} columns, the model expects {wanted}{also}"
            raise data_error("table", table.where, why, "give the same columns")
        return columns

    def _check_columns(self, table):
        missing = [name for name in self.names if name not in table.columns]
        if missing:
            s = "s" * (len(missing) > 1)
            why = f"lacks the column{s} {', '.join(missing):.200}"
            cure = "give the columns that the model was trained on"
            raise data_error("table", table.where, why, cure)

    def _scaled(self, table, k, rows, dtype):
        name = self.names[k]
        raw = table.columns[name][rows][:, None].copy()
        column = slice(k, k + 1)
        s = self.scaling
        part = Scaling(s.mean[column], s.scale[column], s.fill[column])
        z, bad = part.apply(raw, dtype)
        if bad is not None:
            where = table.at(int(rows[bad[0]]), name)
            raise refused_number(where, raw[bad], dtype)
        return z

    def _one_hot(self, table, name, rows):
        cells = as_texts(table.columns[name][rows])
        order = places(self.categories[name])
        fill = self.fills.get(name, "")
        codes = np.array([order.get(cell or fill, -1) for cell in cells])
        return codes[:, None] == np.arange(len(self.categories[name]))

    def to_json(self):
        """Return all of it as plain JSON data."""
        s, t = self.scaling, self.target
        fill = [None if np.isnan(v) else float(v) for v in s.fill]
        return {
            "names": None if self.names is None else list(self.names),
            "mean": s.mean.tolist(),
            "scale": s.scale.tolist(),
            "fill": fill if any(v is not None for v in fill) else None,
            "categories": {k: list(v) for k, v in self.categories.items()},
            "fills": self.fills,
            "unknown": self.unknown,
            "missing": list(self.missing),
            "form": asdict(self.form),
            "n_columns": self.n_columns,
            "target": {
                "name": t.name,
                "classes": None if t.classes is None else list(t.classes),
                "mean": t.mean,
                "scale": t.scale,
            },
        }


def from_json(data, where):
    """Return the Preprocessing that `to_json` described.

    Raises
    ------
    ModelFileError
        The file describes none.
    """
    try:
        mean, scale = (np.array(data[k], np.float64) for k in ("mean", "scale"))
        fill = data["fill"] or [None] * len(mean)
        fill = np.array([np.nan if v is None else v for v in fill], np.float64)
        names = None if data["names"] is None else _texts(data["names"])
        target = _target(data["target"], len(mean) if names is None else -1)
        categories = {k: _texts(v) for k, v in data["categories"].items()}
        made = Preprocessing(
            names,
            Scaling(mean, scale, fill),
            categories,
            {str(k): str(v) for k, v in data["fills"].items()},
            data["unknown"],
            _texts(data["missing"]),
            target,
            TextFormat(**(data.get("form") or {})),
            data.get("n_columns"),
        )
        shapes = {
            mean.shape,
            scale.shape,
            fill.shape,
            (len(mean if names is None else names),),
        }
        finite = np.isfinite(mean).all() and np.isfinite(scale).all()
        if len(shapes) != 1 or not finite:
            raise ValueError("its columns do not agree")
        if any(len(set(values)) < len(values) for values in categories.values()):
            raise ValueError("a category stands twice")
        if made.unknown not in UNKNOWN:
            raise ValueError(f"unknown: {made.unknown!r:.40}")
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        where = printable(str(where))[-160:]
        raise ModelFileError(
            f"model file: {where}: describes no table ({str(error)[:80]}); give a "
            "model that was trained on one"
        ) from None
    return made


def _texts(values):
    """Return a list of texts as a tuple, or refuse it."""
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"expected a list of texts, got {values!r:.40}")
    return tuple(values)


def _target(data, last):
    """Return the described Target; of a matrix its number is at most `last`."""
    name, classes = data["name"], data["classes"]
    if not isinstance(name, str) and not (type(name) is int and 0 <= name <= last):
        raise ValueError(f"its target is {name!r:.40}")
    if classes is not None:
        kinds = {type(value) for value in classes}
        if not isinstance(classes, list) or not kinds <= {str, int, float}:
            raise ValueError("its classes are no texts or numbers")
        if len(set(classes)) < max(len(classes), 1):
            raise ValueError("it has no classes, or one stands twice")
        classes = tuple(classes)
    target = Target(name, classes, float(data["mean"]), float(data["scale"]))
    if not (np.isfinite(target.mean) and 0 < target.scale < np.inf):
        raise ValueError("its target has no scale")
    return target
