"""A network as JSON that anyone can read: layers in order, weights in full.

    {"format": "gpunet-network", "version": 1, "dtype": "float32",
     "inputs": {"n": 4, "names": [...], "mean": [...], "factor": [...]},
     "layers": [{"layer": "dense", "W": [[...]], "b": [...]},
                {"layer": "activation", "function": "leaky_relu", "alpha": 0.01}],
     "outputs": {"n": 3, "names": [...], "mean": [...], "factor": [...]}}

W has a row for each input: z = x W + b. Inputs are z = (x - mean) * factor and
outputs y = a * factor + mean where these are given. Each number is the weight
exactly, written with the fewest digits that read back as the same double.
"""

import json
from typing import Any

from .graph import DenseStep, ExportGraph, Port


def to_json(graph: ExportGraph) -> bytes:
    """Return the JSON file of a network."""
    layers: list[dict[str, Any]] = []
    for step in graph.steps:
        if isinstance(step, DenseStep):
            layer = {"layer": "dense", "W": step.W.tolist(), "b": step.b.tolist()}
        else:
            layer = {"layer": "activation", "function": step.name}
            layer |= {} if step.alpha is None else {"alpha": step.alpha}
        layers.append(layer)
    document = {
        "format": "gpunet-network",
        "version": 1,
        "dtype": graph.dtype,
        "inputs": _port(graph.source, graph.n_in),
        "layers": layers,
        "outputs": _port(graph.target, graph.n_out),
    }
    return (json.dumps(document, allow_nan=False) + "\n").encode("ascii")


def _port(port: Port, n: int) -> dict[str, Any]:
    described: dict[str, Any] = {"n": n}
    if port.names:
        described["names"] = port.names
    if port.shift is not None and port.factor is not None:
        described |= {"mean": port.shift.tolist(), "factor": port.factor.tolist()}
    return described
