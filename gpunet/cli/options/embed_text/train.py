"""`gpunet embed_text train`: its options, under the names of a run's configuration."""

import argparse

from ..common import COUNT, ENGINE, SEED, Kind, add_threads, adder, number, whole


def add_train(parser: argparse.ArgumentParser) -> None:
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
