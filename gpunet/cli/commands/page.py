"""`gpunet page`: its work."""

import argparse
import sys

from ...errors import ConfigError
from ...io.messages import printable
from ...io.writing import write_atomically
from ...page import open_source, page_document, page_html
from ..tables import as_json


def run(args: argparse.Namespace) -> int:
    """Write the page of a model; return 0."""
    if args.json and args.out == "-":
        raise ConfigError("usage: --json: standard output holds the page; name a file")
    source = open_source(args.model, args.member)
    html = page_html(page_document(source))
    for note in source.notes:
        print(f"gpunet: note: {note}", file=sys.stderr)
    if args.out == "-":
        sys.stdout.buffer.write(html)
        return 0
    assert source.path is not None
    out = args.out or source.path.with_name("page.html")
    write_atomically(out, html)
    if args.json:
        print(as_json({"path": printable(out), "bytes": len(html)}))
    else:
        print(f"{printable(out)}: {len(html):,} bytes")
    return 0
