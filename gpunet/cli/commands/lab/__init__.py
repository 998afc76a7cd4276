"""`gpunet lab`: its work."""

import argparse
import inspect
import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ....backend import open_backend
from ....errors import GpunetError
from ....io.writing import write_atomically
from ....lab.digits.trained import trained
from ....lab.registry import EXPERIMENTS, OPTIONS, Experiment, get_experiment
from ....show.style import save_png
from ...arguments import adder, number, whole
from ...messages import errors_name_options
from ...options.lab import add_common
from ...parser import Parser
from ...running import check_folder
from .tables import show_experiments, show_result, show_results

_COMMON = {"device": "cpu", "seed": 0, "json": False, "out": None}


def run(args: argparse.Namespace) -> int:
    """List, or run one experiment or all; return 1 when a check fails."""
    vars(args).update(_COMMON | vars(args))
    if args.name == "all":
        _parser("all", "Run every experiment.").parse_args(args.rest, args)
        return _run_all(args)
    if args.name is not None:
        return _run_one(args, get_experiment(args.name))
    if args.json:
        print(json.dumps([experiment.name for experiment in EXPERIMENTS]))
    else:
        show_experiments(EXPERIMENTS)
    return 0


def _run_one(args: argparse.Namespace, experiment: Experiment) -> int:
    function = resolve_name(experiment.target)
    description = (inspect.getdoc(function) or experiment.title).splitlines()[0]
    parser, options = _parser(experiment.name, description), _options(function)
    for name, (default, text) in options.items():
        _add_option(parser, name, default, text)
    parser.parse_args(args.rest, args)
    check_folder(args.out)
    settings = {name: getattr(args, name) for name in options if hasattr(args, name)}
    with errors_name_options(parser):
        result = function(**_shared_settings(args), **settings)
    _write(args.out, experiment, result)  # before the print, whose pipe may be closed
    if args.json:
        print(json.dumps(_public(result), allow_nan=False))
    else:
        show_result(experiment.title, _public(result), _companion("show", function))
    return 0 if all(check["ok"] for check in result["checks"]) else 1


def _run_all(args: argparse.Namespace) -> int:
    check_folder(args.out)
    settings, rows = _shared_settings(args), []
    for k, experiment in enumerate(EXPERIMENTS):
        name, title = experiment.name, experiment.title
        progress = f"[{k + 1}/{len(EXPERIMENTS)}] {name}, about {experiment.seconds} s"
        print(progress, file=sys.stderr, flush=True)
        started = time.perf_counter()
        row: dict[str, Any] = {"name": name, "title": title, "checks": 0, "missed": []}
        try:
            result = resolve_name(experiment.target)(**settings)
            row["checks"] = len(result["checks"])
            row["missed"] = [c["what"] for c in result["checks"] if not c["ok"]]
            _write(args.out, experiment, result)
        except Exception as error:  # the others still run, and the table shows it
            expected = isinstance(error, GpunetError)
            row["missed"] = [str(error) if expected else f"bug: {error!r}"]
        rows.append(row | {"seconds": round(time.perf_counter() - started, 2)})
    if args.json:
        print(json.dumps(rows))
    else:
        show_results(rows)
    return 1 if any(row["missed"] for row in rows) else 0


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    prog = f"gpunet lab {name}"
    parser = Parser(prog=prog, description=description)
    add_common(parser)
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def _companion(verb: str, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of the same module that shows or draws the result."""
    module = sys.modules[function.__module__]
    return getattr(module, f"{verb}_{function.__name__}", None)


def _options(function: Callable[..., Any]) -> dict[str, tuple[Any, str]]:
    """Return name -> (default, help) of the options that this experiment adds.

    If it takes **training, it hands that to `trained`, whose options it then has too.
    """
    docstring = inspect.getdoc(function) or ""  # python -OO strips it
    entries = re.findall(r"^(\w+(?:, \w+)*): (.*(?:\n +.*)*)", docstring, re.M)
    texts = OPTIONS | {n: text for names, text in entries for n in names.split(", ")}
    parameters = dict(inspect.signature(function).parameters)
    shared = _options(trained) if parameters.pop("training", None) else {}
    return shared | {
        name: (parameter.default, " ".join(texts.get(name, "").split()))
        for name, parameter in parameters.items()
        if name not in _COMMON
    }


def _add_option(
    parser: argparse.ArgumentParser, name: str, default: Any, text: str
) -> None:
    add, option = adder(parser), "--" + name.replace("_", "-")
    text = text.replace("%", "%%")
    if isinstance(default, bool):
        add(option, action=argparse.BooleanOptionalAction, help=text)
        return
    metavar = name.upper()
    if default is not None:
        values = default if isinstance(default, tuple) else (default,)
        letter = {int: "N", float: "X"}.get(type(values[0]), metavar)
        metavar = f"{letter},..." if isinstance(default, tuple) else letter
        text += f" (default: {','.join(map(str, values))})"
    add(option, type=_converter(default), metavar=metavar, help=text)


def _converter(default: Any) -> Callable[[str], Any]:
    """Return what turns text into a value of the same type as the default."""
    if isinstance(default, tuple | list):
        convert = _converter(default[0])
        # 784-16-10 are sizes, but -2 is a number.
        separator = r"[, ]" if isinstance(default[0], float) else r"[, -]"
        return lambda text: tuple(map(convert, re.split(separator, text)))
    if isinstance(default, int):
        return whole(0, 2**62)
    return number(-math.inf, above=True) if isinstance(default, float) else str


def _shared_settings(args: argparse.Namespace) -> dict[str, Any]:
    backend = open_backend(args.device)
    if backend.note:
        print(f"device: {backend.name} ({backend.note})", file=sys.stderr)
    return {"device": backend.name, "seed": args.seed}


def _write(out: str | None, experiment: Experiment, result: dict[str, Any]) -> None:
    """Write NAME.json and the pictures to --out; tell their paths on stderr."""
    if out is None:
        return
    text = json.dumps(_public(result), indent=1, allow_nan=False) + "\n"
    written = [Path(out, f"{experiment.name}.json")]
    write_atomically(written[0], text.encode())
    if draw := _companion("draw", resolve_name(experiment.target)):
        try:
            for name, figure in draw(result).items():
                written.append(save_png(figure, Path(out, f"{name}.png")))
        except ImportError as error:
            print(error, file=sys.stderr)
    print(f"written: {', '.join(map(str, written))}", file=sys.stderr)


def _public(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without the arrays that only pictures need."""
    return {name: value for name, value in result.items() if name[0] != "_"}
