"""`gpunet train`: its options."""

import argparse

from .common import add_text_format, add_threads, number, whole

HELP = (
    "Train a network on MNIST, on a set of its form, or on a table of your own. "
    "Without options: the default preset on the best device."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`; those not given stay out of the namespace."""
    _what(parser)
    _table(parser)
    _network(parser)
    _descent(parser)
    _population(parser)
    _files(parser)


def _what(parser):
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="default, table, nielsen, nielsen-l2, 3b1b or albahari; other options "
        "change it",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="repeat a run from its config.json"
    )
    parser.add_argument(
        "--device",
        default=argparse.SUPPRESS,
        help="auto, cpu, cuda, cuda:N, torch:cpu, torch:cuda:N or strict:1",
    )
    parser.add_argument(
        "--engine",
        choices=("auto", "loop", "compiled"),
        default=argparse.SUPPRESS,
        help="what takes the steps: compiled is faster and knows fewer networks",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "tf32", "float16"),
        default=argparse.SUPPRESS,
        help="of matrix products on a GPU; tf32 and float16 keep 3 digits",
    )
    add_threads(parser)
    group = parser.add_argument_group("data")
    absent = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--data",
        metavar="NAME",
        help="mnist (in the package), fashion-mnist, or a .csv, .tsv, .csv.gz, .npz or "
        ".npy file; - reads a text table from standard input",
        **absent,
    )
    group.add_argument(
        "--data-dir", metavar="FOLDER", help="where the four IDX files lie", **absent
    )
    group.add_argument(
        "--validation",
        metavar="N",
        type=_validation,
        help="examples held out: a number of them, a fraction (0.2) or a percentage "
        "(20%%); 0 for none; or nielsen",
        **absent,
    )


def _table(parser):
    group = parser.add_argument_group("tables")
    absent = {"default": argparse.SUPPRESS}
    names = {"nargs": "+", "action": "extend", **absent}
    group.add_argument(
        "--target",
        metavar="COLUMN",
        help="the column to predict: its name, -1 for the last, its number in a .npy "
        "file, or a separate .npy file",
        **absent,
    )
    group.add_argument(
        "--task",
        choices=("classify", "regress"),
        help="default: by what the target holds",
        **absent,
    )
    group.add_argument(
        "--test", metavar="FILE", help="the test part, a file of its own", **absent
    )
    group.add_argument(
        "--test-size",
        metavar="N",
        type=_share,
        help="or rows held out for it: a number of them, a fraction (0.2) or a "
        "percentage (20%%); 0 for none",
        **absent,
    )
    group.add_argument(
        "--drop",
        metavar="COLUMN",
        help='columns to leave out: by name, by number from 1, or "" for those without '
        "a name",
        **names,
    )
    group.add_argument(
        "--categories",
        metavar="COLUMN",
        help="columns of texts that look like numbers",
        **names,
    )
    group.add_argument(
        "--missing-target",
        choices=("refuse", "drop"),
        help="what to do with rows without a target (default: refuse)",
        **absent,
    )
    group.add_argument(
        "--impute",
        choices=("mean", "median"),
        help="impute missing numbers with this statistic, categories with the most "
        "frequent value",
        **absent,
    )
    group.add_argument(
        "--unknown",
        choices=("refuse", "zeros"),
        help="how to handle categories not seen in training",
        **absent,
    )
    add_text_format(group)


def _share(text: str):
    if text.endswith("%"):
        return number(0, 100)(text[:-1]) / 100
    return whole(0)(text) if text.isascii() and text.isdigit() else number(0, 1)(text)


def _validation(text: str):
    return text if text == "nielsen" else _share(text)


def _sizes(text: str) -> list[int]:
    return [whole(1, 2**62 - 1)(part) for part in text.replace("-", ",").split(",")]


def _network(parser):
    group = parser.add_argument_group("network")
    absent = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--sizes",
        type=_sizes,
        metavar="784-16-16-10",
        help="neurons of each layer",
        **absent,
    )
    group.add_argument(
        "--hidden",
        type=_sizes,
        metavar="64,32",
        help="of the hidden layers only; the data give the others",
        **absent,
    )
    group.add_argument(
        "--activation",
        metavar="NAME",
        help="of hidden layers: relu, sigmoid, ...",
        **absent,
    )
    group.add_argument("--output", metavar="NAME", help="of the last layer", **absent)
    group.add_argument(
        "--loss",
        metavar="NAME",
        help="softmax_cross_entropy, half_squared_error, ...",
        **absent,
    )
    group.add_argument(
        "--weights",
        metavar="NAME",
        help="start: he_normal, standard_normal, ...",
        **absent,
    )
    group.add_argument("--biases", metavar="NAME", help="start: zeros, ...", **absent)
    group.add_argument("--dropout", type=number(0, 1), metavar="RATE", **absent)
    group.add_argument("--dtype", metavar="NAME", help="float32 or float64", **absent)


def _descent(parser):
    group = parser.add_argument_group("gradient descent")
    absent = {"default": argparse.SUPPRESS}
    per_member = {"nargs": "+", "metavar": "X", **absent}
    group.add_argument("--epochs", type=whole(1), metavar="N", **absent)
    group.add_argument(
        "--batch-size",
        type=whole(1),
        metavar="N",
        help="at most the examples",
        **absent,
    )
    group.add_argument(
        "--optimizer",
        metavar="NAME",
        help="sgd, adam, adamw, rmsprop, adagrad",
        **absent,
    )
    group.add_argument(
        "--lr",
        "--learning-rate",
        dest="learning_rate",
        type=number(0, above=True),
        help="one rate, or one for each member of the population",
        **per_member,
    )
    group.add_argument("--momentum", type=number(0, 1), **per_member)
    group.add_argument("--nesterov", action="store_true", **absent)
    group.add_argument("--l2", type=number(), **per_member)
    group.add_argument("--l1", type=number(), **per_member)
    group.add_argument("--max-norm", type=number(0, above=True), metavar="X", **absent)
    group.add_argument("--clip-norm", type=number(0, above=True), metavar="X", **absent)
    group.add_argument(
        "--layer-rates",
        type=_layer_rates,
        metavar="0=3,2=2",
        help="factors on the learning rate by layer",
        **absent,
    )
    group.add_argument(
        "--frozen",
        nargs="+",
        metavar="LAYER",
        help="layers that do not learn",
        **absent,
    )
    group.add_argument(
        "--schedule",
        metavar="TEXT",
        help="one_cycle, cosine, exponential:0.9, ...",
        **absent,
    )
    group.add_argument(
        "--early-stopping",
        type=_patience,
        metavar="N",
        help="stop after N epochs without a better validation loss and keep the best "
        "weights; 0 or none: never (tables: 10, with 20 rows to validate at least)",
        **absent,
    )
    group.add_argument("--class-weight", choices=["balanced"], **absent)
    group.add_argument(
        "--no-track",
        dest="track",
        action="store_false",
        help="never compute the training loss",
        **absent,
    )


def _patience(text: str) -> int | None:
    return None if text == "none" else whole(0)(text) or None


def _layer_rates(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {name: number(0)(rate) for name, rate in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form 0=3,2=2"
        ) from None


def _population(parser):
    group = parser.add_argument_group("seeds and populations")
    absent = {"default": argparse.SUPPRESS}
    group.add_argument("--seed", type=whole(0, 2**62), metavar="N", **absent)
    group.add_argument(
        "--population",
        type=whole(1, 10**6),
        metavar="P",
        help="train P networks at once, with seeds N, N + 1, ...",
        **absent,
    )
    group.add_argument(
        "--shared-order",
        dest="order",
        action="store_const",
        const="shared",
        help="all members see the same batches, which is faster",
        **absent,
    )
    group.add_argument(
        "--order-seed",
        type=whole(0, 2**62),
        metavar="N",
        help="the seed of the shared order (default: the first member's)",
        **absent,
    )


def _files(parser):
    group = parser.add_argument_group("files")
    group.add_argument(
        "--out", metavar="FOLDER", help="run folder (default: runs/PRESET-DATE-TIME)"
    )
    group.add_argument(
        "--resume",
        metavar="auto|PATH",
        help="go on from the newest, or that, checkpoint",
    )
    group.add_argument(
        "--strict-resume",
        action="store_true",
        help="refuse to resume with another version, device or thread count",
    )
    group.add_argument("--max-steps", type=whole(1), metavar="N")
    group.add_argument("--checkpoint-every-steps", type=whole(1), metavar="N")
    group.add_argument(
        "--keep", type=whole(2), default=2, metavar="N", help="checkpoints to keep"
    )
    group.add_argument("--on-write-error", choices=["stop", "warn"], default="stop")
    group.add_argument(
        "--log", metavar="FILE", help="write events there, one JSON object a line"
    )
    group.add_argument(
        "--diagnose", action="store_true", help="say what ails the trained network"
    )
    group.add_argument("--quiet", action="store_true", help="show the result only")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
