"""Types of option values, and options that several commands share."""

import argparse
import math
from collections.abc import Callable
from functools import partial
from typing import Any


def whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Return a converter to an integer in [least, most]."""

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
        if not (least < value < below if above else least <= value < below):
            bounds = f" {'above' if above else 'of at least'} {least:g}"
            bounds = "" if least == -math.inf else bounds
            limit = "" if below == math.inf else f" and below {below:g}"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a finite number{bounds}{limit}"
            )
        return value

    return convert


def layer_sizes(text: str) -> list[int]:
    """Return the integers of a text such as 784-16-10 or 784,16,10."""
    return [whole(1, 2**62 - 1)(part) for part in text.replace("-", ",").split(",")]


COUNT: dict[str, Any] = {"type": whole(1), "metavar": "N"}
SEED: dict[str, Any] = {"type": whole(0, 2**62), "metavar": "N"}


def adder(group: argparse._ActionsContainer) -> Callable[..., argparse.Action]:
    """Return the add_argument of a parser or group, for options without a default.

    If such an option is not given, it stays out of the namespace.
    """
    return partial(group.add_argument, default=argparse.SUPPRESS)


def add_json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=text)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add --threads."""
    parser.add_argument(
        "--threads",
        type=whole(1, 4096),
        metavar="N",
        help="of all kinds (default: one for BLAS, a usable core each for others)",
    )


def add_model(parser: argparse.ArgumentParser, member: str) -> None:
    """Add the MODEL of a command and --member, described by `member`."""
    text = "model file, checkpoint or run folder"
    parser.add_argument("model", metavar="MODEL", help=text)
    parser.add_argument("--member", type=whole(0), metavar="I", help=member)


def add_reading(add: Callable[..., argparse.Action]) -> None:
    """Add the options that tell how to read a table, with the function of `adder`."""
    add(
        "--unknown",
        choices=("refuse", "zeros"),
        help="how to handle categories not seen in training",
    )
    add(
        "--delimiter",
        metavar="MARK",
        help="what separates the cells: a character, or comma, semicolon, tab, pipe or "
        "space (default: detected among the first four)",
    )
    add(
        "--encoding",
        metavar="NAME",
        help="of a text file, such as latin-1, cp1252 or utf-16 (default: utf-8)",
    )
    add("--decimal", choices=(".", ","), help="decimal mark (default: .)")
    add(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns; without a header they are "
        "named 1, 2, 3, ...",
    )
    add(
        "--missing",
        nargs="+",
        action="extend",
        metavar="TEXT",
        help="extra text that marks a missing cell",
    )
