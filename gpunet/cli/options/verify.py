"""`gpunet verify`: its options."""

import argparse

from ..arguments import add_json

HELP = "Check model files and checkpoints: whole, unchanged, finite. Exit 0 or 4."
EXAMPLES = (
    "runs/digits",
    "runs/digits/model.safetensors",
    "runs/digits runs/prices --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `verify`."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or run folder")
    add_json(parser)
