"""`scripts/gpu_report.py`: its work: sections in processes, one JSON, one table."""

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
from gpunet.cli.tables import as_json, markdown
from gpunet.errors import WriteError
from gpunet.io.writing import write_atomically

from .options.gpu_report import SECTIONS

# Seconds of each section at most; what others leave over is no one's.
LIMITS = {
    **{"machine": 40, "parity": 80, "engines": 80, "repeats": 60},
    **{"memory": 60},
    **{"resume": 60, "population": 40, "persistent": 120},
    **{"presets": 120, "speed": 150},
    **{"speed-tf32": 110, "crossover": 60, "tests": 120},
}


def run(args: argparse.Namespace) -> int:
    """Run the sections; return 1 if one failed."""
    open_backend(args.device)  # an error of its own, with its cure and exit code
    folder = Path(args.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"gpu_report: {folder}: {error.strerror}; give --out another place"
        ) from error
    until = time.monotonic() + args.seconds
    report: dict[str, Any] = {"device": args.device, "quick": args.quick}
    report["sections"] = {}
    for name in args.only or SECTIONS:
        left = min(LIMITS[name], until - time.monotonic())
        found = section(name, args.device, args.quick, left)
        report["sections"][name] = found
        print(f"{name}: {found['verdict']} ({found['seconds']} s)", flush=True)
        write_report(folder, report)  # after each, so that an end leaves the rest
    failed = any(s["verdict"] == "FAILED" for s in report["sections"].values())
    print(f"written: {folder}/gpu-report.json, {folder}/gpu-report.md")
    return int(failed)


def section(name: str, device: str, quick: bool, seconds: float) -> dict[str, Any]:
    """Run one section in a process of its own.

    Returns
    -------
    found : dict
        verdict ("ok", "FAILED", "not done"), what (one line), seconds, and what the
        section itself adds.
    """
    if seconds < 5:
        return {"verdict": "not done", "what": "no time was left", "seconds": 0}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        command = [sys.executable, "-m", "benchmarks.gpu_sections", name, device]
        command += [str(int(quick)), str(seconds - 4), str(answer)]
        paths = [str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        what, said = "", b""
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            what = f"took more than its {seconds:.0f} s"
        found = json.loads(answer.read_text()) if answer.exists() else {}
    if not found:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or [""]
        found = {"verdict": "FAILED", "what": what or last[0][:300]}
    return found | {"seconds": round(time.monotonic() - started, 1)}


def _end(process: subprocess.Popen) -> None:
    """End a section with all that it started."""
    try:
        os.killpg(process.pid, 9)
    except OSError:
        process.kill()
    process.communicate()


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write the JSON and the Markdown."""
    write_atomically(folder / "gpu-report.json", (as_json(report) + "\n").encode())
    write_atomically(folder / "gpu-report.md", page(report).encode())


def page(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    sections = report["sections"]
    machine = sections.get("machine", {}).get("line", "machine: not asked")
    rows = [
        [name, s["verdict"], s["what"].replace("|", "/"), s["seconds"]]
        for name, s in sections.items()
    ]
    quick = " --quick" if report["quick"] else ""
    parts = [
        "# gpunet on a GPU",
        machine,
        f"`python scripts/gpu_report.py --device {report['device']}{quick}`",
        markdown(["Section", "verdict", "found", ">s"], rows),
    ]
    for name, s in sections.items():
        for title, columns, cells in s.get("tables", ()):
            parts += [f"**{title}** ({name})", markdown(columns, cells)]
    return "\n\n".join(parts) + "\n"
