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

from gpunet.storage.export.graph import Plan, Port


def to_json(plan: Plan) -> bytes:
    """Return the JSON file of a network."""
    layers: list[dict[str, Any]] = []
    for kind, *rest in plan.steps:
        if kind == "dense":
            W, b = (array.tolist() for array in rest)
            layers.append({"layer": "dense", "W": W, "b": b})
        else:
            name, number = rest
            layer = {"layer": "activation", "function": name}
            layers.append(layer | ({} if number is None else {"alpha": number}))
    document = {
        "format": "gpunet-network",
        "version": 1,
        "dtype": plan.dtype,
        "inputs": _port(plan.source, plan.n_in),
        "layers": layers,
        "outputs": _port(plan.target, plan.n_out),
    }
    return (json.dumps(document, allow_nan=False) + "\n").encode("ascii")


def _port(port: Port, n: int) -> dict[str, Any]:
    described: dict[str, Any] = {"n": n}
    if port.names:
        described["names"] = port.names
    if port.shift is not None:
        described |= {"mean": port.shift.tolist(), "factor": port.factor.tolist()}
    return described
