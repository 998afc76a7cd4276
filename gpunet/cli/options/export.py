"""`gpunet export`: its options."""

import argparse

from ..arguments import add_json, add_model

HELP = (
    "Write a trained network as a file that does not need gpunet: ONNX, JSON, one C "
    "file, a script in JavaScript, or a Python module that needs NumPy only. A model "
    "trained on a table takes its raw rows, numbers and texts; another one takes what "
    "it was trained on (MNIST: pixels / 255)."
)

EXAMPLES = (
    "runs/digits --format onnx",
    "runs/digits --out digits.js",
    "runs/digits --format json --member 0 --out -",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    add_model(parser, "of a population; needed for one")
    add = parser.add_argument
    text = "what to write (default: the suffix of --out)"
    add("--format", choices=("onnx", "json", "c", "js", "py"), help=text)
    text = "default: beside the model, by its format; - is standard output"
    add("-o", "--out", metavar="FILE", help=text)
    add_json(parser)
