"""A network as JSON that anyone can read: layers in order, weights in full.

    {"format": "gpunet-network", "version": 1, "dtype": "float32",
     "row": ["size", "color"],
     "columns": [{"column": 0, "missing": 3.5},
                 {"column": 1, "missing": null, "unknown": null, "one_hot": 2,
                  "categories": ["blue", "red"], "codes": [0, 1]}],
     "inputs": {"n": 3, "names": [...], "mean": [...], "factor": [...]},
     "layers": [{"layer": "dense", "W": [[...]], "b": [...]},
                {"layer": "activation", "function": "leaky_relu", "alpha": 0.01}],
     "outputs": {"n": 3, "names": [...], "task": "classify", "classes": [...]}}

W has a row for each input: z = x W + b. Inputs are z = (x - mean) * factor and
outputs y = a * factor + mean where these are given. Each number is the weight
exactly, written with the fewest digits that read back as the same double.

"columns" makes inputs x of a raw row, in order: a number is its input, a category
has a code, which is its input or, with "one_hot", says which of so many inputs is 1.
null for a missing cell, a code or an unknown category means that it is refused.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import DenseStep, ExportGraph
from .ports import Cell, Port


def to_json(graph: ExportGraph) -> bytes:
    """Return the JSON file of a network."""
    document = network_document(graph, np.ndarray.tolist)
    return (json.dumps(document, allow_nan=False) + "\n").encode("ascii")


def network_document(
    graph: ExportGraph, tensor: Callable[[np.ndarray], Any]
) -> dict[str, Any]:
    """Return a network as JSON data; `tensor` says how weights and biases are kept."""
    layers: list[dict[str, Any]] = []
    for step in graph.steps:
        if isinstance(step, DenseStep):
            layer = {"layer": "dense", "W": tensor(step.W), "b": tensor(step.b)}
        else:
            layer = {"layer": "activation", "function": step.name}
            layer |= {} if step.alpha is None else {"alpha": step.alpha}
        layers.append(layer)
    source, target = graph.source, graph.target
    outputs = _port(target, graph.n_out) | {"task": target.task}
    if target.classes:
        outputs["classes"] = list(target.classes)
    rows: dict[str, Any] = {}
    if source.cells:
        columns = [_cell(cell) for cell in source.cells]
        rows = {"row": list(source.row), "columns": columns}
    return {
        "format": "gpunet-network",
        "version": 1,
        "dtype": graph.dtype,
        **rows,
        "inputs": _port(source, graph.n_in),
        "layers": layers,
        "outputs": outputs,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    described: dict[str, Any] = {"column": cell.column, "missing": cell.missing}
    if cell.codes is not None:
        described |= {"unknown": cell.unknown, "one_hot": cell.one_hot}
        described["categories"] = list(cell.codes)
        described["codes"] = list(cell.codes.values())
    return described


def _port(port: Port, n: int) -> dict[str, Any]:
    described: dict[str, Any] = {"n": n}
    if port.names:
        described["names"] = port.names
    if port.shift is not None and port.factor is not None:
        described |= {"mean": port.shift.tolist(), "factor": port.factor.tolist()}
    return described
