"""`gpunet page`: its work."""

import argparse
import os
import sys
from pathlib import Path

from ...errors import ConfigError
from ...io.messages import printable
from ...io.writing import write_atomically
from ...page import open_source, page_document, page_html, playground
from ...page.beside import yield_processor
from ...page.watch import Watch
from ..tables import as_json


def run(args: argparse.Namespace) -> int:
    """Write the page of a model; return 0."""
    if args.watch:
        return _watch(args)
    if args.port is not None:
        raise ConfigError("usage: --port: is that of a server; add --watch")
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


def _watch(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit code of that."""
    if args.model is None:
        raise ConfigError("usage: --watch: name the run folder")
    for name in ("out", "json", "member"):
        if getattr(args, name) not in (None, False):
            raise ConfigError(f"usage: --{name}: is for a page that is written once")
    watch = Watch(args.model, args.port or 0)
    yield_processor()
    watch.start()
    print(f"page: {watch.address}", file=sys.stderr)
    print("Ctrl-C ends it", file=sys.stderr)
    try:
        watch.join()
    except KeyboardInterrupt:
        watch.stop()
        print("watching has ended", file=sys.stderr)
        return 130
    return 0
