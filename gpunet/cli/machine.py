"""What a measurement must say of its machine: versions, processor, BLAS, commit."""

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from ..backend.threads import VARIABLES
from ..runs import machine

ROOT = Path(__file__).resolve().parents[2]  # of a clone; site-packages for a wheel
THREAD_VARIABLES = (*VARIABLES, "NUMEXPR_NUM_THREADS")


def version(package: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_model() -> str:
    """Return the name of the processor."""
    name = _proc("cpuinfo", "model name")
    return name or platform.processor() or platform.machine()


def memory_bytes() -> tuple[int, int] | None:
    """Return (available, total) host memory in bytes, None where unknown."""
    free = _proc("meminfo", "MemAvailable").split()  # caches included, in KiB
    total = _proc("meminfo", "MemTotal").split()
    return (int(free[0]) * 1024, int(total[0]) * 1024) if free and total else None


def _proc(file: str, name: str) -> str:
    """Return a value of a file in /proc; "" where there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc", file).read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def blas() -> dict[str, Any]:
    """Return `runs.machine.blas()` with the threads known, and "threads_from"."""
    library = machine.blas()
    if library["threads"]:
        return library | {"threads_from": library["name"]}
    if importlib.util.find_spec("threadpoolctl"):
        pools = importlib.import_module("threadpoolctl").threadpool_info()
        threads = [p["num_threads"] for p in pools if p.get("user_api") == "blas"]
        if threads:
            return library | {"threads": max(threads), "threads_from": "threadpoolctl"}
    for name in THREAD_VARIABLES:
        if os.environ.get(name, "").isdigit():
            return library | {"threads": int(os.environ[name]), "threads_from": name}
    return library | {"threads_from": ""}


def commit() -> str | None:
    """Return the commit of a clone ("+" for uncommitted changes), or None."""
    git = ("git", "-C", str(ROOT))
    if not (ROOT / ".git").exists():
        return None
    name = program_output(*git, "rev-parse", "--short=12", "HEAD")
    changes = program_output(*git, "status", "--porcelain", "-uno")
    if name is None or changes is None:
        return None
    return f"{name}+" if changes else name


def program_output(*words: str) -> str | None:
    """Return what a program prints; None if it fails or takes 5 seconds."""
    try:
        output = subprocess.check_output(
            words, stderr=subprocess.DEVNULL, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return output.strip()
