"""Benchmarks of gpunet and the report on a GPU, for a checkout; not in the wheel.

The commands are `scripts/bench.py`, which has the actions `sklearn` and `words` beside
its own work, and `gpu_report.py`. What they measured is in `RESULTS.md`.
"""

import importlib
from collections.abc import Sequence

import gpunet.cli

ACTIONS = ("sklearn", "words")  # of scripts/bench.py


def main(argv: Sequence[str]) -> int:
    """Run a benchmark by its name and arguments; return its exit code."""
    name, rest = argv[0], argv[1:]
    if name == "bench" and rest and rest[0] in ACTIONS:
        name, rest = f"bench_{rest[0]}", rest[1:]
    options = importlib.import_module(f"benchmarks.options.{name}")
    return gpunet.cli.main([name, *rest], command=options)
