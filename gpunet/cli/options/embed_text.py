"""`gpunet embed_text`: its options."""

import argparse

from ..arguments import (
    COUNT,
    ENGINE,
    SEED,
    Kind,
    add_json,
    add_threads,
    adder,
    number,
    whole,
)

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
        ("train", _train, "learn vectors (skip-gram), or a language model (lm)"),
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
        )
        add(action)
        if name != "train":
            _add_source(action)
        add_json(action)
        adder(action)("--debug", action="store_true", help=argparse.SUPPRESS)


def _train(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`; settings not given stay out of the namespace."""
    add = adder(parser)
    text = "skipgram (default) for vectors; lm also predicts and writes text"
    add("--model", choices=("skipgram", "lm"), help=text)
    names = "auto (default), cpu, cuda, cuda:N, torch:cpu, ..."
    add("--device", metavar="D", help=names)
    text = "compiled is faster and needs the extra `fast` (default: auto)"
    add("--engine", **ENGINE, help=text)
    add_threads(parser)
    add = adder(parser.add_argument_group("text"))
    add(
        "--corpus",
        nargs="+",
        metavar="FILE",
        help="UTF-8, plain or gzip (default: Shakespeare)",
    )
    text = "what to do with bytes that are not UTF-8 (default: strict)"
    add("--errors", choices=("strict", "replace"), help=text)
    text = "The and the are two words (default: one)"
    add("--keep-case", dest="lower", action="store_false", help=text)
    _add_training(parser)
    _add_models(parser)
    add = parser.add_argument_group("files").add_argument
    add("--out", metavar="FOLDER", help="run folder (default: runs/MODEL-DATE-TIME)")
    text = "continue the run of --out, or of FOLDER"
    add("--resume", metavar="auto|FOLDER", help=text)
    add("--quiet", action="store_true", help="show the result only")


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = adder(parser.add_argument_group("both models"))
    add("--dim", **COUNT, help="size of a word's vector (default: 100; lm 32)")
    add("--epochs", **COUNT, help="times through the text (default: 5; lm 4)")
    rate: Kind = {"type": number(above=True), "metavar": "X", "dest": "learning_rate"}
    add("--lr", **rate, help="learning rate at its highest (default: 0.025; lm 0.003)")
    add("--batch-size", **COUNT, help="windows a step (default: 128; lm 512)")
    add("--seed", **SEED, help="(default: 0)")
    add("--dtype", choices=("float32", "float64"), help="(default: float32)")


def _add_models(parser: argparse.ArgumentParser) -> None:
    add = adder(parser.add_argument_group("skipgram"))
    add("--min-count", **COUNT, help="drop rarer words (default: 5)")
    add("--window", **COUNT, help="the farthest neighbor (default: 5)")
    add("--negatives", **COUNT, help="negative samples for each word (default: 5)")
    share = {"type": number(), "metavar": "X"}
    add(
        "--sample",
        **share,
        help="share of the text above which a frequent word is thinned out; 0 for "
        "never (default: 0.001)",
    )
    text = "to which the learning rate falls linearly (default: 0.0001)"
    add("--min-lr", dest="min_learning_rate", **share, help=text)
    add = adder(parser.add_argument_group("lm"))
    add("--context", **COUNT, help="preceding words to predict from (default: 4)")
    add("--hidden", **COUNT, help="neurons of the tanh layer (default: 96)")
    text = "size of the vocabulary; rarer words become <unk> (default: 3000)"
    add("--words", dest="n_words", type=whole(4), metavar="N", help=text)


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
