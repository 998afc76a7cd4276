"""The parser of every command: one line for an error, defaults and examples in help."""

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import ConfigError
from ..io.messages import choices, nearest

_TITLE = "examples:\n"


class _HelpFormatter(argparse.HelpFormatter):
    """Help that keeps the lines of examples and shows the defaults of options."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(_TITLE):
            return text
        return super()._fill_text(text, width, indent)

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        absent = action.default is None or action.default is False
        absent = absent or action.default in ([], argparse.SUPPRESS)
        if absent or not action.option_strings or "default" in text:
            return text
        return f"{text} (default: %(default)s)"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all errors of the commands.

    Options may be typed with underscores instead of hyphens, but not shortened; an
    unknown one is answered with the nearest.
    """

    def __init__(self, **settings: Any) -> None:
        ours: dict[str, Any] = {
            "formatter_class": _HelpFormatter,
            "allow_abbrev": False,
        }
        super().__init__(**(ours | settings))

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the namespace of some words (ConfigError: they cannot be parsed)."""
        return super().parse_args(list(self._spelled(args)), namespace)

    def error(self, message: str) -> Any:
        """Raise a ConfigError instead of printing the usage."""
        if unknown := re.match("unrecognized arguments: (--[^ =]+)", message):
            message = self._unknown(unknown[1])
        raise ConfigError(f"usage: {message}; see {self.prog} --help")

    def _spelled(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the words with options as they are declared."""
        known = [option for option in option_strings(self) if option[:2] == "--"]
        # Words behind a REMAINDER are parsed later, by a parser that knows them.
        closed = all(action.nargs != argparse.REMAINDER for action in self._actions)
        rest = iter(words)
        for word in rest:
            if word == "--":
                yield word
                break
            name, equals, value = word.partition("=")
            name = name.replace("_", "-")
            if name in known:
                word = f"{name}{equals}{value}"
            elif closed and re.fullmatch(r"--[^\s]+", name):
                self.error(self._unknown(name))
            yield word
        yield from rest

    def _unknown(self, name: str) -> str:
        """Return what is wrong with an unknown option, and the nearest ones."""
        # Without the hyphens, which would make all options alike.
        known = [o[2:] for o in option_strings(self) if o.startswith("--")]
        near = nearest(name[2:], known, 2)
        hint = f"; did you mean {' or '.join(f'--{o}' for o in near)}?" if near else ""
        return f"{name[:60]}: no such option{hint}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            reason = f"invalid choice: {value!r:.60}; {choices(value, action.choices)}"
            raise argparse.ArgumentError(action, reason)


def command_parser(prog: str, command: Any) -> Parser:
    """Return the parser of a command's options, with its examples and --debug."""
    parser = Parser(prog=prog, description=command.HELP)
    command.add_arguments(parser)
    text = "show the traceback of an error"
    parser.add_argument("--debug", action="store_true", help=text)
    examples = getattr(command, "EXAMPLES", ())
    lines = [f"  {prog} {example}".rstrip() for example in examples]
    parser.epilog = "\n".join([_TITLE.strip(), *lines]) if lines else None
    return parser


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a command's actions, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def option_strings(parser: argparse.ArgumentParser) -> list[str]:
    """Return every option of a parser and of its actions, such as --seed and -n."""
    options = [option for a in parser._actions for option in a.option_strings]
    for subparser in subparsers(parser).values():
        options += option_strings(subparser)
    return list(dict.fromkeys(options))
