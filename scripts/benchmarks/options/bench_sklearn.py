"""The options of `scripts/bench_sklearn.py`."""

import argparse

from gpunet.cli.options.common import whole

from . import add_output

HELP = "Time fits, or whole sweeps, against scikit-learn's own MLPClassifier."
WORK = "benchmarks.sklearn_fits"
DATA = ("digits", "mnist", "table")
DTYPES = ("float64", "float32")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench_sklearn`."""
    parser.description = (
        f"{HELP} Both fit the same rows with the same settings and seed in one "
        "process with the same threads, in turn. The table shows medians, how many "
        "times as long scikit-learn takes, and the largest difference of the fitted "
        "weights. digits: 1,797 x 64; mnist: 10,000 x 784; table: 100,000 x 50."
    )
    add = parser.add_argument
    add("--data", nargs="+", choices=DATA, default=list(DATA))
    add(
        "--batches",
        nargs="+",
        type=batch_size,
        metavar="N",
        default=["auto", 10],
        help="batch sizes; auto is scikit-learn's 200 (default: auto 10)",
    )
    add("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    add("--rows", type=whole(20), metavar="N", help="of each set (default: all)")
    add("--repeats", type=whole(1), default=5, metavar="N", help="rounds (default 5)")
    add(
        "--sweep",
        action="store_true",
        help="instead: MLPSweep against GridSearchCV(n_jobs=cores), 64 settings x 3 "
        "folds of digits",
    )
    add(
        "--hidden",
        nargs="+",
        type=whole(1),
        default=[16, 100],
        metavar="N",
        help="of a sweep: neurons of the hidden layer (default: 16 100)",
    )
    add(
        "--epochs",
        type=whole(1),
        metavar="N",
        help="of a fit (default: as many as take about 0.5 s) or a sweep (default: 10)",
    )
    add(
        "--engine",
        choices=("loop", "compiled"),
        default="loop",
        help="gpunet's engine: NumPy (loop), or code compiled by numba (extra fast), "
        "without compilation time (default: loop)",
    )
    add_output(parser)


def batch_size(text: str) -> int | str:
    """Return auto, or a whole number of at least 1."""
    if text == "auto":
        return text
    try:
        return whole(1)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor auto") from error
