"""`gpunet lab`: its options."""

import argparse

from ..arguments import SEED, adder

HELP = (
    "Run an experiment by name, or all of them; without a name, list them in the "
    "order in which one learns."
)
EXAMPLES = (
    "",
    "by-hand",
    "weight-images --out pictures",
    "dream --epochs 2 --seed 3",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lab`; those after the name belong to the experiment."""
    parser.description = f"{HELP} Exit code 1 when a check fails."
    parser.add_argument("name", nargs="?", help="an experiment, or all")
    add_common(parser)
    text = "options of the experiment itself; NAME --help shows them"
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help=text)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every experiment takes; absent options stay out of the namespace."""
    add = adder(parser)
    devices = "cpu (default), cuda, cuda:N, torch:cpu, strict:1 or auto"
    add("--device", metavar="D", help=devices)
    add("--seed", **SEED, help="(default: 0)")
    add("--json", action="store_true", help="print JSON")
    add("--out", metavar="FOLDER", help="write the numbers and the pictures there")
