"""The work of `gpu_report.py`: sections in processes, one JSON, one table."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpunet.backend import open_backend
from gpunet.cli.machine import ROOT
from gpunet.cli.tables import as_json
from gpunet.errors import WriteError
from gpunet.io.writing import write_atomically

from ..options.gpu_report import SECTIONS
from ..report import markdown
from . import Verdict, not_done, verdict


def run(args: argparse.Namespace) -> int:
    """Run the sections; return 1 if one failed."""
    open_backend(args.device)  # raises its own error, with an exit code
    folder = Path(args.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"gpu_report: {folder}: {error.strerror}; give --out another place"
        ) from error
    until = time.monotonic() + args.seconds
    sections: dict[str, Verdict] = {}
    report = {"device": args.device, "quick": args.quick, "sections": sections}
    for name in args.only or SECTIONS:
        left = min(SECTIONS[name], until - time.monotonic())
        result = sections[name] = section(name, args.device, args.quick, left)
        print(f"{name}: {result['verdict']} ({result['seconds']} s)", flush=True)
        _write(folder, report)  # after each, so that an interruption leaves the rest
    print(f"written: {folder}/gpu-report.json, {folder}/gpu-report.md")
    return int(any(s["verdict"] == "FAILED" for s in sections.values()))


def section(name: str, device: str, quick: bool, seconds: float) -> Verdict:
    """Run one section in a process of its own; return its verdict and seconds."""
    if seconds < 5:
        return not_done("no time was left") | {"seconds": 0}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        command = [sys.executable, "-m", "benchmarks.gpu.sections", name, device]
        command += [str(int(quick)), str(seconds - 4), str(answer)]
        paths = [str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(filter(None, paths))
        reason, output = "", b""
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            reason = f"took more than its {seconds:.0f} s"
        result = json.loads(answer.read_text()) if answer.exists() else {}
    if not result:
        lines = output.decode(errors="replace").strip().splitlines() or [""]
        result = verdict(False, reason or lines[-1][:300])
    return result | {"seconds": round(time.monotonic() - started, 1)}


def _end(process: subprocess.Popen) -> None:
    """End a section with all processes that it started."""
    try:
        os.killpg(process.pid, 9)
    except (AttributeError, OSError):  # Windows has no process groups to kill
        process.kill()
    process.communicate()


def _write(folder: Path, report: dict[str, Any]) -> None:
    write_atomically(folder / "gpu-report.json", (as_json(report) + "\n").encode())
    write_atomically(folder / "gpu-report.md", page(report).encode())


def page(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    sections = report["sections"]
    rows = [
        [name, s["verdict"], s["what"].replace("|", "/"), s["seconds"]]
        for name, s in sections.items()
    ]
    quick = " --quick" if report["quick"] else ""
    parts = [
        "# gpunet on a GPU",
        sections.get("machine", {}).get("line", "machine: not asked"),
        f"`python scripts/gpu_report.py --device {report['device']}{quick}`",
        markdown(["Section", "verdict", "result", ">s"], rows),
    ]
    for name, s in sections.items():
        for title, columns, cells in s.get("tables", ()):
            parts += [f"**{title}** ({name})", markdown(columns, cells)]
    return "\n\n".join(parts) + "\n"
