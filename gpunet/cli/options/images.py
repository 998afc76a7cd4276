"""`gpunet images`: its options."""

import argparse
import re

from ..arguments import COUNT, add_json, data_set, whole

HELP = "Write digits of MNIST, or of a set of its form, as PNG files, 8-bit gray."
EXAMPLES = (
    "--count 10",
    "--digit 7 --range 0:1000 --sheet",
    "--split test --out digits/test",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `images`."""
    parser.description = f"{HELP} 00042-7.png is image 42, a 7, counted from 0."
    add = parser.add_argument
    add("--split", choices=["train", "test"], default="train", help="part of the data")
    text = "images A to B - 1; either may be left out (default: all)"
    add("--range", type=_range, default=(0, None), metavar="A:B", help=text)
    add("--digit", type=whole(0), metavar="D", help="only images with this label")
    add("--count", default=100, **COUNT, help="at most this many")
    add("--out", default="digits", metavar="FOLDER", help="where to write")
    add("--sheet", action="store_true", help="one picture of them all, sheet.png")
    names = "mnist or fashion-mnist"
    add("--data", type=data_set, default="mnist", metavar="NAME", help=names)
    add("--data-dir", metavar="FOLDER", help="where the four IDX files are")
    add_json(parser)


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{0,12}):([0-9]{0,12})", text)
    if not match:
        message = f"{text[:40]!r} is not of the form A:B, such as 0:50"
        raise argparse.ArgumentTypeError(message)
    first, last = match.groups()
    return int(first or 0), int(last) if last else None
