"""The options of each benchmark command, read before NumPy is imported."""

import argparse

from gpunet.cli.arguments import add_threads


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add --threads, --markdown and --json."""
    add_threads(parser)
    add = parser.add_argument
    add("--markdown", action="store_true", help="print Markdown")
    add("--json", metavar="FILE", help="write all rounds and versions; - is stdout")
