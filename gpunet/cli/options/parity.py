"""`gpunet parity`: its options."""

import argparse

from .common import add_threads, whole

HELP = "Train the same networks on several devices and show how far they part."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `parity`."""
    parser.description = (
        f"{HELP} Same seeds, same batches; each difference is max|a - b| / max|b| of "
        "a tensor against the CPU in the same precision. Exit code 0: all within "
        "tolerance; 1: something is not; 5: a device of --require is absent."
    )
    add = parser.add_argument
    add(
        "--devices",
        nargs="+",
        metavar="DEVICE",
        default=["cpu", "strict:1", "torch:cpu", "cuda"],
        help="default: cpu strict:1 torch:cpu cuda; absent ones are listed with the "
        "reason",
    )
    add(
        "--require",
        nargs="+",
        metavar="DEVICE",
        default=[],
        help="devices that must be there",
    )
    add(
        "--dtype",
        nargs="+",
        choices=("float32", "float64"),
        default=["float32", "float64"],
    )
    add(
        "--steps",
        nargs="+",
        type=whole(1, 100_000),
        metavar="N",
        default=[1, 10, 100],
        help="compare the weights after so many steps (default: 1 10 100); beyond 10 "
        "training is chaotic and nothing is promised",
    )
    add(
        "--data",
        choices=("synthetic", "mnist"),
        default="synthetic",
        help="default: synthetic",
    )
    add("--seed", type=whole(0), default=0)
    add_threads(parser)
    add("--each", action="store_true", help="a row for each network")
    add("--json", action="store_true", help="print JSON")
