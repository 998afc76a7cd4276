"""What a command prints of an error: one line on stderr, in the words of its options.

Library messages name parameters. Here, and nowhere else, they become options: a
name in backquotes (`batch_size`), a name that the message begins with ("epochs must
be ...", "batch_size: ..."), and a value that the error holds in `settings`.
"""

import argparse
import contextlib
import os
import re
import shlex
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from ..errors import GpunetError, OutOfMemory, WriteError
from .parser import subparsers

_COMMAND = "(resume with:|start anew with:) "  # of runs/task.py
_INTERRUPTED = "interrupted by SIGINT: nothing was saved since the last step"


@contextlib.contextmanager
def errors_name_options(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Let the errors raised inside name options of a parser instead of parameters."""
    try:
        yield
    except GpunetError as error:
        message = with_options(error, option_names(parser))
        if message != str(error):
            error.args = (message,)
        raise


def option_names(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the option that sets each parameter, those of subcommands included."""
    names: dict[str, str] = {}
    for subparser in subparsers(parser).values():
        names |= option_names(subparser)
    for action in parser._actions:
        for option in filter(re.compile("--").match, action.option_strings):
            names.setdefault(action.dest, option)
            names.setdefault(option[2:].replace("-", "_"), option)
    return names


def with_options(error: BaseException, names: dict[str, str]) -> str:
    """Return an error's message with options in place of parameters.

    `error.settings`, if any, has the values that the message shows as name=value.

    Examples
    --------
    >>> error = ValueError("1 cell is missing; use impute='mean' or another `data_dir`")
    >>> error.settings = {"impute": "mean"}
    >>> with_options(error, {"data_dir": "--data-dir"})
    '1 cell is missing; use --impute mean or another --data-dir'
    """
    message = str(error)
    for name, value in getattr(error, "settings", {}).items():
        option = names.get(name, f"--{name.replace('_', '-')}")
        for shown in (True, False) if isinstance(value, bool) else (value,):
            message = message.replace(f"{name}={shown!r}", _typed(option, shown))
    pattern = r"`(\w+)`|^(\w+)(?= must be )|^(\w+_\w+)(?=: )"
    return re.sub(pattern, lambda m: names.get(m[1] or m[2] or m[3], m[0]), message)


def _typed(option: str, value: Any) -> str:
    """Return an option and its value as a user types them in a shell."""
    if isinstance(value, bool):
        return option if value else f"--no-{option[2:]}"
    texts = list(map(str, value if isinstance(value, list) else [value]))
    if any(text.startswith("-") for text in texts):  # else it would be an option
        return " ".join(_quoted(f"{option}={text}") for text in texts)
    return " ".join([option, *map(_quoted, texts)])


def _quoted(text: str) -> str:
    """Return a word quoted for POSIX shells, and where possible for Windows too."""
    if re.fullmatch(r"[\w./:=@%+,-]+", text):
        return text
    return shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'


def report_error(error: BaseException) -> int:
    """Print an error as one line on stderr; return its exit code."""
    message, code = _message(error)
    line, *command = re.split(_COMMAND, f"gpunet: error: {message}", maxsplit=1)
    line = " ".join(line.split())
    if len(line) > 500:
        line = f"{line[:300]} ... {line[-190:]}"
    line = " ".join([line, *command])  # a command to be typed is never shortened
    # A message that quotes a file or an argument may hold a terminal's control codes.
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    try:
        print(line, file=sys.stderr)
    except OSError:  # without stderr the exit code still tells
        _discard(sys.stderr)
    return code


def _discard(stream: TextIO) -> None:
    """Send a stream to nowhere: what its buffer holds would fail again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _message(error: BaseException) -> tuple[str, int]:
    """Return the message and the exit code of an error."""
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED, 130
    if isinstance(error, GpunetError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        size = str(error).strip() or "an allocation failed"
        message = f"out of memory: {size}; use a smaller batch, population or network"
        return message, OutOfMemory.exit_code
    if isinstance(error, OSError) and error.filename is None:
        _discard(sys.stdout)
        reason = error.strerror or str(error)
        message = f"output: standard output: {reason}; files written so far are kept"
        return message, WriteError.exit_code
    what = f"{type(error).__name__}: {error}"
    return f"bug: {what}; run again with --debug and report it", 1
