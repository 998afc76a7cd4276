"""`gpunet export`: its work."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...io.messages import printable
from ...network import Network
from ...storage import Port, export_network, exported, open_model
from .predict import chosen, model_file, table_of


def run(args: argparse.Namespace) -> int:
    """Write a model in another format; return 0."""
    file = model_file(args.model)
    out = args.out or file.with_suffix(f".{args.format}")
    to_stdout = args.out == "-"
    if not to_stdout and os.path.realpath(out) == os.path.realpath(file):
        raise ConfigError(
            f"out: {printable(out)}: is the model itself; name another file"
        )
    net, state = open_model(file)
    source, target = _ports(net, state.get("table"), file)
    net = chosen(net, args.member)
    if to_stdout:
        data = exported(net, args.format, source, target)
        sys.stdout.buffer.write(data)
        print(f"exported: {args.format}, {len(data):,} bytes", file=sys.stderr)
        return 0
    size = export_network(net, out, args.format, source, target)
    print(f"{printable(out)}: {args.format}, {size:,} bytes")
    return 0


def _ports(net: Network, described: Any, file: Path) -> tuple[Port | None, Port | None]:
    """Return what lies before and after a network that was trained on a table."""
    if described is None:
        return None, None
    table = table_of(net, described, file)
    target = table.target
    if target.classes:
        end = Port(list(map(str, target.classes)))
    else:
        mean, scale = np.array([target.mean]), np.array([target.scale])
        end = Port([str(target.name)], mean, scale)
    return Port(table.inputs, *table.input_scaling()), end
