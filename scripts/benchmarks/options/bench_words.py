"""The options of `scripts/bench.py words`."""

import argparse

from gpunet.cli.arguments import COUNT, whole

from . import add_output

HELP = "Time and evaluate word vectors against gensim's."
WORK = "benchmarks.words"
PROGRAM = "python scripts/bench.py words"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench words`."""
    parser.description = (
        f"{HELP} Both train a skip-gram with negative sampling on the same lines with "
        "the same settings (dim 100, window 5, 5 negatives, sample 1e-3, words seen 5 "
        "times or more). Speed: an epoch, in interleaved rounds, compiled and by the "
        "plain loop. Quality: the ten nearest neighbors of the 500 most frequent "
        "content words, and a file of word pairs judged by people. Without gensim "
        "(python -m pip install gensim) only gpunet is shown."
    )
    add = parser.add_argument
    add("--only", choices=("speed", "quality"), help="default: both")
    add("--corpus", nargs="+", metavar="FILE", help="default: Shakespeare")
    add("--repeats", **COUNT, default=5, help="rounds (default 5)")
    add("--seeds", type=whole(2), default=3, metavar="N", help="of each (default 3)")
    add("--epochs", **COUNT, default=5, help="quality (default 5)")
    add("--batch-size", **COUNT, default=128, help="default: 128")
    text = "such as WordSim-353 (default: the one that comes with gensim, if any)"
    add("--similarity", metavar="FILE", help=text)
    add_output(parser)
