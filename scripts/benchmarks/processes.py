"""Fresh processes: rivals that train on command, and the time a start takes."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from gpunet.cli.machine import ROOT, THREAD_VARIABLES


class RivalProcess:
    """A process that trains on command.

    Parameters
    ----------
    name : str
        A key of `rivals.RIVALS`.
    threads : int
    """

    def __init__(self, name: str, threads: int):
        self.name = name
        paths = [str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
        env = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        env["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        env["JAX_PLATFORMS"] = "cpu"
        if threads == 1:
            env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )

    def ask(self, **job: Any) -> dict[str, Any]:
        """Send one job and wait for its answer."""
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return {"error": f"the process ended (status {self._process.poll()})"}

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # it may have ended by itself
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_IMPORT = """import time; a = time.perf_counter(); {}; print(time.perf_counter() - a)"""


def startup(repeats: int) -> dict[str, Any]:
    """Return the seconds that imports and `--help` take, medians of fresh processes."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    statements = {
        "import numpy": "import numpy",
        "import gpunet": "import gpunet",
        "import gpunet; gpunet.mlp": "import gpunet; gpunet.mlp",
    }
    rounds: dict[str, list[float]] = {what: [] for what in statements}
    for _ in range(repeats):
        for what, statement in statements.items():
            code = [sys.executable, "-c", _IMPORT.format(statement)]
            done = subprocess.run(code, env=env, capture_output=True, check=True)
            rounds[what].append(float(done.stdout))
    script = ROOT / "scripts" / "train.py"
    if script.exists():
        what = "scripts/train.py --help"
        rounds[what] = [_help_time(script, env) for _ in range(repeats)]
    return {
        what: {"seconds": median(times), "rounds": times}
        for what, times in rounds.items()
    }


def _help_time(script: Path, env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, script, "--help"], env=env, capture_output=True)
    return time.perf_counter() - started
