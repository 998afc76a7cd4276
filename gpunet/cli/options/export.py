"""`gpunet export`: its options."""

import argparse

from .common import add_model

HELP = (
    "Write a trained network in a format that does not need gpunet: ONNX, JSON, or "
    "one C file without dependencies. A model trained on a table takes its raw numbers "
    "(float64), and a 0 or 1 for each value of a category; another one takes what it "
    "was trained on (MNIST: pixels / 255)."
)


EXAMPLES = (
    "runs/digits --format onnx",
    "runs/digits --format c --out digits.c",
    "runs/digits --format json --member 0 --out -",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    add_model(parser, "of a population; needed for one")
    add = parser.add_argument
    add("--format", required=True, choices=("onnx", "json", "c"), help="what to write")
    text = "default: beside the model, by its format; - is standard output"
    add("-o", "--out", metavar="FILE", help=text)
