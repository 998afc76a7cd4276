"""`gpunet gradcheck`: its options."""

import argparse

from .common import add_threads, whole

HELP = "Compare the gradients of back-propagation with those of nudged weights."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gradcheck`."""
    parser.description = (
        f"{HELP} In float64 on the CPU, each tensor by itself; a large one at a "
        "random sample of its entries and those of its largest gradient. Exit code "
        "0: all agree; 1: some tensor does not."
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--preset", metavar="NAME", help="a preset of `gpunet train`")
    what.add_argument("--config", metavar="FILE", help="a run's config.json")
    what.add_argument("--sizes", metavar="4,5,3", help="neurons of each layer")
    add("--activation", help="of the hidden layers, with --sizes (default: tanh)")
    add("--output", help="activation of the last layer (default: identity)")
    add("--loss", help="with --sizes (default: softmax_cross_entropy)")
    add(
        "--method",
        choices=("central", "complex", "both"),
        default="central",
        help="central differences (limit 1e-7), or complex steps (limit 1e-12), "
        "which only smooth networks can take; default: central",
    )
    add("--rows", type=whole(1, 10_000), default=8, help="examples (default: 8)")
    add("--entries", type=whole(1), default=200, help="entries checked of a tensor")
    add("--seed", type=whole(0), default=0)
    add_threads(parser)
    add("--json", action="store_true", help="print JSON")
