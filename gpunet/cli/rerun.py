"""Commands to paste: the one that was typed, with other options."""

import argparse
import itertools
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..runs.task import RunOptions

# Options that are not settings of the run, so that its folder does not hold them.
_KEPT = (
    *("threads", "keep", "checkpoint_every_steps", "on_write_error", "log"),
    *("strict_resume", "diagnose", "quiet", "json", "watch"),
)


def rerun_command(
    args: argparse.Namespace, folder: Path, rates: list[float] | None = None
) -> str:
    """Return the command that resumes the run of a folder.

    With rates, the command that starts it anew at these learning rates; "" if what
    was typed resumes a run. `args.typed` has the command's name and its words.
    """
    name, words = args.typed
    if rates is None:
        action = words[:1] if hasattr(args, "action") else []
        words = [*action, "--out", _short(folder), "--resume", "auto", *_kept(args)]
    elif args.resume is not None:
        return ""
    else:
        words = [*words, "--lr", *(f"{rate:g}" for rate in rates)]
        words += ["--out", _short(unused(folder))] if args.out else []
    return _line([*_program(name), *words])


def command_line(name: str, option: str, folder: Path) -> str:
    """Return the line that starts another command with a folder."""
    return _line([*_program(name), option, _short(folder)])


def _line(words: list[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _kept(args: argparse.Namespace) -> list[str]:
    words = []
    for name in _KEPT:
        default = getattr(RunOptions, name, False)
        value = getattr(args, name, default)
        if value != default:
            words.append(f"--{name.replace('_', '-')}")
            words += [] if value is True else [str(value)]
    return words


def _program(name: str) -> list[str]:
    """Return the words that start command `name` as this process was started."""
    program = sys.argv[0]
    if os.path.basename(program) == f"{name}.py":
        return [_spelled(sys.executable), program]
    if os.path.basename(program).removesuffix(".exe") == "gpunet":
        return [_spelled(program), name]
    return [_spelled(sys.executable), "-m", "gpunet", name]


def _spelled(program: str) -> str:
    """Return a program's name if the shell finds it by that, else its path."""
    path = shutil.which(os.path.basename(program))
    if path and os.path.abspath(path) == os.path.abspath(program):
        return os.path.basename(program)
    return program


def _short(folder: Path) -> str:
    """Return a folder below the present one by its relative path."""
    here = Path.cwd()
    name = str(folder.relative_to(here)) if here in folder.parents else str(folder)
    return str(folder) if name.startswith("-") else name


def unused(folder: Path) -> Path:
    """Return a folder beside another one that does not exist yet."""
    names = (folder.with_name(f"{folder.name}-{n}") for n in itertools.count(2))
    return next(path for path in names if not path.exists())
