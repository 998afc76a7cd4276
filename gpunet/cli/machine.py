"""What a measurement must say of its machine: versions, processor, BLAS, commit."""

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
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_bytes() -> tuple[int, int] | None:
    """Return (available, total) host memory in bytes, None where unknown."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        pages = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    free, total = (n * page for n in pages)
    try:  # what Linux could give, caches included
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    except OSError:
        pass
    return free, total


def blas() -> dict[str, Any]:
    """Return the BLAS that NumPy was built with, and its threads.

    Returns
    -------
    blas : dict
        name, version, core, threads (None if unknown) and threads_from.
    """
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
    if not (ROOT / ".git").exists():
        return None
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*args: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *args],
        capture_output=True,
        text=True,
        timeout=5,
        check=True,
    )
    return done.stdout.strip()
