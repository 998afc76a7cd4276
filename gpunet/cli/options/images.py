"""`gpunet images`: its options."""

import argparse
import re

from .common import whole

HELP = "Write digits of MNIST, or of a set of its form, as PNG files, 8-bit gray."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `images`."""
    parser.description = f"{HELP} 00042-7.png is image 42, a 7, counted from 0."
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument(
        "--range",
        type=_range,
        default=(0, None),
        metavar="A:B",
        help="images A to B - 1; either may be left out",
    )
    parser.add_argument(
        "--digit", type=whole(0), metavar="D", help="only images of this label"
    )
    parser.add_argument(
        "--count",
        type=whole(1),
        default=100,
        metavar="N",
        help="at most so many (default: 100)",
    )
    parser.add_argument(
        "--out",
        default="digits",
        metavar="FOLDER",
        help="where to write (default: digits)",
    )
    parser.add_argument(
        "--sheet", action="store_true", help="one picture of them all, sheet.png"
    )
    parser.add_argument(
        "--data", default="mnist", metavar="NAME", help="mnist or fashion-mnist"
    )
    parser.add_argument(
        "--data-dir", metavar="FOLDER", help="where the four IDX files lie"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{0,12}):([0-9]{0,12})", text)
    if not match:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not of the form A:B, such as 0:50"
        )
    first, last = match.groups()
    return int(first or 0), int(last) if last else None
