"""`gpunet gradcheck`: its options."""

import argparse

from .common import COUNT, add_json, add_threads, layer_sizes, whole

HELP = "Compare the gradients of back-propagation with those of nudged weights."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gradcheck`."""
    parser.description = (
        f"{HELP} In float64 on the CPU, each tensor by itself; a large one at a "
        "random sample of its entries and those of its largest gradient. Exit code "
        "0: all agree; 1: some tensor does not."
    )
    add = parser.add_argument
    network = parser.add_mutually_exclusive_group().add_argument
    network("--preset", metavar="NAME", help="a preset of `gpunet train`")
    network("--config", metavar="FILE", help="a run's config.json")
    text = "neurons of each layer"
    network("--sizes", type=layer_sizes, metavar="4,5,3", help=text)
    add("--activation", help="of the hidden layers, with --sizes (default: tanh)")
    add("--output", help="activation of the last layer (default: identity)")
    add("--loss", help="with --sizes (default: softmax_cross_entropy)")
    add(
        "--method",
        choices=("central", "complex", "both"),
        default="central",
        help="central differences (limit 1e-7), or complex steps (limit 1e-12), for "
        "smooth networks only; default: central",
    )
    add("--rows", type=whole(1, 10_000), default=8, help="examples (default: 8)")
    add("--entries", default=200, **COUNT, help="entries to check of each tensor")
    add("--seed", type=whole(0), default=0)
    add_threads(parser)
    add_json(parser)
