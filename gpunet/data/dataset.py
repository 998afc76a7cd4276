"""Samples in host memory: features with labels or targets, and their splits."""

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._lazy import load
from ..backend.inputs import host_array, numeric_array
from ..errors import GpunetError
from ..io.messages import Path, counted, data_error, printable
from .checks import (
    check_finite,
    check_labels,
    check_scale,
    check_targets,
    check_weights,
)
from .rows import MatrixRows

if TYPE_CHECKING:
    from .tables.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples in host memory: features, labels or targets, and optional weights.

    Parameters
    ----------
    x : array, shape (n, features...), any numeric type
        Nested lists, a DataFrame and tensors serve as well; or `MatrixRows`, for a
        table that stays on disk.
    t : array of labels, shape (n,), or of targets, shape (n, n_out)
        Labels are whole numbers from 0, or what `classes` says.
    weight : array, shape (n,), optional
        How much each sample counts; None counts all alike.
    scale : float
        The factor by which x is multiplied before a network sees it: 1 / 255
        takes bytes to [0, 1]. Functions that take a Dataset do so, but not for
        indices of words (Embedding); `scaled` returns the product, which
        `net.predict` and others that take x alone need.
    classes : sequence of str or int, optional
        What the labels 0, 1, ... stand for; t may then hold these. None lets `fit`
        sort the texts, booleans or numbers that it finds in t.
    """

    x: Any
    t: np.ndarray
    weight: np.ndarray | None = None
    scale: float = 1.0
    classes: Any = None

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        try:
            shape = getattr(self.x, "shape", None) or (len(self),)
            return f"{' x '.join(f'{n:,}' for n in shape)}, {_kind(self.t)}"
        except (GpunetError, IndexError, TypeError):  # not checked yet
            return f"Dataset({type(self.x).__name__}, {type(self.t).__name__})"

    def _repr_html_(self) -> str:
        return load("show.html").dataset(self)

    def take(self, index: Any) -> "Dataset":
        """Return the samples at `index`: a copy, or views if it is a slice."""
        t, weight = host_array(self.t, "labels", "data"), self.weight
        if weight is not None:
            weight = host_array(weight, "weights", "data")[index]
        return replace(self, x=self._array()[index], t=t[index], weight=weight)

    def scaled(self, dtype: str) -> np.ndarray:
        """Return x times `scale` as floats: x itself if nothing changes it.

        Examples
        --------
        >>> x = np.array([[0, 64, 128]], np.uint8)
        >>> Dataset(x, [1], scale=1 / 128).scaled("float32")
        array([[0. , 0.5, 1. ]], dtype=float32)
        """
        x = self._array().astype(dtype, copy=self.scale != 1.0)
        if self.scale != 1.0:
            x *= self.scale  # in place, on the copy: half the peak memory
        return x

    def _array(self) -> Any:
        on_disk = isinstance(self.x, MatrixRows)
        return self.x if on_disk else numeric_array(self.x, "features", "data")


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set split into training, validation and test samples.

    Parameters
    ----------
    n_classes : int or None
        None for targets that are not classes.
    scale : float, optional
        Deprecated, use ``Dataset(x, t, scale=...)``. A number becomes the scale of
        every part; with None, bytes of scale 1 still get 1 / 255.
    table : Preprocessing or None
        How the cells of a table became x and t.
    notes : tuple of str
        What reading left out without being asked to.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    n_classes: int | None
    name: str
    table: "Preprocessing | None" = None
    notes: tuple[str, ...] = ()

    # By hand, as `scale` is still accepted in its place but is not a field.
    def __init__(
        self,
        train: Dataset,
        validation: Dataset | None,
        test: Dataset | None,
        n_classes: int | None,
        name: str,
        scale: float | None = None,
        table: "Preprocessing | None" = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        parts = {"train": train, "validation": validation, "test": test}
        for key, part in parts.items():
            if part is None:
                continue
            if scale is not None:
                parts[key] = with_scale(part, scale, "Splits")
            elif part.scale == 1.0 and getattr(part.x, "dtype", None) == np.uint8:
                parts[key] = with_scale(part, 1 / 255, "Splits: bytes become [0, 1]")
        vars(self).update(
            parts, n_classes=n_classes, name=name, table=table, notes=notes
        )

    @property
    def parts(self) -> dict[str, Dataset]:
        """The parts that there are: train, and perhaps validation and test."""
        names = ("train", "validation", "test")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}

    def __repr__(self) -> str:
        rows = " + ".join(f"{len(part):,}" for part in self.parts.values())
        width = "".join(f" x {n:,}" for n in getattr(self.train.x, "shape", ())[1:])
        kind = _kind(self.train.t, self.n_classes)
        return f"{printable(self.name)}: {rows}{width}, {kind}"

    def _repr_html_(self) -> str:
        return load("show.html").splits(self)

    @property
    def scale(self) -> float:
        """Deprecated: that of the training part."""
        warnings.warn(
            "Splits.scale is deprecated; use splits.train.scale",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.train.scale


def _kind(t: Any, n_classes: int | None = None) -> str:
    """Return "10 classes" or "1 target": what labels or targets are."""
    t = host_array(t, "labels", "data")
    if n_classes is None and t.ndim == 1 and t.dtype.kind in "iubOSU":
        n_classes = len(set(t.tolist())) if t.dtype == object else len(np.unique(t))
    return counted(n_classes, "class") if n_classes else counted(t[:1].size, "target")


def with_scale(dataset: Dataset, scale: float, function: str) -> Dataset:
    """Return `dataset` with another scale, and warn whoever called `function`."""
    warnings.warn(
        f"{function}: scale belongs to the data; use Dataset(x, t, scale={scale!r})",
        DeprecationWarning,
        stacklevel=3,
    )
    return replace(dataset, scale=scale)


def check_dataset(
    dataset: Dataset,
    n_classes: int | None = None,
    where: Path = "data",
    *,
    one_class_ok: bool = False,
) -> Dataset:
    """Return `dataset` with its parts as checked arrays, not copied.

    A `t` of one dimension holds labels, which become int64, else targets; `n_classes`,
    `where` and `one_class_ok` are as in `check_labels`.

    Raises
    ------
    DataError
        If x has no rows or no columns or is not finite, a label, target or weight
        is invalid, or the counts differ.
    ConfigError
        If the scale is not a finite number, or 0.
    """
    on_disk = isinstance(dataset.x, MatrixRows)  # checked when they were made
    x = dataset.x if on_disk else numeric_array(dataset.x, "features", where)
    if x.ndim < 2 or x.size == 0:
        reason = f"x must have shape (rows, columns), neither 0, got {x.shape}"
        raise data_error("features", where, reason, "reshape x, one sample a row")
    if not on_disk:
        check_finite(x, "features", where)
    t = host_array(dataset.t, "labels", where)
    if t.ndim <= 1:
        t = check_labels(t, n_classes, where, one_class_ok=one_class_ok)
    else:
        t = check_targets(t, n_classes, where)
    if len(t) != len(x):
        rows = counted(len(x), "row")
        reason = f"has {rows} of features and {len(t):,} labels or targets"
        raise data_error("data set", where, reason, "give one of each a sample")
    weight = dataset.weight
    if weight is not None:
        weight = check_weights(weight, len(x), where)
    return Dataset(x, t, weight, check_scale(dataset.scale, where))
