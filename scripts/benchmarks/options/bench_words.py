"""`scripts/bench_words.py`: its options."""

import argparse

from gpunet.cli.options.common import add_threads, whole

HELP = "Time and judge word vectors against gensim's."
WORK = "benchmarks.words"
PARTS = ("speed", "quality")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `bench_words`."""
    parser.description = (
        f"{HELP} Both train a skip-gram with negative sampling on the same lines with "
        "the same numbers (dim 100, window 5, 5 negatives, sample 1e-3, words seen 5 "
        "times or more). Speed: an epoch, in interleaved rounds, by the compiled "
        "engine and by the plain loop. Quality: the ten nearest neighbors of the 500 "
        "most frequent content words, and a file of word pairs judged by people. "
        "Without gensim (python -m pip install gensim) gpunet is shown alone."
    )
    add = parser.add_argument
    add("--only", choices=PARTS, help="default: both")
    add(
        "--corpus", nargs="+", metavar="FILE", help="default: the package's Shakespeare"
    )
    add("--repeats", type=whole(1), default=5, metavar="N", help="rounds (default 5)")
    add("--seeds", type=whole(2), default=3, metavar="N", help="of each (default 3)")
    add(
        "--epochs", type=whole(1), default=5, metavar="N", help="of quality (default 5)"
    )
    add("--batch-size", type=whole(1), default=128, metavar="N", help="default: 128")
    add(
        "--similarity",
        metavar="FILE",
        help="such as WordSim-353 (default: the one that lies with gensim, if it does)",
    )
    add_threads(parser)
    add("--markdown", action="store_true", help="print Markdown")
    add("--json", metavar="FILE", help="write all numbers; - is stdout")
