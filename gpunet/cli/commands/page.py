"""`gpunet page`: its work."""

import argparse
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
    path, html = _page(args)
    if args.out == "-":
        sys.stdout.buffer.write(html)
        return 0
    out = args.out or path
    write_atomically(out, html)
    if args.json:
        print(as_json({"path": printable(out), "bytes": len(html)}))
    else:
        print(f"{printable(out)}: {len(html):,} bytes")
    return 0


def _page(args: argparse.Namespace) -> tuple[Path, bytes]:
    """Return where the page goes by default, and the page."""
    if args.model is None:
        if args.member is not None:
            raise ConfigError("usage: --member: is one of a model; name the model")
        return Path("playground.html"), page_html(playground())
    source = open_source(args.model, args.member)
    html = page_html(page_document(source))
    for note in source.notes:
        print(f"gpunet: note: {note}", file=sys.stderr)
    assert source.path is not None
    return source.path.with_name("page.html"), html
