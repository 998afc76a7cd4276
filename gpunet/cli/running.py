"""What the commands that train share: options of a run, its folder, its notes."""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ..errors import ConfigError
from ..io.writing import probe_writable
from ..runs.progress import ProgressBar
from ..runs.task import RunOptions
from .rerun import rerun_command, unused


def run_options(
    args: argparse.Namespace, folder: Any, typed: set[str], resume: Any
) -> RunOptions:
    """Return the options of a run, taken from arguments of the same names.

    `typed` are the settings that the user typed: a resumed run must not contradict
    them.
    """
    if getattr(args, "log", None) == "-":
        raise ConfigError("usage: --log -: standard output has the result; name a file")
    names = {field.name for field in fields(RunOptions)} & vars(args).keys()
    options = {name: getattr(args, name) for name in names} | {
        "folder": folder,
        "given": typed,
        "resume": resume,
        "say": note_printer(args.quiet),
        "callbacks": () if args.quiet else (ProgressBar(),),
        "command": partial(rerun_command, args),
    }
    return RunOptions(**options)


def run_folder(args: argparse.Namespace, name: str) -> Path | str:
    """Return the folder of --out, or one under runs/ that does not exist yet."""
    if args.out == "-":
        check_folder(args.out)
    if args.out:
        return args.out
    if args.resume == "auto":
        raise ConfigError("usage: --resume auto: name the run folder with --out")
    folder = Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    return unused(folder) if folder.exists() else folder  # two in one second


def check_folder(out: str | None) -> None:
    """Raise ConfigError or WriteError if --out is given, but not a folder to write."""
    if out in ("", "-"):  # a folder called - would be hard to remove
        shown = "-, which is standard output" if out else "an empty name"
        raise ConfigError(f"usage: --out must be a folder, got {shown}")
    if out is not None:
        probe_writable(out)


def note_printer(silent: bool) -> Callable[[str], None]:
    """Return a function that prints a note on stderr; if silent, warnings alone."""
    console = Console(stderr=True, highlight=False)

    def say(text: str) -> None:
        if not silent or text.startswith("warning"):
            console.print(text, markup=False, soft_wrap=True)

    return say


def time_and_memory(started: float) -> str:
    """Return the time since a perf_counter(), and this process's most memory."""
    text = f"took {time.perf_counter() - started:.1f} s"
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # Windows
        return text
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, else KiB
    return f"{text}, peak memory {peak * unit / 1e6:.0f} MB"
