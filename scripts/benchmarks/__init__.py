"""Benchmarks of gpunet and the report on a GPU, for a checkout; not in the wheel.

The commands are `scripts/bench.py`, `bench_sklearn.py`, `bench_words.py` and
`gpu_report.py`. What they measured is in `RESULTS.md`.
"""

import importlib
from collections.abc import Sequence

import gpunet.cli


def main(argv: Sequence[str]) -> int:
    """Run a benchmark by its name and arguments; return its exit code."""
    options = importlib.import_module(f"benchmarks.options.{argv[0]}")
    return gpunet.cli.main(argv, command=options)
