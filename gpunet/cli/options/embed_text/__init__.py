"""`gpunet embed_text`: its options."""

import argparse

from ..common import COUNT, SEED, add_json, add_threads, adder, number, whole
from .train import add_train

HELP = (
    "Learn vectors of words from a text, and look at them: neighbors, analogies, "
    "a map. Without --corpus: the works of Shakespeare."
)
EXAMPLES = (
    "train --epochs 2 --out runs/words",
    "neighbors king queen --from runs/words",
    "train --model lm --corpus text.txt",
    "generate to be or --temperature 0.5",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `embed_text`, each with its own options."""
    parser.description = f"{HELP} `ACTION --help` shows the options of an action."
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, add, text in (
        ("train", add_train, "learn vectors (skip-gram), or a language model (lm)"),
        ("neighbors", _neighbors, "show the words nearest to a word"),
        ("analogy", _analogy, "find what is to C as B is to A"),
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
    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="words of the vocabulary")
    add("-n", default=10, **COUNT, help="how many")


def _analogy(parser: argparse.ArgumentParser) -> None:
    for name in "abc":
        parser.add_argument(name, metavar=name.upper(), help="a word")
    parser.add_argument("-n", default=5, **COUNT, help="how many")


def _map(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="default: the most frequent ones")
    add("-n", default=80, **COUNT, help="how many")
    text = "leave out this many of the most frequent words"
    add("--skip", type=whole(0), default=100, metavar="N", help=text)
    add("--out", metavar="FILE", help="picture (default: map.png beside the vectors)")


def _generate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="the text to continue")
    add("-n", default=100, **COUNT, help="how many words to write")
    add(
        "--temperature",
        type=number(),
        default=0.8,
        metavar="T",
        help="1 draws words as often as the model predicts, a higher value rarer words "
        "more often, 0 always the likeliest",
    )
    add("--seed", default=0, **SEED, help="of the draws")
    add("--device", default="cpu", metavar="D", help="as for train")
    add_threads(parser)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    for option, text in (
        ("--similarity", "pairs of words with scores, such as WordSim-353, SimLex-999"),
        ("--analogies", "questions of four words, such as questions-words.txt"),
    ):
        parser.add_argument(option, nargs="+", default=[], metavar="FILE", help=text)
