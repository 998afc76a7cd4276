"""A network as a program without dependencies: JavaScript, or Python with NumPy.

Each is a file of this folder with the network put in, as its JSON with the weights in
base64: runtime.js, standalone.py.
"""

import json
import re
from base64 import b64encode
from collections.abc import Container
from pathlib import Path

import numpy as np

from .graph import ExportGraph, FunctionStep, unwritten
from .json import network_document
from .standalone import FUNCTIONS


def to_js(graph: ExportGraph) -> bytes:
    """Return a script with `predict` and `classify` of one row."""
    text = _source("runtime.js")
    _check_functions(graph, re.findall(r"^  (\w+):", text, re.M), "JavaScript")
    network = _network(graph).replace("<", "\\u003c")  # it may be put inside a page
    return text.replace("network = null;", f"network = {network};").encode("ascii")


def to_py(graph: ExportGraph) -> bytes:
    """Return a module with `predict` and `classify` of rows."""
    _check_functions(graph, FUNCTIONS, "Python")
    network = repr(_network(graph))
    return _source("standalone.py").replace('"null"', network).encode("ascii")


def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text("ascii")


def _network(graph: ExportGraph) -> str:
    little_endian = np.dtype(graph.dtype).newbyteorder("<")

    def tensor(array: np.ndarray) -> str:
        return b64encode(array.astype(little_endian).tobytes()).decode("ascii")

    return json.dumps(network_document(graph, tensor), allow_nan=False)


def _check_functions(graph: ExportGraph, written: Container[str], form: str) -> None:
    for step in graph.steps:
        if isinstance(step, FunctionStep) and step.name not in written:
            raise unwritten(step.name, form)
