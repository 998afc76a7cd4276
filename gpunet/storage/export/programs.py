"""A network as a program without dependencies: JavaScript, or Python with NumPy.

Each is a file of this folder with the network put in, as its JSON with the weights in
base64: runtime.js, standalone.py.
"""

import json
import re
from base64 import b64encode
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np

from .graph import ExportGraph, FunctionStep, unwritten
from .json import network_document
from .standalone import FUNCTIONS


def to_js(graph: ExportGraph) -> bytes:
    """Return a script with `predict` and `classify` of one row."""
    network = json.dumps(js_network(graph), allow_nan=False)
    network = network.replace("<", "\\u003c")  # it may be put inside a page
    text = js_runtime().replace("network = null;", f"network = {network};")
    return text.encode("ascii")


def js_runtime() -> str:
    """Return the script without a network: `gpunet.open(network)` takes one."""
    return _source("runtime.js")


def js_network(graph: ExportGraph) -> dict[str, Any]:
    """Return a network as the script has it: JSON data, the weights in base64."""
    functions = re.findall(r"^  (\w+):", js_runtime(), re.M)
    _check_functions(graph, functions, "JavaScript")
    return _network(graph)


def to_py(graph: ExportGraph) -> bytes:
    """Return a module with `predict` and `classify` of rows."""
    _check_functions(graph, FUNCTIONS, "Python")
    network = repr(json.dumps(_network(graph), allow_nan=False))
    return _source("standalone.py").replace('"null"', network).encode("ascii")


def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text("ascii")


def _network(graph: ExportGraph) -> dict[str, Any]:
    little_endian = np.dtype(graph.dtype).newbyteorder("<")

    def tensor(array: np.ndarray) -> str:
        return b64encode(array.astype(little_endian).tobytes()).decode("ascii")

    return network_document(graph, tensor)


def _check_functions(graph: ExportGraph, written: Container[str], form: str) -> None:
    for step in graph.steps:
        if isinstance(step, FunctionStep) and step.name not in written:
            raise unwritten(step.name, form)
