"""Numbers in bulk as the page reads them: base64, little-endian."""

from base64 import b64encode
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..network import Network
from ..storage.export import model_graph, table_ports
from ..storage.export.programs import js_network


def floats(values: Any) -> str:
    """Return numbers as base64 of float32; `page.floats` reads it."""
    return b64encode(np.asarray(values, "<f4").tobytes()).decode("ascii")


def network_values(net: Network, table: Preprocessing | None) -> dict[str, Any]:
    """Return a network as an exported script has it (ConfigError: none can)."""
    rows, answers = table_ports(table) if table else (None, None)
    return js_network(model_graph(net, rows, answers))
