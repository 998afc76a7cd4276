"""`gpunet images`: its options."""

import argparse
import re

from .common import COUNT, add_json, whole

HELP = "Write digits of MNIST, or of a set of its form, as PNG files, 8-bit gray."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `images`."""
    parser.description = f"{HELP} 00042-7.png is image 42, a 7, counted from 0."
    add = parser.add_argument
    add("--split", choices=["train", "test"], default="train")
    text = "images A to B - 1; either may be left out"
    add("--range", type=_range, default=(0, None), metavar="A:B", help=text)
    add("--digit", type=whole(0), metavar="D", help="only images with this label")
    add("--count", default=100, **COUNT, help="at most this many (default: 100)")
    text = "where to write (default: digits)"
    add("--out", default="digits", metavar="FOLDER", help=text)
    add("--sheet", action="store_true", help="one picture of them all, sheet.png")
    add("--data", default="mnist", metavar="NAME", help="mnist or fashion-mnist")
    add("--data-dir", metavar="FOLDER", help="where the four IDX files are")
    add_json(parser)


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{0,12}):([0-9]{0,12})", text)
    if not match:
        message = f"{text[:40]!r} is not of the form A:B, such as 0:50"
        raise argparse.ArgumentTypeError(message)
    first, last = match.groups()
    return int(first or 0), int(last) if last else None
