"""`scripts/gpu_report.py`: its options."""

import argparse

from gpunet.cli.options.common import number

HELP = "Prove gpunet on a GPU: parity, presets, resume, memory, repeats and speed."
WORK = "benchmarks.gpu_report"
SECTIONS = {
    "machine": "what it was measured on",
    "parity": "every kind of network against the CPU",
    "engines": "the compiled engines against the loop, each precision",
    "repeats": "equal bits from run to run",
    "memory": "what happens when the GPU's memory is full",
    "resume": "a run begun on one device and ended on the other",
    "population": "100 networks at once against one",
    "persistent": "small networks, a block each: times, bits and accuracy",
    "presets": "the main job and every preset, with their accuracy",
    "speed": "a training step against PyTorch's and JAX's, float32",
    "speed-tf32": "the same with products in TF32",
    "crossover": "from which size on the GPU wins over the CPU",
    "tests": "the tests that run on every backend",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gpu-report`."""
    parser.description = (
        f"{HELP} Each section runs in its own process with a time limit; one that "
        "fails is recorded and stops no other. Writes gpu-report.json and "
        "gpu-report.md. Exit code 1 when a section failed."
    )
    add = parser.add_argument
    add(
        "--device",
        default="cuda",
        help="cuda, cuda:N, or strict:1, cpu: then it says what it could not do",
    )
    add("--out", default="gpu-report", metavar="FOLDER", help="where the files go")
    add("--quick", action="store_true", help="fewer cells, epochs and repeats")
    add(
        "--only",
        nargs="+",
        choices=tuple(SECTIONS),
        metavar="SECTION",
        help=f"of {', '.join(SECTIONS)}",
    )
    add(
        "--seconds",
        type=number(above=True),
        default=520.0,
        metavar="S",
        help="for all sections together (default 520); what is left out says so",
    )
