"""Kinds of argument that several commands share; each refuses what is no such."""

import argparse
import math
from collections.abc import Callable
from typing import Any


def whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Return a converter to a whole number in [least, most]."""

    def convert(text: str) -> int:
        try:
            value = int(text) if text.strip("+-").isascii() else None
        except ValueError:
            value = None
        if value is None or "_" in text or not least <= value <= most:
            limit = "" if most == math.inf else f" and at most {most}"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number of at least {least}{limit}"
            )
        return value

    return convert


def number(
    least: float = 0.0, below: float = math.inf, *, above: bool = False
) -> Callable[[str], float]:
    """Return a converter to a finite number in [least, below), or above `least`."""

    def convert(text: str) -> float:
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        good = least < value < below if above else least <= value < below
        if not good:
            wanted = f"{'above' if above else 'of at least'} {least:g}"
            limit = "" if below == math.inf else f" and below {below:g}"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a finite number {wanted}{limit}"
            )
        return value

    return convert


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add --threads."""
    parser.add_argument(
        "--threads",
        type=whole(1, 4096),
        metavar="N",
        help="of all kinds (default: one for BLAS, a usable core each for others)",
    )


def add_text_format(group: Any) -> None:
    """Add the options that say how a text table is written; absent if not given."""
    absent: dict[str, Any] = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--delimiter",
        metavar="MARK",
        help="what separates the cells: a character, or comma, semicolon, tab, pipe or "
        "space (default: found among the first four)",
        **absent,
    )
    group.add_argument(
        "--encoding",
        metavar="NAME",
        help="of a text file, such as latin-1, cp1252 or utf-16 (default: utf-8)",
        **absent,
    )
    group.add_argument(
        "--decimal", choices=(".", ","), help="decimal mark (default: .)", **absent
    )
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns; without a header they are "
        "named 1, 2, 3, ...",
        **absent,
    )
    group.add_argument(
        "--missing",
        nargs="+",
        action="extend",
        metavar="TEXT",
        help="extra text that marks a missing cell",
        **absent,
    )
