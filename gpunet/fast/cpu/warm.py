"""Compiles every kernel before it is needed, by using each once on a tiny task."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ... import blocks
from ...data import Dataset
from ...optimizers import SGD
from ...training import fit
from .inference import predictor
from .jit import functions
from .population import PopulationShape, PopulationState
from .workspace import NOTHING, lay_examples, lay_rows

_ROWS, _COLUMNS = 8, 4


def tasks() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is compiled: (name, function that compiles or loads it)."""
    for dtype in ("float32", "float64"):
        yield f"training, {dtype}", partial(_train, dtype)
        yield f"populations, {dtype}", partial(_train, dtype, 1000)
        yield f"scikit-learn, {dtype}", partial(_fit, dtype)
        net = blocks.mlp([_COLUMNS, 2], dtype=dtype)
        yield f"prediction, {dtype}", partial(predictor, net)


def _data(dtype: str, fill: float = 0.0) -> Dataset:
    x = np.full((_ROWS, _COLUMNS), fill, dtype)
    return Dataset(x, np.arange(_ROWS) % 2)


def _train(dtype: str, population: int | None = None) -> None:
    net = blocks.mlp([_COLUMNS, 2], dtype=dtype, population=population)
    settings: Any = {"epochs": 1, "engine": "compiled", "progress": False}
    data = _data(dtype, fill=1.0 if population else 0.0)  # dense: members in lanes
    fit(net, data, optimizer=SGD(0.1), **settings)


def _fit(dtype: str) -> None:
    data = _data(dtype)
    sizes, activations = [(_COLUMNS, 2)], [functions.IDENTITY]
    loss, optimizer = functions.SOFTMAX, functions.SGD
    population = PopulationState(
        PopulationShape(sizes, activations, loss, optimizer, 0.5, 0.0, True, dtype),
        lay_examples(lay_rows(data.x), data.t),
        batch_size=_ROWS,
        vectors=np.zeros((1, _COLUMNS * 2 + 2), dtype),
        memories=[],
        alone=True,
    )
    population.train(NOTHING, np.zeros((1, 0)), np.zeros(0))
