"""`gpunet train`: its work."""

import argparse
import contextlib
import importlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....data import is_table
from ....errors import GpunetError
from ....io.json_text import finite_json
from ....runs.config import load_config
from ....runs.network import run_config
from ....runs.presets import DEFAULTS, preset
from ....runs.report import measured
from ....runs.task import RunOptions
from ....show.curves import learning_curves
from ....show.plots import residuals
from ....show.style import save_png
from ....training.diagnosis import diagnose
from ...rerun import command_line
from ...running import run_folder, run_options, time_and_memory
from .report import show_result
from .sweep import SWEPT, with_members


def run(args: argparse.Namespace) -> int:
    """Train as the arguments say; return the exit code."""
    typed = {key for key in DEFAULTS if hasattr(args, key)}
    config = _config(args, typed)
    options = run_options(args, _folder(args), typed, args.resume)
    started, say = time.perf_counter(), options.say
    with _watched(args, options):
        net, history, result, folder, data = run_config(config, options)
    say(time_and_memory(started))
    drawn = [_draw(say, folder / "curves.png", learning_curves, history)]
    result = result | {"folder": str(folder)}
    if drawn[0] and "r2" in result and net.population is None:
        assert data.table is not None and data.test is not None  # of any regression
        t, y = measured(net, data, data.test)
        path, name = folder / "residuals.png", str(data.table.target.name)
        drawn.append(_draw(say, path, residuals, y[0], t, name))
    if args.json:
        print(json.dumps(finite_json(result), sort_keys=True))
    else:
        show_result(result, [path.name for path in drawn if path])
    notes = sys.stderr if args.json else sys.stdout
    if history.outcome == "step limit reached":
        print(options.resume_hint(folder), file=notes)
    if result.get("better_than_baseline") is False:
        say("warning: the network is not better than the baseline")
    if args.diagnose:
        found = diagnose(net, data, history)
        print(found, file=notes)
    return 0


@contextlib.contextmanager
def _watched(args: argparse.Namespace, options: RunOptions) -> Iterator[None]:
    """Serve the page of the run meanwhile, if that was asked for."""
    if not args.watch:
        yield
        return
    folder = Path(options.folder or args.resume)
    if not options.folder and not folder.is_dir():  # a checkpoint of the run
        folder = folder.parent.parent
    beside = importlib.import_module("gpunet.page.beside")  # not needed by others
    with beside.watching(folder) as address:
        print(f"page: {address}", file=sys.stderr)
        yield
    again = command_line("page", "--watch", folder.absolute())
    options.say(f"the page has ended with the training; to see it again: {again}")


def _config(args: argparse.Namespace, typed: set[str]) -> dict[str, Any]:
    default = "table" if is_table(getattr(args, "data", "")) else "default"
    name = args.preset or default
    config = load_config(args.config) if args.config else preset(name)
    if "sizes" in typed:
        config["hidden"] = None
    for key in typed:
        value = getattr(args, key)
        if key in SWEPT and len(value) == 1:
            value = value[0]
        config[key] = value
    return with_members(config, args.same_seed)


def _folder(args: argparse.Namespace) -> Any:
    if args.resume not in (None, "auto"):
        return args.out
    data = getattr(args, "data", "")
    name = "default"
    if is_table(data):
        name = "stdin" if data == "-" else Path(data.removesuffix(".gz")).stem
    return run_folder(args, args.preset or ("config" if args.config else name))


def _draw(say: Any, path: Path, draw: Any, *args: Any) -> Path | None:
    try:
        return save_png(draw(*args), path)
    except ImportError as error:
        say(str(error))
    except GpunetError as error:
        say(f"warning: {error}")
    return None
