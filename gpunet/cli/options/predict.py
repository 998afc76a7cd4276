"""`gpunet predict`: its options."""

import argparse

from .common import add_text_format, add_threads, whole

HELP = (
    "Answer the rows of a table with a model that was trained on one. The model "
    "file holds the preprocessing, so the table holds raw rows, with the target "
    "or without; where it is there, the answers are scored."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `predict`."""
    parser.add_argument(
        "model", metavar="MODEL", help="model file, checkpoint or run folder"
    )
    parser.add_argument(
        "table",
        metavar="TABLE",
        help=".csv, .tsv, .csv.gz, .npz or .npy file; - reads a text table from "
        "standard input",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="CSV file to write (default: -, standard output)",
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="a column for each class beside the answer",
    )
    add_member(parser, "of a population (default: the mean of all)")
    parser.add_argument(
        "--device", default="cpu", help="cpu, cuda, cuda:N, torch:cpu, ... (cpu)"
    )
    add_threads(parser)
    group = parser.add_argument_group(
        "tables", "Each replaces what the model was trained with."
    )
    group.add_argument(
        "--unknown",
        choices=("refuse", "zeros"),
        default=argparse.SUPPRESS,
        help="how to handle categories not seen in training",
    )
    add_text_format(group)


def add_member(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --member."""
    parser.add_argument("--member", type=whole(0), metavar="I", help=what)
