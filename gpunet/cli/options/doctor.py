"""`gpunet doctor`: its options."""

import argparse

from ..arguments import add_json, add_threads

HELP = "Show versions, devices, BLAS and threads, with a remedy for what is missing."
EXAMPLES = ("", "--full", "--json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    parser.description = f"{HELP} The exit code is always 0."
    text = "open every device, also those of PyTorch, which takes seconds"
    parser.add_argument("--full", action="store_true", help=text)
    add_threads(parser)
    add_json(parser)
