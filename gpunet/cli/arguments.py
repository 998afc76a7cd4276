"""Types of option values, and options that several commands share."""

import argparse
import contextlib
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any


def whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Return a converter to an integer in [least, most]."""

    def convert(text: str) -> int:
        with contextlib.suppress(ValueError):
            value = int(text)
            if "_" not in text and text.isascii() and least <= value <= most:
                return value
        limit = "" if most == math.inf else f" and at most {most}"
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of at least {least}{limit}"
        )

    return convert


def number(
    least: float = 0.0, below: float = math.inf, *, above: bool = False
) -> Callable[[str], float]:
    """Return a converter to a finite number in [least, below), or above `least`."""

    def convert(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = math.nan if "_" in text else float(text)
            if (value > least if above else value >= least) and value < below:
                return value
        limit = f" {'above' if above else 'of at least'} {least:g}"
        limit = "" if least == -math.inf else limit
        limit += "" if below == math.inf else f" and below {below:g}"
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number{limit}")

    return convert


def layer_sizes(text: str) -> list[int]:
    """Return the integers of a text such as 784-16-10 or 784,16,10."""
    return [whole(1, 2**62 - 1)(part) for part in text.replace("-", ",").split(",")]


def underscored(text: str) -> str:
    """Return a name as it is registered: he_normal for he-normal; 1e-3 stays."""
    return re.sub("(?<=[a-z])-(?=[a-z])", "_", text)


def hyphenated(text: str) -> str:
    """Return the name of a preset as it is registered: nielsen-l2 for nielsen_l2."""
    return text.replace("_", "-")


def data_set(text: str) -> str:
    """Return the name of a data set as it is registered; a path as it is."""
    return "fashion-mnist" if text == "fashion_mnist" else text


# What the options of a kind have in common, as arguments of add_argument.
Kind = dict[str, Any]
COUNT: Kind = {"type": whole(1), "metavar": "N"}
SEED: Kind = {"type": whole(0, 2**62), "metavar": "N"}
NAME: Kind = {"type": underscored, "metavar": "NAME"}
ENGINE: Kind = {"choices": ("auto", "loop", "compiled")}


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
        help="threads of all kinds (default: one for BLAS, all cores for others)",
    )


def add_model(parser: argparse.ArgumentParser, member: str) -> None:
    """Add the MODEL of a command and --member, described by `member`."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="model file, checkpoint or run folder")
    add("--member", type=whole(0), metavar="I", help=member)


def add_reading(add: Callable[..., argparse.Action]) -> None:
    """Add the options that tell how to read a table, with the function of `adder`."""
    text = "how to handle categories not seen in training (default: refuse)"
    add("--unknown", choices=("refuse", "zeros"), help=text)
    add(
        "--delimiter",
        metavar="MARK",
        help="what separates the cells: a character, or comma, semicolon, tab, pipe or "
        "space (default: detected among the first four)",
    )
    text = "of a text file, such as latin-1, cp1252 or utf-16 (default: utf-8)"
    add("--encoding", metavar="NAME", help=text)
    add("--decimal", choices=(".", ","), help="decimal mark (default: .)")
    add(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="whether the first line names the columns; without a header they are "
        "named 1, 2, 3, ...",
    )
    texts: Kind = {"nargs": "+", "action": "extend", "metavar": "TEXT"}
    add("--missing", **texts, help="extra text that marks a missing cell")
