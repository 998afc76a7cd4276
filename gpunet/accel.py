"""`python -m gpunet.accel script.py`: an existing script, with gpunet's MLPs.

scikit-learn's `MLPClassifier` and `MLPRegressor` are replaced before it begins. What
follows the script's name is the script's.
"""

import argparse
import functools
import os
import runpy
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .backend import open_backend
from .cli.messages import report_error
from .cli.parser import Parser
from .errors import ConfigError, GpunetError

patch: Callable[..., None] | None = None
try:
    from .sklearn import patch
    from .sklearn.base import BaseMLP
except ImportError as error:
    _import_error = str(error)

_REST: dict[str, Any] = {"nargs": argparse.REMAINDER, "default": []}
_DEFAULTS = ("device", "engine", "dtype")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a script or module; return the exit code of what goes wrong before it."""
    try:
        args = _parser().parse_args(sys.argv[1:] if argv is None else argv)
        run_script = _prepared(args)
        defaults = {k: v for k in _DEFAULTS if (v := getattr(args, k)) is not None}
        if patch is None:
            raise ConfigError(
                f"accel: scikit-learn cannot be imported ({_import_error}); "
                'python -m pip install "gpunet[sklearn]"'
            )
        open_backend(args.device or "cpu")  # its error now, not inside the script
        patch(**defaults)
    except GpunetError as error:
        return report_error(error)
    except SystemExit:  # argparse, after --help
        return 0
    fits = _count_fits()
    try:
        run_script()
    finally:
        settings = "".join(f", {name} {value}" for name, value in defaults.items())
        done = ", ".join(f"{name} fitted {n}x" for name, n in fits.items())
        text = done or "no MLPClassifier or MLPRegressor was fitted in this process"
        print(f"gpunet.accel: {text}{settings}", file=sys.stderr)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m gpunet.accel",
        usage="python -m gpunet.accel [options] (SCRIPT | -m MODULE) [its arguments]",
        description="Run a script with gpunet's MLPClassifier and MLPRegressor in "
        "place of scikit-learn's; tell on stderr which were fitted.",
    )
    add = parser.add_argument
    names = "of estimators that name none: cuda, cuda:N, torch:cpu, ... (default: cpu)"
    add("--device", metavar="D", help=names)
    engines = ("auto", "loop", "compiled")
    add("--engine", choices=engines, help="what takes the steps (default: auto)")
    types = ("float32", "float64")
    add("--dtype", choices=types, help="of all numbers (default: that of the data)")
    add("-m", dest="module", metavar="MODULE", **_REST, help="a module, not a script")
    add("script", metavar="SCRIPT", **_REST, help="a script and its arguments")
    return parser


def _prepared(args: argparse.Namespace) -> Callable[[], Any]:
    """Return what runs the script or module, with its own sys.argv and sys.path."""
    words = args.module or args.script
    if not words:
        raise ConfigError("accel: no script; python -m gpunet.accel script.py")
    name = words[0]
    if args.module:
        if not _has_module(name):
            raise ConfigError(f"accel: {name}: no such module; check its name")
        sys.argv, sys.path[0] = list(words), os.getcwd()
        return functools.partial(
            runpy.run_module, name, run_name="__main__", alter_sys=True
        )
    if not Path(name).is_file():
        raise ConfigError(
            f"accel: {name}: no such script; python -m gpunet.accel script.py"
        )
    sys.argv, sys.path[0] = list(words), str(Path(name).resolve().parent)
    return functools.partial(runpy.run_path, name, run_name="__main__")


def _has_module(name: str) -> bool:
    sys.path.insert(0, os.getcwd())
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
    finally:
        del sys.path[0]


def _count_fits() -> Counter[str]:
    """Count from now on the fits of each estimator in this process."""
    fits: Counter[str] = Counter()
    original = BaseMLP._fit

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **settings: Any) -> Any:
        fits[type(self).__name__] += 1
        return original(self, *args, **settings)

    BaseMLP._fit = fit  # type: ignore[method-assign]
    return fits


if __name__ == "__main__":
    raise SystemExit(main())
