"""The options of `scripts/bench.py`."""

import argparse

from gpunet.cli.arguments import COUNT, SEED
from gpunet.errors import ConfigError

from . import add_output

HELP = "Time training steps against NumPy, PyTorch, JAX and scikit-learn."
WORK = "benchmarks.bench"
COSTS = ("softmax", "quadratic")
RIVALS = ("gpunet", "loop", "numpy", "torch", "jax", "sklearn")
NETS = ("784-16-16-10", "784-30-10", "784-128-10", "784-512-512-10")
GRIDS = {  # networks, batch sizes, rounds
    "full": (NETS, (1, 10, 128, 1024), 5),
    "quick": (("784-16-16-10", "784-128-10"), (10, 1024), 3),
}
MODES = {
    "population": "100 networks at once against one network, on one core; with "
    "--rivals loop jax torch: populations in many sizes by each of these",
    "predict": "predictions of one digit, and of 10,000 rows at a call",
    "record": "seconds to 98 and 99 %% of MNIST's test digits, 20 seeds each",
    "engines": "what engine auto takes, and the times of both",
    "busy": "commands alone and beside a busy process for each core",
    "startup": "import and --help times",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    parser.description = (
        f"{HELP} Each installed library trains the same network on the same rows "
        "(dense layers; ReLU and softmax cross-entropy, or sigmoids and the quadratic "
        "cost; plain SGD, float32), in a process of its own with the same threads, in "
        "interleaved rounds. The tables show medians in microseconds a step, and how "
        "many times as long as gpunet each takes. gpunet uses compiled code where "
        "numba is installed; `loop` is gpunet without it."
    )
    add = parser.add_argument
    add("--grid", choices=tuple(GRIDS), default="full", help="default: full")
    add("--nets", nargs="+", metavar="SIZES", help="such as 784-16-16-10")
    add("--batches", nargs="+", **COUNT, help="batch sizes")
    add("--repeats", **COUNT, help="rounds (default 5; quick 3; record 20 seeds)")
    add("--costs", nargs="+", choices=COSTS, default=["softmax"])
    add("--rivals", nargs="+", choices=RIVALS, help="default: all")
    add("--steps", **COUNT, help="steps a round (default: about 0.2 s, or an epoch)")
    add("--data", choices=("mnist", "random"), default="mnist")
    add("--seed", **SEED, default=0)
    for name, text in MODES.items():
        add(f"--{name}", action="store_true", help=f"instead: {text}")
    text = "instead: from which size on the others are faster than the first"
    add("--devices", nargs="+", metavar="DEVICE", help=f"{text}, such as cpu cuda")
    add_output(parser)


def sizes_of(text: str) -> list[int]:
    """Return [784, 16, 10] for "784-16-10"."""
    parts = text.split("-")
    if len(parts) < 2 or not all(p.isascii() and p.isdigit() and int(p) for p in parts):
        raise ConfigError(
            f"bench: nets: must be sizes such as 784-16-16-10, got {text!r}"
        )
    return list(map(int, parts))
