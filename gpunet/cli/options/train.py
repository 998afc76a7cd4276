"""`gpunet train`: its options, under the names of a run's configuration."""

import argparse

from ...io.messages import choices
from ..arguments import (
    COUNT,
    ENGINE,
    NAME,
    SEED,
    Kind,
    add_json,
    add_reading,
    add_threads,
    adder,
    data_set,
    hyphenated,
    layer_sizes,
    number,
    underscored,
    whole,
)

HELP = (
    "Train a network on MNIST, on a set of its form, or on a table of your own. "
    "Without options: the default preset on the best device."
)
EXAMPLES = (
    "--epochs 3 --seed 7",
    "--data table.csv --target price --out runs/prices",
    "--preset nielsen --population 20 --engine compiled",
    "--resume auto --out runs/prices",
)
_POSITIVE: Kind = {"type": number(above=True), "metavar": "X"}
_PER_MEMBER: Kind = {"nargs": "+", "metavar": "X"}
_COLUMNS: Kind = {"nargs": "+", "action": "extend", "metavar": "COLUMN"}
_SHARED: Kind = {"dest": "shuffle", "action": "store_const", "const": "shared"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`; settings not given stay out of the namespace."""
    either = parser.add_mutually_exclusive_group().add_argument
    either(
        "--preset",
        type=hyphenated,
        metavar="NAME",
        help="default, table, nielsen, nielsen-l2, 3b1b or albahari; other options "
        "change it",
    )
    text = "repeat a run: its folder or config.json, or - for standard input"
    either("--config", metavar="FILE", help=text)
    add = adder(parser)
    names = "auto (default), cpu, cuda, cuda:N, torch:cpu, torch:cuda:N or strict:1"
    add("--device", metavar="D", help=names)
    text = "compiled is faster and supports fewer networks (default: auto)"
    add("--engine", **ENGINE, help=text)
    precisions = ("float32", "tf32", "float16")
    text = "of matrix products on a GPU; tf32 and float16 keep 3 digits"
    add("--precision", choices=precisions, help=f"{text} (default: float32)")
    add_threads(parser)
    _add_data(parser)
    _add_table(parser)
    _add_network(parser)
    _add_descent(parser)
    _add_population(parser)
    _add_files(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    add = adder(parser.add_argument_group("data"))
    add(
        "--data",
        type=data_set,
        metavar="NAME",
        help="mnist (in the package, the default), fashion-mnist, or a .csv, .tsv, "
        ".csv.gz, .npz or .npy file; - reads a text table from standard input",
    )
    add("--data-dir", metavar="FOLDER", help="where the four IDX files are")
    add(
        "--validation",
        metavar="N",
        type=_validation,
        help="examples held out: a number of them, a fraction (0.2) or a percentage "
        "(20%%); 0 for none; or nielsen (default: 5000; tables 0.1)",
    )


def _add_table(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tables")
    add = adder(group)
    add(
        "--target",
        metavar="COLUMN",
        help="the column to predict: its name, -1 for the last, its number in a .npy "
        "file, or a separate .npy file",
    )
    tasks = ("classify", "regress")
    add("--task", choices=tasks, help="default: by what the target holds")
    either = adder(group.add_mutually_exclusive_group())
    either("--test", metavar="FILE", help="the test part, in a separate file")
    either(
        "--test-size",
        metavar="N",
        type=_share,
        help="or rows held out for it: a number of them, a fraction (0.2) or a "
        "percentage (20%%); 0 for none (default: 0.2)",
    )
    add(
        "--drop",
        **_COLUMNS,
        help='columns to leave out: by name, by number from 1, or "" for those without '
        "a name",
    )
    add("--categories", **_COLUMNS, help="columns of texts that look like numbers")
    text = "what to do with rows without a target (default: refuse)"
    add("--missing-target", choices=("refuse", "drop"), help=text)
    add(
        "--impute",
        choices=("mean", "median"),
        help="impute missing numbers with this statistic, categories with the most "
        "frequent value",
    )
    add_reading(add)


def _share(text: str) -> float:
    if text.endswith("%"):
        return number(0, 100)(text[:-1]) / 100
    return whole(0)(text) if text.isascii() and text.isdigit() else number(0, 1)(text)


def _validation(text: str) -> float | str:
    return text if text == "nielsen" else _share(text)


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    add, either = adder(group), adder(group.add_mutually_exclusive_group())
    text = "neurons of each layer (default: 784-256-10)"
    either("--sizes", type=layer_sizes, metavar="784-16-16-10", help=text)
    text = "of the hidden layers only; the data determine the others (tables 64,32)"
    either("--hidden", type=layer_sizes, metavar="64,32", help=text)
    add(
        "--activation",
        **NAME,
        help="of hidden layers: relu, sigmoid, ... (default: relu)",
    )
    add("--output", **NAME, help="activation of the last layer (default: identity)")
    text = "half_squared_error, huber, ... (default: softmax_cross_entropy:0.1, of "
    add("--loss", **NAME, help=f"{text}smoothed labels; tables: by the task)")
    starts = "initial values: he_normal, standard_normal, ... (default: by activation)"
    add("--weights", "--weight-init", **NAME, help=starts)
    add("--biases", "--bias-init", **NAME, help="initial values (default: zeros)")
    text = "share of hidden outputs that a step leaves out (default: 0)"
    add("--dropout", type=number(0, 1), metavar="RATE", help=text)
    add("--dtype", **NAME, help="float32 (default) or float64")


def _add_descent(parser: argparse.ArgumentParser) -> None:
    add = adder(parser.add_argument_group("gradient descent"))
    text = "times through the examples (default: 6; tables 60)"
    add("--epochs", **COUNT, help=text)
    text = "examples of a step, at most all (default: 128; tables 32)"
    add("--batch-size", **COUNT, help=text)
    names = "sgd, adam (default), adamw, rmsprop or adagrad"
    add("--optimizer", **NAME, help=names)
    rates = _POSITIVE | _PER_MEMBER | {"dest": "learning_rate"}
    text = "one rate, or several, each for as many members"
    text += " (default: 0.006; tables 0.003)"
    add("--lr", "--learning-rate", **rates, help=text)
    add("--momentum", type=number(0, 1), **_PER_MEMBER, help="of sgd (default: 0)")
    add("--nesterov", action="store_true", help="momentum as Nesterov takes it")
    text = "penalty on squared weights (default: 0)"
    add("--l2", type=number(), **_PER_MEMBER, help=text)
    text = "penalty on absolute weights (default: 0)"
    add("--l1", type=number(), **_PER_MEMBER, help=text)
    add("--max-norm", **_POSITIVE, help="longest vector of a neuron's weights")
    add("--clip-norm", **_POSITIVE, help="longest gradient of a step")
    text = "factors on the learning rate by layer"
    add("--layer-rates", type=_layer_rates, metavar="0=3,2=2", help=text)
    add("--frozen", nargs="+", metavar="LAYER", help="layers that do not learn")
    text = "one_cycle (default), constant, cosine, exponential:0.9, ..."
    add("--schedule", type=underscored, metavar="TEXT", help=text)
    add(
        "--early-stopping",
        type=_patience,
        metavar="N",
        help="stop after N epochs without a better validation loss and keep the best "
        "weights; 0 or none: never (tables: 10, with 20 rows to validate at least)",
    )
    text = "rare classes count as much as frequent ones"
    add("--class-weight", choices=["balanced"], help=text)
    options = ("--no-track", "--no-compute-metrics")
    text = "never compute the training loss"
    add(*options, dest="compute_metrics", action="store_false", help=text)


def _add_population(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("seeds and populations")
    add = adder(group)
    text = "of initial weights, order and dropout (default: 0)"
    add("--seed", **SEED, help=text)
    add(
        "--population",
        type=whole(1, 10**6),
        metavar="P",
        help="train P networks at once, with seeds N, N + 1, ...; several values of "
        "--lr, --momentum, --l2 or --l1 imply one member each",
    )
    group.add_argument(
        "--same-seed",
        action="store_true",
        help="members of different rates have the same seeds, hence the same start and "
        "order, so that the rates alone differ",
    )
    add(
        "--init",
        type=underscored,
        choices=("per_member", "shared"),
        help="initial weights: each member's own, or the first member's for all "
        "(default: per_member)",
    )
    add(
        "--shuffle",
        type=_shuffle,
        metavar="per_member|shared|none",
        help="order of the examples: each member's own, the same batches for all "
        "(faster), or as they are in the data (default: per_member)",
    )
    add("--shared-order", **_SHARED, help="the same as --shuffle shared")
    text = "the seed of the shared order (default: the first member's)"
    add("--shuffle-seed", "--order-seed", **SEED, help=text)


def _shuffle(text: str) -> str | bool:
    name, names = underscored(text), ("per_member", "shared", "none")
    if name not in names:
        raise argparse.ArgumentTypeError(f"{text!r:.60}: {choices(name, names)}")
    return name != "none" and name


def _patience(text: str) -> int | None:
    return None if text == "none" else whole(0)(text) or None


def _layer_rates(text: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {name: number(0)(rate) for name, rate in pairs}
    except ValueError:
        message = f"{text!r} is not of the form 0=3,2=2"
        raise argparse.ArgumentTypeError(message) from None


def _add_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("files").add_argument
    add("--out", metavar="FOLDER", help="run folder (default: runs/PRESET-DATE-TIME)")
    text = "resume from the newest checkpoint, or from PATH"
    add("--resume", metavar="auto|PATH", help=text)
    text = "fail if the version, the device or the number of threads has changed"
    add("--strict-resume", action="store_true", help=text)
    add("--max-steps", **COUNT, help="stop after this many steps, to be resumed")
    text = "beside the checkpoint of each epoch"
    add("--checkpoint-every-steps", **COUNT, help=text)
    add("--keep", type=whole(2), default=2, metavar="N", help="checkpoints to keep")
    text = "what to do when the disk is full"
    add("--on-write-error", choices=["stop", "warn"], default="stop", help=text)
    text = "serve a page of the run, on this machine alone, for as long as it trains"
    add("--watch", action="store_true", help=text)
    add("--log", metavar="FILE", help="write events to FILE, one JSON object a line")
    add("--diagnose", action="store_true", help="report common training problems")
    add("--quiet", action="store_true", help="show the result only")
    add_json(parser, "print the result as JSON, progress on stderr")
