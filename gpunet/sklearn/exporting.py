"""Fitted estimators and Pipelines as `gpunet.export` writes them.

Of the steps before an MLP only those are known that a file can repeat exactly: what
scales, fills, encodes and selects columns. A derived class may compute anything, and
is refused.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import validation
from sklearn.utils._missing import is_scalar_nan

from ..errors import ConfigError
from ..network import Network
from ..storage.export.ports import Answers, Cell, RawRows
from .networks import MLPS, is_multilabel, to_network


def parts(model: Any) -> tuple[Network, RawRows | None, Answers]:
    """Return the network of a fitted estimator, and what precedes and follows it.

    Raises
    ------
    ConfigError
        An estimator or step that cannot be exported, by name.
    sklearn.exceptions.NotFittedError
    """
    if hasattr(model, "refit"):  # a search
        if not hasattr(model, "best_estimator_"):
            raise _refusal(model, "has no best_estimator_; fit it with refit=True")
        model = model.best_estimator_
    if type(model) is TransformedTargetRegressor:
        validation.check_is_fitted(model)
        net, source, target = parts(model.regressor_)
        shift, factor = _affine(model.transformer_, net.n_out)
        return net, source, replace(target, shift=shift, factor=1.0 / factor)
    if isinstance(model, MLPS):
        return to_network(model), None, _answers(model)
    if type(model) is not Pipeline:
        reason = "cannot be exported; the model, or the last step of a Pipeline, must "
        reason += "be a fitted MLPClassifier or MLPRegressor of gpunet or scikit-learn"
        raise _refusal(model, reason)
    validation.check_is_fitted(model)
    steps = [step for _, step in model.steps]
    while type(steps[-1]) is Pipeline:
        steps += [step for _, step in steps.pop().steps]
    names = getattr(model, "feature_names_in_", range(model.n_features_in_))
    row = list(map(str, names))
    inputs = _Features.unscaled(row, [Cell(k) for k in range(len(row))])
    for step in steps[:-1]:
        inputs = _apply(step, inputs)
    net, _, target = parts(steps[-1])
    source = RawRows(inputs.names, inputs.shift, inputs.factor, row, inputs.cells)
    return net, source, target


def _answers(estimator: Any) -> Answers:
    if not is_classifier(estimator):
        return Answers(task="regress")
    classes = np.asarray(estimator.classes_).tolist()
    if is_multilabel(estimator):
        return Answers(list(map(str, classes)), task="multilabel")
    return Answers(list(map(str, classes)), classes=classes)


@dataclass(frozen=True)
class _Features:
    """Features on their way to the network: z = (x - shift) * factor, x of the cells.

    Before an encoder a cell may be missing as a text: the category that fills it.
    """

    names: list[str]
    cells: list[Cell]
    shift: np.ndarray
    factor: np.ndarray

    @classmethod
    def unscaled(cls, names: list[str], cells: list[Cell]) -> "_Features":
        return cls(names, cells, np.zeros(len(names)), np.ones(len(names)))

    def take(self, columns: Sequence[int]) -> "_Features":
        """Return some of the features, each of which has a cell."""
        return _Features(
            [self.names[k] for k in columns],
            [self.cells[k] for k in columns],
            self.shift[list(columns)],
            self.factor[list(columns)],
        )

    def has_codes(self) -> bool:
        return any(cell.codes is not None for cell in self.cells)

    def is_scaled(self) -> bool:
        return bool(np.any(self.shift != 0) or np.any(self.factor != 1))


def _joined(blocks: list[_Features]) -> _Features:
    return _Features(
        [name for block in blocks for name in block.names],
        [cell for block in blocks for cell in block.cells],
        np.concatenate([np.zeros(0), *(block.shift for block in blocks)]),
        np.concatenate([np.zeros(0), *(block.factor for block in blocks)]),
    )


def _apply(step: Any, inputs: _Features) -> _Features:
    """Return the features after a fitted step."""
    if step is None or step == "passthrough":
        return inputs
    if type(step) not in _STEPS:
        names = ", ".join(kind.__name__ for kind in _STEPS)
        raise _refusal(step, f"cannot be exported; only {names} can: transform before")
    return _STEPS[type(step)](step, inputs)


def _refusal(step: Any, reason: str) -> ConfigError:
    return ConfigError(f"export: {type(step).__name__}: {reason}")


def _apply_all(step: Pipeline, inputs: _Features) -> _Features:
    for _, each in step.steps:
        inputs = _apply(each, inputs)
    return inputs


def _apply_columns(step: ColumnTransformer, inputs: _Features) -> _Features:
    if any(cell.one_hot for cell in inputs.cells):
        raise _refusal(step, "selects one-hot columns; select before the encoder")
    columns = step._transformer_to_input_indices
    return _joined(
        [
            _apply(each, inputs.take(columns[name]))
            for name, each, _ in step.transformers_
            if each != "drop" and len(columns[name])
        ]
    )


def _apply_union(step: FeatureUnion, inputs: _Features) -> _Features:
    if step.transformer_weights:
        raise _refusal(step, "transformer_weights cannot be exported; leave them out")
    return _joined(
        [_apply(each, inputs) for _, each in step.transformer_list if each != "drop"]
    )


def _apply_function(step: FunctionTransformer, inputs: _Features) -> _Features:
    if step.func is not None:
        raise _refusal(step, "a function cannot be exported; apply it before")
    return inputs


def _apply_scaler(step: Any, inputs: _Features) -> _Features:
    """Return ((x - s) f - t) g = (x - (s + t / f)) f g."""
    shift, factor = _affine(step, len(inputs.names))
    shift = inputs.shift + shift / inputs.factor
    return replace(inputs, shift=shift, factor=inputs.factor * factor)


def _affine(step: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (shift, factor) of a scaler of n features."""
    kind = type(step)
    if kind is FunctionTransformer and step.func is None:
        return np.zeros(n), np.ones(n)
    if kind not in _SCALERS:
        names = ", ".join(kind.__name__ for kind in _SCALERS)
        raise _refusal(step, f"the target must be scaled by one of {names}")
    if getattr(step, "clip", False):
        raise _refusal(step, "clip=True cannot be exported; leave it out")
    shift, factor = _SCALERS[kind](step)
    return np.zeros(n) + (0.0 if shift is None else shift), np.ones(n) * factor


