"""`gpunet page`: its options."""

import argparse

from ..arguments import add_json, add_model

HELP = (
    "Write a page that shows a network: one HTML file without a server, with the "
    "network inside, to open in a browser or to send."
)

EXAMPLES = (
    "runs/digits",
    "runs/digits --out page.html",
    "runs/seeds --member 3 --out -",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `page`."""
    add_model(parser, "of a population, to show first (default: the best)")
    add = parser.add_argument
    text = "the file (default: page.html beside the model); - is standard output"
    add("-o", "--out", metavar="FILE", help=text)
    add_json(parser)
