"""`scripts/bench.py`: its options."""

import argparse

from gpunet.cli.options.common import add_threads, whole
from gpunet.errors import ConfigError

HELP = "Time training steps against NumPy, PyTorch, JAX and scikit-learn."
WORK = "benchmarks.steps"
COSTS = ("softmax", "quadratic")
RIVALS = ("gpunet", "loop", "numpy", "torch", "jax", "sklearn")
FULL = ("784-16-16-10", "784-30-10", "784-128-10", "784-512-512-10")
GRIDS = {
    "full": (FULL, (1, 10, 128, 1024), 5),
    "quick": (("784-16-16-10", "784-128-10"), (10, 1024), 3),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    parser.description = (
        f"{HELP} Train the same network on the same rows (dense layers; ReLU and "
        "softmax cross-entropy, or sigmoids and the quadratic cost; plain SGD, "
        "float32) with each library that is installed, each in a process of its own "
        "with the same threads, in interleaved rounds. "
        "Shown are medians in microseconds a step, and how many times longer each "
        "takes than gpunet: by its compiled engine where numba is installed, and as "
        "`loop` by the lines of the lesson."
    )
    add = parser.add_argument
    add("--grid", choices=tuple(GRIDS), default="full", help="default: full")
    add("--nets", nargs="+", metavar="SIZES", help="such as 784-16-16-10")
    add("--batches", nargs="+", type=whole(1), metavar="N", help="batch sizes")
    add("--repeats", type=whole(1), metavar="N", help="rounds (default 5; quick 3)")
    add("--costs", nargs="+", choices=COSTS, default=["softmax"])
    add_threads(parser)
    add("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    add(
        "--steps",
        type=whole(1),
        metavar="N",
        help="steps a round (default: as many as take about 0.2 s, at most an epoch)",
    )
    add("--data", choices=("mnist", "random"), default="mnist")
    add("--seed", type=whole(0), default=0)
    add(
        "--population",
        action="store_true",
        help="instead: 100 networks at once against one network, on one core",
    )
    add(
        "--predict",
        action="store_true",
        help="instead: one digit, and 10,000 rows at a call, predicted by each",
    )
    add(
        "--devices",
        nargs="+",
        metavar="DEVICE",
        help="instead: from which width, batch and population the others win over "
        "the first, such as cpu cuda",
    )
    add(
        "--busy",
        action="store_true",
        help="instead: commands alone and beside a busy process for each core",
    )
    add("--startup", action="store_true", help="instead: import and --help times")
    add("--markdown", action="store_true", help="print Markdown")
    add("--json", metavar="FILE", help="write all rounds and versions; - is stdout")


def sizes_of(text: str) -> list[int]:
    """Return [784, 16, 10] for "784-16-10"."""
    parts = text.split("-")
    if len(parts) < 2 or not all(p.isascii() and p.isdigit() and int(p) for p in parts):
        raise ConfigError(f"bench: nets: {text!r}: write sizes such as 784-16-16-10")
    return list(map(int, parts))
