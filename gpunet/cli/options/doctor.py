"""`gpunet doctor`: its options."""

import argparse

from .common import add_threads

HELP = "Show versions, devices, BLAS and threads, with a cure for what is missing."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `doctor`."""
    parser.description = f"{HELP} Exit code 0, whatever is found."
    parser.add_argument(
        "--full",
        action="store_true",
        help="open every device, PyTorch's too, which takes seconds",
    )
    add_threads(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
