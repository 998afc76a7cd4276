"""`gpunet train`: its work."""

import argparse
import importlib
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ...data import is_table
from ...errors import ConfigError, GpunetError
from ...io.messages import printable
from ...runs.diagnosis import diagnose_run
from ...runs.hints import resume_hint
from ...runs.presets import DEFAULTS, preset
from ...runs.progress import ProgressBar
from ...runs.report import measured
from ...runs.resume import load_config
from ...runs.run import Options
from ...runs.run import run as carry_out
from ...show.curves import draw_curves
from ...show.residuals import draw_residuals
from ..again import again
from .classes import show_classes
from .report import show_baseline, show_best_epoch


def run(args: argparse.Namespace) -> int:
    """Train as the arguments say; return the exit code."""
    given = {key for key in DEFAULTS if hasattr(args, key)}
    config = _config(args, given)
    say = sayer(args.quiet or args.json)
    options = Options(
        folder=_folder(args),
        resume=args.resume,
        strict_resume=args.strict_resume,
        max_steps=args.max_steps,
        checkpoint_every_steps=args.checkpoint_every_steps,
        keep=args.keep,
        on_write_error=args.on_write_error,
        log=args.log,
        callbacks=[] if args.quiet or args.json else [ProgressBar()],
        say=say,
        given=given,
        command=partial(again, args),
    )
    started = time.perf_counter()
    net, history, result, folder, data = carry_out(config, options)
    say(f"took {time.perf_counter() - started:.1f} s{peak_memory()}")
    drawn = [_draw(say, draw_curves, history, folder / "curves.png")]
    result = result | {"folder": str(folder)}
    if drawn[0] and "r2" in result and net.population is None:
        t, y = measured(net, data, data.test)
        name, path = str(data.table.target.name), folder / "residuals.png"
        drawn.append(_draw(say, draw_residuals, path, y[0], t, name))
    if args.json:
        print(json.dumps(result, sort_keys=True))
    else:
        _show(result, [Path(path).name for path in drawn if path])
        if history.outcome == "step limit reached":
            print(resume_hint(folder, options))
    if result.get("better_than_baseline") is False:
        say("warning: the network is not better than the baseline")
    if args.diagnose:
        findings = diagnose_run(net, data, history)
        for line in map(str, findings or ["diagnosis: nothing ails this network"]):
            print(line, file=sys.stderr if args.json else sys.stdout)
    return 0


def _config(args: argparse.Namespace, given: set[str]) -> dict[str, Any]:
    if args.config and args.preset:
        raise ConfigError("usage: --config and --preset: give one of the two")
    name = args.preset or (
        "table" if is_table(getattr(args, "data", "")) else "default"
    )
    config = load_config(args.config) if args.config else preset(name)
    for pair in (("sizes", "hidden"), ("test", "test_size")):
        if given.issuperset(pair):
            both = " and ".join(f"--{name.replace('_', '-')}" for name in pair)
            raise ConfigError(f"usage: {both}: give one of the two")
    if "sizes" in given:
        config["hidden"] = None
    for key in given:
        value = getattr(args, key)
        if key in ("learning_rate", "momentum", "l2", "l1") and len(value) == 1:
            value = value[0]
        config[key] = value
    return config


def _folder(args: argparse.Namespace) -> Any:
    if args.out or args.resume not in (None, "auto"):
        return args.out
    if args.resume == "auto":
        raise ConfigError("usage: --resume auto: name the run folder with --out")
    data = getattr(args, "data", "")
    name = "default"
    if is_table(data):
        name = "stdin" if data == "-" else Path(data.removesuffix(".gz")).stem
    return new_folder(args.preset or ("config" if args.config else name))


def new_folder(name: str) -> Path:
    """Return a folder under runs/ for a run begun now, which is not there yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = Path("runs") / f"{name}-{stamp}"
    n = 2
    while folder.exists():  # two runs begun in one second
        folder, n = Path("runs") / f"{name}-{stamp}-{n}", n + 1
    return folder


def sayer(silent: bool):
    """Return a function that tells the user a line; silent, warnings alone."""
    console = Console(stderr=True, highlight=False)

    def say(text: str) -> None:
        if not silent or text.startswith("warning"):
            console.print(text, markup=False, soft_wrap=True)

    return say


def peak_memory() -> str:
    """Return what this process held at most, where the system tells."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # Windows
        return ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, else KiB
    return f", peak memory {peak * unit / 1e6:.0f} MB"


def _draw(say: Any, draw: Any, *args: Any) -> Any:
    try:
        return draw(*args)
    except ImportError:
        say('no pictures: python -m pip install "gpunet[plot]" draws it')
    except GpunetError as error:
        say(f"warning: {error}")
    return None


def _show(result: dict[str, Any], pictures: list[str]) -> None:
    _show_score(result)
    show_baseline(result)
    _show_classes(result)
    show_best_epoch(result)
    for i, why in result["frozen"].items():
        if why.startswith("diverged"):  # of those that stopped early see above
            print(f"member {i}: {why}")
    if result["outcome"] != "all epochs done":
        print(f"ended: {result['outcome']} after step {result['steps']}")
    where = printable(result["folder"])
    print(f"run folder: {where}" + (f" ({', '.join(pictures)})" if pictures else ""))


def _show_score(result: dict[str, Any]) -> None:
    n = result.get("n_test")
    if "summary" in result:
        s = result["summary"]
        if s["n"]:
            what, form = ("R2", ".4f") if "r2" in result else ("accuracy", ".2%")
            print(
                f"test {what}: mean {s['mean']:{form}} sd {s['sd']:{form}} "
                f"median {s['median']:{form}} (n = {n:,}, {s['n']} networks)"
            )
            print(
                f"best {s['best']:{form}} (member {s['best_member']}), "
                f"worst {s['worst']:{form}} (member {s['worst_member']})"
            )
    elif "r2" in result:
        print(
            f"test R2: {result['r2']:.4f}, mean absolute error {result['mae']:.6g}, "
            f"root mean square error {result['rmse']:.6g} (n = {n:,})"
        )
    elif n:
        print(f"test accuracy: {result['test_accuracy']:.2%} (n = {n:,})")


def _show_classes(result: dict[str, Any]) -> None:
    dead = result.get("dead_classes", [])
    if "summary" in result:
        for i, classes in enumerate(dead):
            if classes:
                names = ", ".join(map(str, classes))
                print(f"member {i} never answers {names}: dead class")
    elif dead:
        print(f"dead class: never answers {', '.join(map(str, dead))}")
    if "classes" in result:
        show_classes(result)
