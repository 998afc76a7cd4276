"""`gpunet export`: its options."""

import argparse

from .predict import add_member

HELP = (
    "Write a trained network for those who have no gpunet: as ONNX, as JSON, or as "
    "one C file without dependencies. A model that was trained on a table takes its "
    "raw numbers (float64), and a 0 or 1 for each value of a category; another one "
    "takes what it was fed (MNIST: pixels / 255)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `export`."""
    parser.add_argument(
        "model", metavar="MODEL", help="model file, checkpoint or run folder"
    )
    parser.add_argument("--format", required=True, choices=("onnx", "json", "c"))
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="default: beside the model, by its format; - is standard output",
    )
    add_member(parser, "of a population; needed for one")
