"""The options of `scripts/gpu_report.py`."""

import argparse
import os
from typing import Any

from gpunet.cli.arguments import number

HELP = "Prove gpunet on a GPU: parity, presets, resume, memory, repeats and speed."
WORK = "benchmarks.gpu.report"
SECTIONS = {  # and at most how many seconds each may take
    "machine": 40,
    "parity": 80,
    "engines": 80,
    "repeats": 60,
    "memory": 60,
    "resume": 60,
    "population": 40,
    "persistent": 120,
    "presets": 120,
    "speed": 150,
    "speed-tf32": 110,
    "crossover": 60,
    "tests": 120,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gpu_report`."""
    parser.description = (
        f"{HELP} Each section runs in its own process with a time limit; one that "
        "fails is recorded and stops no other. Writes gpu-report.json and "
        "gpu-report.md. Exit code 1 if a section failed."
    )
    add = parser.add_argument
    text = "cuda, cuda:N; on strict:1 or cpu it reports what was not done"
    add("--device", default="cuda", help=text)
    folder = os.path.join(os.environ.get("OUT", ""), "gpu-report")
    text = "where the files go (default: gpu-report, in $OUT if that is set)"
    add("--out", default=folder, metavar="FOLDER", help=text)
    add("--quick", action="store_true", help="fewer cells, epochs and repeats")
    text = f"of {', '.join(SECTIONS)}"
    add("--only", nargs="+", choices=tuple(SECTIONS), metavar="SECTION", help=text)
    seconds: dict[str, Any] = {
        "type": number(above=True),
        "default": 520.0,
        "metavar": "S",
    }
    text = "for all sections together (default 520); sections left out are named"
    add("--seconds", **seconds, help=text)