_SCALERS: dict[type, Callable[[Any], tuple[Any, Any]]] = {
    StandardScaler: lambda step: (
        step.mean_ if step.with_mean else None,
        1.0 / step.scale_ if step.with_std else 1.0,
    ),
    MinMaxScaler: lambda step: (-step.min_ / step.scale_, step.scale_),
    MaxAbsScaler: lambda step: (None, 1.0 / step.scale_),
    RobustScaler: lambda step: (
        step.center_,
        1.0 / step.scale_ if step.with_scaling else 1.0,
    ),
}


def _apply_imputer(step: SimpleImputer, inputs: _Features) -> _Features:
    if not is_scalar_nan(step.missing_values):
        reason = f"missing_values={step.missing_values!r} cannot be exported; use NaN"
        raise _refusal(step, reason)
    if step.add_indicator:
        raise _refusal(step, "add_indicator=True cannot be exported; leave it out")
    if inputs.has_codes():
        raise _refusal(step, "comes after an encoder; put it before")
    fills = step.statistics_.tolist()
    if any(is_scalar_nan(value) or value is None for value in fills):
        raise _refusal(step, "a column has no value to fill with; drop the column")
    cells = []
    for k, (cell, value) in enumerate(zip(inputs.cells, fills, strict=True)):
        if not isinstance(value, str):  # in the unit of the raw row
            value = value / inputs.factor[k] + inputs.shift[k]
        cells.append(cell if cell.missing is not None else cell._replace(missing=value))
    return replace(inputs, cells=cells)


def _apply_encoder(step: Any, inputs: _Features) -> _Features:
    if inputs.has_codes() or inputs.is_scaled():
        raise _refusal(step, "comes after a scaler or an encoder; put it first")
    blocks = []
    for k, name in enumerate(inputs.names):
        cell = _encoded(step, k, inputs.cells[k])
        if isinstance(step, OneHotEncoder) and not cell.one_hot:
            continue  # its only category is dropped
        names = [name]
        if cell.one_hot:
            by_code = {code: key for key, code in reversed((cell.codes or {}).items())}
            names = [f"{name}={by_code.get(j, 'missing')}" for j in range(cell.one_hot)]
        blocks.append(_Features.unscaled(names, [cell]))
    return _joined(blocks)


def _encoded(step: Any, column: int, cell: Cell) -> Cell:
    """Return a cell with the codes that a fitted encoder has for its column.

    They are found by encoding every category, one that is unknown, and a missing one.
    """
    categories = step.categories_[column].tolist()
    known = [value for value in categories if not (value is None or value != value)]
    texts = [isinstance(value, str) for value in known]
    if not known or any(texts) != all(texts):
        raise _refusal(step, f"column {column} has no categories, or texts and numbers")
    unknown: Any = "\0" if texts[0] else max(known) + 1.0
    codes = {
        value if texts[0] else float(value): _code(step, column, value)
        for value in known
    }
    if cell.missing is None:
        missing = _code(step, column, None if None in categories else np.nan)
    else:
        missing = codes.get(cell.missing, _code(step, column, unknown))
    width = 0
    if isinstance(step, OneHotEncoder):
        width = step._n_features_outs[column]
    return Cell(cell.column, missing, codes, _code(step, column, unknown), width)


def _code(step: Any, column: int, value: Any) -> int | None:
    """Return what an encoder makes of a cell; None if it refuses it, or gives NaN."""
    row = np.array([[c[0] for c in step.categories_]], object)
    row[0, column] = value
    try:
        with warnings.catch_warnings(action="ignore"):  # of names, and of the unknown
            encoded = step.transform(row)
    except ValueError:
        return None
    encoded = np.asarray(encoded.todense() if hasattr(encoded, "todense") else encoded)
    if isinstance(step, OneHotEncoder):
        end = sum(step._n_features_outs[: column + 1])
        block = encoded[0, end - step._n_features_outs[column] : end]
        return int(block.argmax()) if block.any() else -1
    return None if np.isnan(encoded[0, column]) else int(encoded[0, column])


_STEPS: dict[type, Callable[[Any, _Features], _Features]] = {
    **dict.fromkeys(_SCALERS, _apply_scaler),
    SimpleImputer: _apply_imputer,
    OneHotEncoder: _apply_encoder,
    OrdinalEncoder: _apply_encoder,
    ColumnTransformer: _apply_columns,
    FeatureUnion: _apply_union,
    Pipeline: _apply_all,
    FunctionTransformer: _apply_function,
}
