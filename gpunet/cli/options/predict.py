"""`gpunet predict`: its options."""

import argparse

from ..arguments import add_json, add_model, add_reading, add_threads, adder

HELP = (
    "Predict the target of a table's rows with a model that was trained on a table. "
    "The model file holds the preprocessing, so the table holds raw rows. If the table "
    "has the target, the predictions are scored. A model that was trained on MNIST "
    "reads pictures instead, one digit each, drawn or photographed: of any size, dark "
    "on light or light on dark."
)
EXAMPLES = (
    "runs/prices new.csv",
    "runs/prices new.csv --out answers.csv --probabilities",
    "runs/prices - --delimiter tab",
    "runs/digits seven.png eight.jpg",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `predict`."""
    add_model(parser, "of a population (default: the mean of all)")
    add = parser.add_argument
    files = ".csv, .tsv, .csv.gz, .npz or .npy file, or pictures (.png, .jpg, ...)"
    text = f"{files}; - reads a text table or a picture from standard input"
    add("inputs", nargs="+", metavar="INPUT", help=text)
    output = "CSV file to write; - is standard output, the default for a table"
    add("-o", "--out", metavar="FILE", help=output)
    add("--probabilities", action="store_true", help="add a column for each class")
    add_json(parser)
    add("--device", default="cpu", help="cpu, cuda, cuda:N, torch:cpu, ...")
    add_threads(parser)
    about = "Each replaces what the model was trained with."
    add_reading(adder(parser.add_argument_group("tables", about)))
