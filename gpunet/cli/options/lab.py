"""`gpunet lab`: its options."""

import argparse

from .common import whole

HELP = (
    "Run an experiment by name, or all of them; without a name, list them in the "
    "order in which one learns."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lab`; what follows the name is the experiment's own."""
    parser.description = f"{HELP} Exit code 1 when a check fails."
    parser.add_argument("name", nargs="?", help="an experiment, or all")
    add_common(parser)
    parser.add_argument(
        "own",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="options of the experiment itself; NAME --help shows them",
    )


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every experiment takes; absent options stay out of the namespace."""
    absent = {"default": argparse.SUPPRESS}
    parser.add_argument(
        "--device",
        metavar="D",
        help="cpu (default), cuda, cuda:N, torch:cpu, strict:1 or auto",
        **absent,
    )
    parser.add_argument("--seed", type=whole(0, 2**62), metavar="N", **absent)
    parser.add_argument("--json", action="store_true", help="print JSON", **absent)
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write the numbers and the pictures there",
        **absent,
    )
