"""A trained network for those who have no gpunet: as ONNX, JSON or one C file."""

from ...io.messages import Path
from ...io.writing import write_atomically
from ...network import Network
from .c import to_c
from .graph import Port, export_graph
from .json import to_json
from .onnx import to_onnx

FORMATS = {"onnx": to_onnx, "json": to_json, "c": to_c}


def export_network(
    net: Network,
    path: Path,
    kind: str,
    source: Port | None = None,
    target: Port | None = None,
) -> int:
    """Write a network to one file, wholly or not at all; return its size in bytes.

    Parameters
    ----------
    kind : "onnx", "json" or "c"
    source, target : Port, optional
        What comes before and after the network.

    Raises
    ------
    ConfigError
        A network that has no such form, or the onnx package is not installed.
    ModelFileError
        Weights that are not finite, or too many of them.
    """
    data = exported(net, kind, source, target)
    write_atomically(path, data)
    return len(data)


def exported(
    net: Network, kind: str, source: Port | None = None, target: Port | None = None
) -> bytes:
    """Return what `export_network` writes."""
    return FORMATS[kind](export_graph(net, source, target))
