"""`gpunet gradcheck`: its options."""

import argparse

from ..arguments import (
    COUNT,
    NAME,
    SEED,
    add_json,
    add_threads,
    hyphenated,
    layer_sizes,
    whole,
)

HELP = "Compare the gradients of back-propagation with those of nudged weights."
EXAMPLES = (
    "--sizes 4,5,3",
    "--sizes 4,5,3 --activation softplus --method both",
    "--preset nielsen --entries 50 --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gradcheck`."""
    parser.description = (
        f"{HELP} In float64 on the CPU, each tensor by itself; a large one at a "
        "random sample of its entries and those of its largest gradient. Exit code "
        "0: all agree; 1: some tensor does not."
    )
    add = parser.add_argument
    network = parser.add_mutually_exclusive_group().add_argument
    text = "a preset of `gpunet train` (default: default)"
    network("--preset", type=hyphenated, metavar="NAME", help=text)
    network("--config", metavar="FILE", help="a run folder or config.json")
    text = "neurons of each layer"
    network("--sizes", type=layer_sizes, metavar="4,5,3", help=text)
    add(
        "--activation",
        **NAME,
        help="of the hidden layers, with --sizes (default: tanh)",
    )
    add("--output", **NAME, help="activation of the last layer (default: identity)")
    text = "with --sizes (default: softmax_cross_entropy)"
    add("--loss", **NAME, help=text)
    add(
        "--method",
        choices=("central", "complex", "both"),
        default="central",
        help="central differences (limit 1e-7), or complex steps (limit 1e-12), for "
        "smooth networks only; default: central",
    )
    add("--rows", type=whole(1, 10_000), default=8, metavar="N", help="examples")
    add("--entries", default=200, **COUNT, help="entries to check of each tensor")
    add("--seed", default=0, **SEED, help="of weights and examples")
    add_threads(parser)
    add_json(parser)
