"""The options of `scripts/bench.py sklearn`."""

import argparse
from typing import Any

from gpunet.cli.arguments import COUNT, whole

from . import add_output

HELP = "Time fits, or whole sweeps, against scikit-learn's own MLPClassifier."
WORK = "benchmarks.sklearn_fits"
PROGRAM = "python scripts/bench.py sklearn"
DATA = ("digits", "mnist", "table")
DTYPES = ("float64", "float32")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench sklearn`."""
    parser.description = (
        f"{HELP} Both fit the same rows with the same settings and seed in one "
        "process with the same threads, in turn. The table shows medians, how many "
        "times as long scikit-learn takes, and the largest difference of the fitted "
        "weights. digits: 1,797 x 64; mnist: 10,000 x 784; table: 100,000 x 50."
    )
    add = parser.add_argument
    add("--data", nargs="+", choices=DATA, default=list(DATA))
    text = "batch sizes; auto is scikit-learn's 200 (default: auto 10)"
    batches: dict[str, Any] = {"type": batch_size, "metavar": "N"}
    add("--batches", nargs="+", **batches, default=["auto", 10], help=text)
    add("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    add("--rows", type=whole(20), metavar="N", help="of each set (default: all)")
    add("--repeats", **COUNT, default=5, help="rounds (default: 5)")
    text = (
        "MLPSweep against GridSearchCV(n_jobs=cores), 64 settings x 3 folds of digits"
    )
    add("--sweep", action="store_true", help=f"instead: {text}")
    text = "of a sweep: neurons of the hidden layer (default: 16 100)"
    add("--hidden", nargs="+", **COUNT, default=[16, 100], help=text)
    text = "of a fit (default: about 0.5 s) or a sweep (default: 10)"
    add("--epochs", **COUNT, help=text)
    text = "gpunet's engine: NumPy (loop, the default), or code compiled by numba "
    text += "(extra fast), without compilation time"
    add("--engine", choices=("loop", "compiled"), default="loop", help=text)
    add_output(parser)


def batch_size(text: str) -> int | str:
    """Return auto, or a whole number of at least 1."""
    if text == "auto":
        return text
    try:
        return whole(1)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor auto") from error
