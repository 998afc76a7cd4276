"""`gpunet export`: its work."""

import argparse
import os
import sys

import numpy as np

from ...data import Preprocessing
from ...errors import ConfigError
from ...io.messages import printable
from ...storage import Port, export_network, exported
from ...storage.models import model_file, open_member


def run(args: argparse.Namespace) -> int:
    """Write a model in another format; return 0."""
    file = model_file(args.model)
    out = args.out or file.with_suffix(f".{args.format}")
    if args.out != "-" and os.path.realpath(out) == os.path.realpath(file):
        raise ConfigError(
            f"out: {printable(out)}: is the model itself; name another file"
        )
    net, table = open_member(file, args.member)
    source, target = _ports(table) if table else (None, None)
    if args.out == "-":
        data = exported(net, args.format, source, target)
        sys.stdout.buffer.write(data)
        print(f"exported: {args.format}, {len(data):,} bytes", file=sys.stderr)
        return 0
    size = export_network(net, out, args.format, source, target)
    print(f"{printable(out)}: {args.format}, {size:,} bytes")
    return 0


def _ports(table: Preprocessing) -> tuple[Port, Port]:
    """Return what precedes and what follows a network that was trained on a table."""
    source, target = Port(table.inputs, *table.input_scaling()), table.target
    if target.classes:
        return source, Port(list(map(str, target.classes)))
    mean, scale = np.array([target.mean]), np.array([target.scale])
    return source, Port([str(target.name)], mean, scale)
