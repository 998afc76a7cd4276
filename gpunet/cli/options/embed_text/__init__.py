"""`gpunet embed_text`: its options."""

import argparse

from ..common import COUNT, SEED, add_json, add_threads, adder, number, whole
from .train import add_train

HELP = (
    "Learn vectors of words from a text, and look at them: neighbors, analogies, "
    "a map. Without --corpus: the works of Shakespeare."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `embed_text`, each with its own options."""
    parser.epilog = "`ACTION --help` shows the options of an action."
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, add, text in (
        ("train", add_train, "learn vectors (skip-gram), or a language model (lm)"),
        ("neighbors", _neighbors, "show the words nearest to a word"),
        ("analogy", _analogy, "A is to B as C is to what?"),
        ("map", _map, "draw words in the plane in which they spread the most"),
        ("generate", _generate, "continue a text with a language model"),
        ("evaluate", _evaluate, "score vectors on similarity or analogy benchmarks"),
    ):
        description = f"{text[0].upper()}{text[1:]}."
        action = actions.add_parser(
            name,
            aliases=["neighbours"] if name == "neighbors" else [],
            help=text,
            description=description,
            allow_abbrev=False,
        )
        add(action)
        if name != "train":
            _add_source(action)
        add_json(action)
        adder(action)("--debug", action="store_true", help=argparse.SUPPRESS)


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="PATH",
        help="a run folder, or a file of vectors: safetensors or word2vec text "
        "(default: the newest run in runs/)",
    )


def _neighbors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="WORD")
    parser.add_argument("-n", default=10, **COUNT, help="how many")


def _analogy(parser: argparse.ArgumentParser) -> None:
    for name in "abc":
        parser.add_argument(name, metavar=name.upper())
    parser.add_argument("-n", default=5, **COUNT, help="how many")


def _map(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="default: the most frequent ones")
    add("-n", default=80, **COUNT, help="how many (default: 80)")
    text = "leave out this many of the most frequent words (default: 100)"
    add("--skip", type=whole(0), default=100, metavar="N", help=text)
    add("--out", metavar="FILE", help="picture (default: map.png beside the vectors)")


def _generate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="the text to continue")
    add("-n", default=100, **COUNT, help="words (default: 100)")
    add(
        "--temperature",
        type=number(),
        default=0.8,
        metavar="T",
        help="1 draws words as often as the model predicts, a higher value rarer words "
        "more often, 0 always the likeliest (default: 0.8)",
    )
    add("--seed", default=0, **SEED)
    add("--device", default="cpu", help="as for train (default: cpu)")
    add_threads(parser)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    for option, text in (
        ("--similarity", "pairs of words with scores, such as WordSim-353, SimLex-999"),
        ("--analogies", "questions of four words, such as questions-words.txt"),
    ):
        parser.add_argument(option, nargs="+", default=[], metavar="FILE", help=text)
