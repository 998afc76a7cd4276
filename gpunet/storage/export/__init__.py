"""A trained network for those who have no gpunet: as ONNX, JSON or one C file."""

from typing import Any

import numpy as np

from gpunet.errors import ModelFileError
from gpunet.io.messages import message
from gpunet.io.writing import write_atomically
from gpunet.storage.export.c import to_c
from gpunet.storage.export.graph import Port, make_plan
from gpunet.storage.export.json import to_json
from gpunet.storage.export.onnx import to_onnx

FORMATS = {"onnx": to_onnx, "json": to_json, "c": to_c}
_LARGEST = 2**31 - 2**20  # bytes: protobuf ends there, and no text needs more


def export_network(
    net: Any,
    path: Any,
    kind: str,
    source: Port | None = None,
    target: Port | None = None,
) -> int:
    """Write a network to one file, wholly or not at all; return its size in bytes.

    See `exported` for the bytes themselves.

    Parameters
    ----------
    net : Network
    path : path-like
    kind : "onnx", "json" or "c"
    source, target : Port, optional
        What lies before and after the network.

    Raises
    ------
    ConfigError
        A network that has no such form, or the onnx package is not installed.
    ModelFileError
        Weights that are not finite, or too many of them.
    WriteError
    """
    data = exported(net, kind, source, target, path)
    write_atomically(path, data)
    return len(data)


def exported(
    net: Any,
    kind: str,
    source: Port | None = None,
    target: Port | None = None,
    path: Any = "-",
) -> bytes:
    """Return a network in another format; see `export_network`.

    Raises
    ------
    ConfigError, ModelFileError
    """
    made = make_plan(net, source, target)
    for step in made.steps:
        if step[0] == "dense" and not all(np.isfinite(a).all() for a in step[1:]):
            why, cure = "a weight is not finite", "export the last finite model"
            raise ModelFileError(message("export", path, why, cure))
    size = net.n_parameters * np.dtype(net.dtype).itemsize
    if size > _LARGEST:
        why = f"holds {size:,} bytes of weights, more than the {_LARGEST:,} allowed"
        raise ModelFileError(message("export", path, why, "take a smaller network"))
    return FORMATS[kind](made)
