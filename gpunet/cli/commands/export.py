"""`gpunet export`: its work."""

import argparse
import os
import sys

from ...errors import ConfigError
from ...io.messages import printable
from ...io.writing import write_atomically
from ...storage.export import FORMATS, exported, file_format
from ...storage.network import model_file
from ..tables import as_json


def run(args: argparse.Namespace) -> int:
    """Write a model in another format; return 0."""
    kind = args.format or file_format(args.out or "")
    if kind not in FORMATS:
        names = ", ".join(f".{name}" for name in FORMATS)
        raise ConfigError(f"export: give `format`, or end `out` with one of {names}")
    if args.json and args.out == "-":
        raise ConfigError("usage: --json: standard output holds the model; name a file")
    file = model_file(args.model)
    out = args.out or file.with_suffix(f".{kind}")
    if args.out != "-" and os.path.realpath(out) == os.path.realpath(file):
        raise ConfigError(
            f"out: {printable(out)}: is the model itself; name another file"
        )
    data = exported(file, kind, member=args.member)
    if args.out == "-":
        sys.stdout.buffer.write(data)
        print(f"exported: {kind}, {len(data):,} bytes", file=sys.stderr)
        return 0
    write_atomically(out, data)
    if args.json:
        print(as_json({"path": printable(out), "format": kind, "bytes": len(data)}))
    else:
        print(f"{printable(out)}: {kind}, {len(data):,} bytes")
    return 0
