"""`gpunet lab`: its work."""

import argparse
import importlib
import inspect
import json
import math
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...backend import open_backend
from ...errors import ConfigError, GpunetError
from ...io.writing import probe_writable, write_atomically
from ...lab.digits.trained import trained
from ...lab.registry import EXPERIMENTS, OPTIONS, Experiment, get_experiment
from ..messages import Parser, errors_name_options
from ..options.common import whole
from ..options.lab import add_common
from .lab_tables import show_all, show_ladder, show_result

_COMMON = ("device", "seed")


def run(args: argparse.Namespace) -> int:
    """List, or run one experiment or all; return 1 when a check fails."""
    if args.name is None:
        rungs = [(r.name, r.title, r.seconds) for r in EXPERIMENTS]
        if getattr(args, "json", False):
            print(json.dumps([r[0] for r in rungs]))
        else:
            show_ladder(rungs)
        return 0
    if args.name == "all":
        _parser("all", "Run every experiment.").parse_args(args.rest, args)
        return _run_all(args)
    rung = get_experiment(args.name)
    function, module = _load(rung)
    own = _own_options(function)
    parser = _parser(
        rung.name, (inspect.getdoc(function) or rung.title).splitlines()[0]
    )
    for name, (default, text) in own.items():
        _add_option(parser, name, default, text)
    parser.parse_args(args.rest, args)
    out = _folder(args)
    settings = {name: getattr(args, name) for name in own if hasattr(args, name)}
    with errors_name_options(parser):
        result = function(**_common(args), **settings)
    if out is not None:  # before the print, whose pipe may be closed
        _write(out, rung, module, function, result)
    if getattr(args, "json", False):
        print(json.dumps(_public(result), allow_nan=False))
    else:
        show_result(rung.title, _public(result), _beside(module, "show", function))
    return 0 if _passed(result) else 1


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"gpunet lab {name}",
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.HelpFormatter,
    )
    add_common(parser)
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def _load(rung: Experiment) -> tuple[Callable[..., dict], Any]:
    place, _, name = rung.place.partition(":")
    module = importlib.import_module(place)
    return getattr(module, name), module


def _beside(module: Any, verb: str, function: Callable) -> Callable | None:
    return getattr(module, f"{verb}_{function.__name__}", None)


def _own_options(function: Callable) -> dict[str, tuple[Any, str]]:
    """Return name -> (default, help) of what this experiment alone takes.

    One that takes **training hands it to `trained`, whose options it has too.
    """
    words = inspect.getdoc(function) or ""  # python -OO strips it
    entries = re.findall(r"^(\w+(?:, \w+)*) : .*\n((?: +.*\n?)*)", words, re.M)
    said = OPTIONS | {n: text for names, text in entries for n in names.split(", ")}
    parameters = dict(inspect.signature(function).parameters)
    shared = _own_options(trained) if parameters.pop("training", None) else {}
    return shared | {
        name: (parameter.default, " ".join(said.get(name, "").split()))
        for name, parameter in parameters.items()
        if name not in _COMMON
    }


def _add_option(parser, name: str, default: Any, text: str) -> None:
    flag = "--" + name.replace("_", "-")
    text = text.replace("%", "%%")
    if isinstance(default, bool):
        parser.add_argument(
            flag,
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=text,
        )
        return
    parser.add_argument(
        flag,
        type=_kind(default),
        metavar=name.rpartition("_")[2].upper(),
        default=argparse.SUPPRESS,
        help=f"{text} (default: {_text(default)})" if default is not None else text,
    )


def _kind(default: Any) -> Callable[[str], Any]:
    if isinstance(default, tuple | list):
        each = _kind(default[0])
        # 784-16-10 are sizes, but -2 is a number.
        between = r"[, ]" if isinstance(default[0], float) else r"[, -]"
        return lambda text: tuple(map(each, re.split(between, text)))
    if isinstance(default, int):
        return whole(0, 2**62)
    return _finite if isinstance(default, float) else str


def _finite(text: str) -> float:
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def _text(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _common(args: argparse.Namespace) -> dict[str, Any]:
    backend = open_backend(getattr(args, "device", "cpu"))
    if backend.note:
        print(f"device: {backend.name} ({backend.note})", file=sys.stderr)
    return {"device": backend.name, "seed": getattr(args, "seed", 0)}


def _folder(args: argparse.Namespace) -> Path | None:
    if not hasattr(args, "out"):
        return None
    if not args.out:
        raise ConfigError("usage: --out: expected a folder, got an empty name")
    probe_writable(args.out)
    return Path(args.out)


def _write(out: Path, rung: Experiment, module, function, result: dict) -> None:
    """Write NAME.json and the pictures; say where on stderr."""
    text = json.dumps(_public(result), indent=1, allow_nan=False) + "\n"
    write_atomically(out / f"{rung.name}.json", text.encode())
    written = [out / f"{rung.name}.json"]
    if draw := _beside(module, "draw", function):
        try:
            written += draw(result, out)
        except ImportError as error:
            print(
                f'no pictures ({error}): python -m pip install "gpunet[plot]"',
                file=sys.stderr,
            )
    print(f"written: {', '.join(map(str, written))}", file=sys.stderr)


def _public(result: dict) -> dict:
    """Return a result without the arrays that only pictures need."""
    return {name: value for name, value in result.items() if name[0] != "_"}


def _passed(result: dict) -> bool:
    return all(check["ok"] for check in result["checks"])


def _run_all(args: argparse.Namespace) -> int:
    out, common, rows = _folder(args), _common(args), []
    for k, rung in enumerate(EXPERIMENTS):
        where = f"[{k + 1}/{len(EXPERIMENTS)}] {rung.name}, about {rung.seconds} s"
        print(where, file=sys.stderr, flush=True)
        started = time.perf_counter()
        row = {"name": rung.name, "title": rung.title, "checks": 0, "missed": []}
        try:
            function, module = _load(rung)
            result = function(**common)
            row["checks"] = len(result["checks"])
            row["missed"] = [c["what"] for c in result["checks"] if not c["ok"]]
            if out is not None:
                _write(out, rung, module, function, result)
        except Exception as error:  # the others still run, and the table says so
            known = isinstance(error, GpunetError)
            row["missed"] = [str(error) if known else f"bug: {error!r}"]
        row["seconds"] = round(time.perf_counter() - started, 2)
        rows.append(row)
    if getattr(args, "json", False):
        print(json.dumps(rows))
    else:
        show_all(rows)
    return 1 if any(row["missed"] for row in rows) else 0
