"""The commands: `gpunet train|verify|...`, and scripts/ which call them.

Each command is two modules: `options/NAME.py` with its arguments, which imports
nothing heavy so that `--help` answers at once, and `commands/NAME.py` (or a folder
NAME) with its work, loaded after the arguments are understood and the BLAS threads
are pinned.

Exit codes: 0 done, 1 a check failed or a bug, 2 usage, 3 data, 4 model file,
5 device, 6 memory, 7 diverged, 8 cannot write, 9 folder in use, 130 SIGINT,
143 SIGTERM.
"""

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from .. import __version__
from ..backend.threads import set_threads, usable_cores
from ..errors import ConfigError, GpunetError
from ..io.messages import choices
from .messages import errors_name_options, report_error
from .parser import command_parser

COMMANDS = {
    "train": "train MNIST, a set like it or a table, by preset or your own options",
    "predict": "answer a table's rows, or pictures of digits, with a trained model",
    "page": "write a page that shows a network, one HTML file",
    "export": "write a model as ONNX, JSON, C, JavaScript or Python",
    "verify": "check model files and checkpoints",
    "runs": "list runs side by side, the best first, or compare two",
    "gradcheck": "compare analytic gradients with numeric ones",
    "parity": "compare devices on the same run",
    "compile": "compile what numba compiles now, once for all runs",
    "doctor": "show versions, devices, BLAS and threads",
    "lab": "run an experiment of the lab, or list them all",
    "embed_text": "learn vectors of words from a text, and look at them",
    "images": "write MNIST digits as PNG files",
    "completion": "print a script that completes these words in bash, zsh or fish",
}
BENCHMARKS = ("bench", "gpu_report")  # of scripts/


def main(argv: Sequence[str] | None = None, command: Any = None) -> int:
    """Run a command; return its exit code.

    `argv` has the command's name and its arguments, by default those of the process;
    `command` the options of a command outside the package, such as a benchmark.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    _repair_streams()
    with _record_interrupts() as interrupts:
        try:
            code = _run(argv, command)
            sys.stdout.flush()  # a closed pipe or full disk must show here, not at exit
            return code
        except SystemExit as stop:  # argparse, after --help
            return int(stop.code or 0)
        except BaseException as error:
            if "--debug" in argv:
                traceback.print_exc()
            if interrupts and not isinstance(error, GpunetError):
                error = KeyboardInterrupt()
            return report_error(error)


@contextlib.contextmanager
def _record_interrupts() -> Iterator[list[int]]:
    """Yield the SIGINTs received: an import may replace the KeyboardInterrupt."""
    interrupts: list[int] = []

    def record(number: int, frame: object) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interrupts
        return
    signal.signal(signal.SIGINT, record)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _repair_streams() -> None:
    """Replace closed streams, and let no character fail to print."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed: a file would get its number
            null = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(null, mode, encoding="utf-8", closefd=False))
    if hasattr(sys.stdout, "reconfigure"):  # a character's code instead of an error
        sys.stdout.reconfigure(errors="backslashreplace")


def options_of(name: str) -> Any:
    """Return the module with the options of a command."""
    return importlib.import_module(f"gpunet.cli.options.{name}")


def _run(argv: list[str], command: Any) -> int:
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: gpunet COMMAND [options]\n")
        for name, summary in COMMANDS.items():
            print(f"  {name:<13} {summary}")
        print("\n`gpunet help COMMAND` shows a command's options, with examples.")
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"gpunet {__version__}")
        return 0
    name, rest = argv[0].replace("-", "_"), argv[1:]
    if command is None and name in BENCHMARKS:
        raise ConfigError(
            f"usage: {name} is not part of the installed package; run "
            f"`python scripts/{name}.py` in a checkout of the repository"
        )
    if command is None and name not in COMMANDS:
        hint = choices(argv[0], COMMANDS)
        raise ConfigError(f"usage: {argv[0]!r:.60}: no such command; {hint}")
    command = command or options_of(name)
    script = os.path.basename(sys.argv[0]) == f"{name}.py"
    program = f"python scripts/{name}.py" if script else f"gpunet {name}"
    parser = command_parser(getattr(command, "PROGRAM", program), command)
    args = parser.parse_args(rest)
    args.typed = name, rest
    # A benchmark uses as many threads as its rivals; engines have none.
    rivals = name.startswith("bench") and not getattr(args, "engines", False)
    set_threads(getattr(args, "threads", None), usable_cores() if rivals else 1)
    work = getattr(command, "WORK", f"gpunet.cli.commands.{name}")
    with errors_name_options(parser):
        return importlib.import_module(work).run(args)
