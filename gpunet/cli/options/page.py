"""`gpunet page`: its options."""

import argparse

from ..arguments import add_json, whole

HELP = (
    "Write a page that shows a network: one HTML file without a server, with the "
    "network inside, to open in a browser or to send. Or serve it while a run goes on."
)

EXAMPLES = (
    "runs/digits",
    "runs/digits --out page.html",
    "--out playground.html",
    "runs/seeds --member 3 --out -",
    "runs/digits --watch",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `page`."""
    add = parser.add_argument
    text = (
        "model file, checkpoint or run folder (default: none, a playground to train in)"
    )
    add("model", nargs="?", metavar="MODEL", help=text)
    text = "of a population, to show first (default: the best)"
    add("--member", type=whole(0), metavar="I", help=text)
    text = (
        "default: page.html in the run folder, beside a model file under its name, or "
        "playground.html; - is standard output"
    )
    add("-o", "--out", metavar="FILE", help=text)
    text = "serve the page of a run folder, on this machine alone, and follow the run"
    add("--watch", action="store_true", help=f"{text}; Ctrl-C ends it")
    text = "of the server (default: one that is free)"
    add("--port", type=whole(1, 65535), metavar="N", help=text)
    add_json(parser)
