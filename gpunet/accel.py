"""`python -m gpunet.accel script.py`: an existing script, with gpunet's MLPs.

scikit-learn's `MLPClassifier` and `MLPRegressor` are replaced before it begins.
"""

import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import ConfigError, GpunetError

patch: Callable[[], None] | None = None
try:
    from .sklearn import patch
except ImportError as error:
    _import_error = str(error)

_USAGE = "usage: python -m gpunet.accel script.py [arguments of the script]"


def run(argv: Sequence[str]) -> None:
    """Run a script with the arguments that follow it; ConfigError if that cannot be."""
    if not argv or argv[0].startswith("-"):
        reason = f"the first argument must be a script, got {list(argv)}"
        raise ConfigError(f"accel: {reason}; {_USAGE}")
    script = Path(argv[0])
    if not script.is_file():
        raise ConfigError(f"accel: {script}: no such script; {_USAGE}")
    if patch is None:
        raise ConfigError(
            f"accel: scikit-learn cannot be imported ({_import_error}); "
            'python -m pip install "gpunet[sklearn]"'
        )
    patch()
    sys.argv = list(argv)
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `run`; return the exit code of what goes wrong before the script."""
    argv = sys.argv[1:] if argv is None else argv
    if list(argv) in (["-h"], ["--help"]):
        print(f"{_USAGE}\n\nruns a script on gpunet's MLPClassifier and MLPRegressor")
        return 0
    try:
        run(argv)
    except GpunetError as error:
        print(f"gpunet: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
