"""`gpunet verify`: its options."""

import argparse

HELP = "Check model files and checkpoints: whole, unchanged, finite. Exit 0 or 4."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `verify`."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file or run folder")
