"""`gpunet parity`: its options."""

import argparse

from ..arguments import SEED, Kind, add_json, add_threads, whole

HELP = "Train the same networks on several devices and show how far they differ."
EXAMPLES = (
    "--devices cuda",
    "--devices cpu strict:1 --steps 1 10",
    "--data mnist --dtype float32 --each",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `parity`."""
    parser.description = (
        f"{HELP} Same seeds, same batches; each difference is max|a - b| / max|b| of "
        "a tensor against the CPU in the same precision. Exit code 0: all within "
        "tolerance; 1: a difference is not; 5: a device of --require is absent."
    )
    add = parser.add_argument
    names: Kind = {"nargs": "+", "metavar": "DEVICE"}
    devices = ["cpu", "strict:1", "torch:cpu", "cuda"]
    text = f"default: {' '.join(devices)}; absent ones are listed with the reason"
    add("--devices", **names, default=devices, help=text)
    add("--require", **names, default=[], help="fail if one of these is absent")
    dtypes = ["float32", "float64"]
    add("--dtype", nargs="+", choices=dtypes, default=dtypes, help="default: both")
    add(
        "--steps",
        nargs="+",
        type=whole(1, 100_000),
        metavar="N",
        default=[1, 10, 100],
        help="compare the weights after this many steps (default: 1 10 100); beyond 10 "
        "training is chaotic and no tolerance applies",
    )
    data = ("synthetic", "mnist")
    add("--data", choices=data, default=data[0], help="what to train on")
    add("--seed", default=0, **SEED, help="of weights and batches")
    add_threads(parser)
    add("--each", action="store_true", help="a row for each network")
    add_json(parser)
