"""`gpunet page`: its work."""

import argparse
import os
import sys
from pathlib import Path

from ...errors import ConfigError
from ...io.messages import printable
from ...io.writing import write_atomically
from ...page import open_source, page_document, page_html, playground
from ..tables import as_json


def run(args: argparse.Namespace) -> int:
    """Write the page of a model; return 0."""
    if args.json and args.out == "-":
        raise ConfigError("usage: --json: standard output holds the page; name a file")
    if args.model is None:
        path, document, notes = _playground(args)
    else:
        path, document, notes = _model(args)
    html = page_html(document)
    if args.out == "-":
        sys.stdout.buffer.write(html)
        return 0
    write_atomically(path, html)
    if args.json:
        about = {"path": printable(path), "bytes": len(html), "left_out": notes}
        print(as_json(about))
    else:
        print(f"{printable(path)}: {len(html):,} bytes")
    return 0


def _playground(args: argparse.Namespace) -> tuple[Path, dict, list[str]]:
    """Return where the page goes, its document, and what that leaves out."""
    if args.member is not None:
        raise ConfigError("usage: --member: is one of a model; name the model")
    return Path(args.out or "playground.html"), playground(), []


def _model(args: argparse.Namespace) -> tuple[Path, dict, list[str]]:
    source = open_source(args.model, args.member)
    assert source.path is not None
    path = source.path.with_suffix(".html")
    if source.run is not None:
        path = source.run.path / "page.html"
    path = Path(args.out or path)
    if os.path.realpath(path) == os.path.realpath(source.path):
        reason = "is the model itself; name another file"
        raise ConfigError(f"out: {printable(path)}: {reason}")
    document = page_document(source)
    for note in source.notes:
        print(f"gpunet: note: {note}", file=sys.stderr)
    return path, document, source.notes
