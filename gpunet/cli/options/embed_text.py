"""`gpunet embed_text`: its options."""

import argparse
from collections.abc import Callable

from .common import add_threads, number, whole

HELP = (
    "Learn vectors of words from a text, and look at them: neighbours, analogies, "
    "a map. Without --corpus: the works of Shakespeare."
)
_COUNT = {"type": whole(1), "metavar": "N"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `embed_text`, each with options of its own."""
    parser.epilog = "`ACTION --help` shows the options of an action."
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, add, text in (
        ("train", _train, "learn vectors (skip-gram), or a language model (lm)"),
        ("neighbours", _neighbours, "show the words nearest to a word"),
        ("analogy", _analogy, "A is to B as C is to what?"),
        ("map", _map, "draw words in the plane in which they spread the most"),
        ("generate", _generate, "let a language model go on with a text"),
        ("evaluate", _evaluate, "score vectors on files of judgements or analogies"),
    ):
        _action(actions, name, add, text)


def _action(actions, name: str, add: Callable, text: str) -> None:
    action = actions.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    add(action)
    action.add_argument("--json", action="store_true", help="print JSON")
    action.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


def _train(parser):
    absent = {"default": argparse.SUPPRESS}
    parser.add_argument(
        "--model",
        choices=("skipgram", "lm"),
        help="skipgram (default) for vectors; lm also predicts and writes text",
        **absent,
    )
    parser.add_argument(
        "--device", help="auto (default), cpu, cuda, cuda:N, torch:cpu, ...", **absent
    )
    parser.add_argument("--engine", choices=("auto", "loop", "compiled"), **absent)
    add_threads(parser)
    _text(parser.add_argument_group("text"), absent)
    _both(parser.add_argument_group("both models"), absent)
    _own(parser, absent)
    group = parser.add_argument_group("files")
    group.add_argument(
        "--out", metavar="FOLDER", help="run folder (default: runs/MODEL-DATE-TIME)"
    )
    group.add_argument(
        "--resume",
        metavar="auto|FOLDER",
        help="go on with the run of --out, or of that folder",
    )
    group.add_argument("--quiet", action="store_true", help="show the result only")


def _text(group, absent):
    group.add_argument(
        "--corpus", nargs="+", metavar="FILE", help="UTF-8, plain or gzip", **absent
    )
    group.add_argument(
        "--errors",
        choices=("strict", "replace"),
        help="what to do with bytes that are no UTF-8 (default: strict)",
        **absent,
    )
    group.add_argument(
        "--keep-case",
        dest="lower",
        action="store_false",
        help="The and the are two words",
        **absent,
    )


def _both(group, absent):
    group.add_argument(
        "--dim", help="numbers a word (default: 100; lm 32)", **_COUNT, **absent
    )
    group.add_argument("--epochs", help="(default: 5; lm 4)", **_COUNT, **absent)
    group.add_argument(
        "--lr",
        dest="learning_rate",
        type=number(above=True),
        metavar="X",
        help="at its highest (default: 0.025; lm 0.003)",
        **absent,
    )
    group.add_argument(
        "--batch-size", help="windows a step (default: 128; lm 512)", **_COUNT, **absent
    )
    group.add_argument("--seed", type=whole(0, 2**62), metavar="N", **absent)
    group.add_argument("--dtype", choices=("float32", "float64"), **absent)


def _own(parser, absent):
    group = parser.add_argument_group("skipgram")
    group.add_argument(
        "--min-count", help="rarer words go (default: 5)", **_COUNT, **absent
    )
    group.add_argument(
        "--window", help="the farthest neighbour (default: 5)", **_COUNT, **absent
    )
    group.add_argument(
        "--negatives",
        help="words drawn against each word (default: 5)",
        **_COUNT,
        **absent,
    )
    group.add_argument(
        "--sample",
        type=number(),
        metavar="X",
        help="share above which frequent words are thinned out; 0 for never "
        "(default: 0.001)",
        **absent,
    )
    group.add_argument(
        "--min-lr",
        dest="min_learning_rate",
        type=number(),
        metavar="X",
        help="to which the rate falls in a line (default: 0.0001)",
        **absent,
    )
    group = parser.add_argument_group("lm")
    group.add_argument(
        "--context", help="words looked back on (default: 4)", **_COUNT, **absent
    )
    group.add_argument(
        "--hidden", help="neurons of the tanh layer (default: 96)", **_COUNT, **absent
    )
    group.add_argument(
        "--words",
        dest="n_words",
        type=whole(4),
        metavar="N",
        help="told apart; the rarer ones are one word, <unk> (default: 3000)",
        **absent,
    )


def _source(parser):
    parser.add_argument(
        "--from",
        dest="source",
        metavar="PATH",
        help="a run folder, or a file of vectors: safetensors or word2vec text "
        "(default: the newest run in runs/)",
    )


def _neighbours(parser):
    parser.add_argument("words", nargs="+", metavar="WORD")
    parser.add_argument("-n", default=10, help="how many", **_COUNT)
    _source(parser)


def _analogy(parser):
    for name in "abc":
        parser.add_argument(name, metavar=name.upper())
    parser.add_argument("-n", default=5, help="how many", **_COUNT)
    _source(parser)


def _map(parser):
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="default: the most frequent ones"
    )
    parser.add_argument("-n", default=80, help="how many (default: 80)", **_COUNT)
    parser.add_argument(
        "--skip",
        type=whole(0),
        default=100,
        metavar="N",
        help="leave out so many of the most frequent, the, and, ... (default: 100)",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="the picture (default: map.png beside the vectors)",
    )
    _source(parser)


def _generate(parser):
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="the text to go on with"
    )
    parser.add_argument("-n", default=100, help="words (default: 100)", **_COUNT)
    parser.add_argument(
        "--temperature",
        type=number(),
        default=0.8,
        metavar="T",
        help="1 draws as the text was, more is bolder, less keeps to likelier words, "
        "0 always takes the likeliest "
        "(default: 0.8)",
    )
    parser.add_argument("--seed", type=whole(0, 2**62), default=0, metavar="N")
    parser.add_argument("--device", default="cpu", help="as of train (default: cpu)")
    add_threads(parser)
    _source(parser)


def _evaluate(parser):
    parser.add_argument(
        "--similarity",
        nargs="+",
        default=[],
        metavar="FILE",
        help="pairs with scores: WordSim-353, SimLex-999 and their like",
    )
    parser.add_argument(
        "--analogies",
        nargs="+",
        default=[],
        metavar="FILE",
        help="questions of four words: questions-words.txt and its like",
    )
    _source(parser)
