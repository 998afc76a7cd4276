"""`gpunet runs`: its options."""

import argparse

from ..arguments import add_json

HELP = (
    "List run folders: the settings in which they differ, how each run ended and what "
    "came out, the best first. Two run folders are compared."
)
EXAMPLES = (
    "",
    "runs/a runs/b",
    "sweeps --sort learning_rate --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `runs`."""
    parser.add_argument(
        "folders",
        nargs="*",
        default=["runs"],
        metavar="FOLDER",
        help="run folder, or a folder that holds some (default: runs)",
    )
    parser.add_argument(
        "--sort",
        metavar="KEY",
        help="setting or result to sort by (default: the first score there is, such "
        "as test_accuracy)",
    )
    add_json(parser)
