"""`gpunet doctor`: its work."""

import argparse
import importlib
import importlib.util
import os
import platform
from typing import Any

from ... import __version__
from ...backend import Backend, open_backend
from ...backend.threads import usable_cores
from ...errors import DeviceError
from ...io.messages import counted
from ..machine import blas, commit, cpu_model, memory_bytes, program_output, version
from ..tables import as_json, console, show

_NEEDED = ("numpy", "array-api-compat", "rich")
_OPTIONAL = ("numba", "torch", "array-api-strict", "matplotlib", "threadpoolctl")
_CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")
# Modules by which a device can be judged without importing what is slow.
_MODULES = {"torch:cpu": "torch", "torch:cuda": "torch", "strict:1": "array_api_strict"}
DEVICES = ("cpu", "cuda", "torch:cpu", "torch:cuda", "strict:1")


def run(args: argparse.Namespace) -> int:
    """Print what this machine has; return 0."""
    report = examine(full=args.full)
    if args.json:
        print(as_json(report))
    else:
        _print(report)
    return 0


def examine(full: bool = False) -> dict[str, Any]:
    """Return versions, processor, memory, BLAS, devices, GPUs and hints.

    If full, every device is opened; otherwise PyTorch is only looked for, because
    its import takes seconds.
    """
    packages = {name: version(name) for name in (*_NEEDED, *_OPTIONAL)}
    packages["cupy"] = next(filter(None, map(version, _CUPY)), None)
    memory_free, memory_total = memory_bytes() or (None, None)
    report: dict[str, Any] = {
        "gpunet": {"version": __version__, "commit": commit()},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "cpu": cpu_model(),
        "cores_usable": usable_cores(),
        "cores": os.cpu_count(),
        "blas": blas(),
        "memory_free": memory_free,
        "memory_total": memory_total,
        "devices": [_device(name, full) for name in DEVICES],
        "gpus": _gpus(),
    }
    return report | {"hints": _hints(report)}


def _device(name: str, full: bool) -> dict[str, Any]:
    row, module = {"device": name, "state": "ok", "what": ""}, _MODULES.get(name)
    if not full and module and importlib.util.find_spec(module):
        return row | {"state": "installed", "what": "not opened; see --full"}
    try:
        return row | {"what": _describe(open_backend(name))}
    except DeviceError as error:
        reason = str(error).removeprefix("device: ").partition(": ")[2]
        return row | {"state": "absent", "what": reason}


def _describe(bk: Backend) -> str:
    if bk.name == "cpu":
        return f"NumPy on {counted(usable_cores(), 'core')}"
    words = [type(bk).__name__.removesuffix("Backend")]
    if memory := bk.memory():
        words.append(f"{_gib(memory[0])} of {_gib(memory[1])} free")
    if bk.name.startswith("cuda"):
        runtime = importlib.import_module("cupy").cuda.runtime
        gpu = runtime.getDeviceProperties(int(bk.name.partition(":")[2]))
        words.insert(0, gpu["name"].decode())
        words.append(f"compute {gpu['major']}.{gpu['minor']}")
        cuda, driver = runtime.runtimeGetVersion(), runtime.driverGetVersion()
        words.append(f"CUDA {_cuda(cuda)}, driver for {_cuda(driver)}")
    return ", ".join(words)


def _gpus() -> list[dict[str, str]]:
    """Return the GPUs that the driver's own tool sees, with or without CuPy."""
    fields = ("index", "name", "memory.total", "driver_version")
    query = (f"--query-gpu={','.join(fields)}", "--format=csv,noheader")
    lines = (program_output("nvidia-smi", *query) or "").splitlines()
    return [dict(zip(fields, line.split(", "), strict=False)) for line in lines]


def _hints(report: dict[str, Any]) -> list[str]:
    cuda = next(row for row in report["devices"] if row["device"] == "cuda")
    gpus, packages, free = report["gpus"], report["packages"], report["memory_free"]
    threads, cores = report["blas"]["threads"], report["cores_usable"]
    hints = []
    if cuda["state"] == "absent" and gpus:
        name = gpus[0].get("name", "a GPU")
        hints.append(f"{name} is here but cannot be used: {cuda['what']}")
    if version("cupy") and any(map(version, _CUPY[:2])):
        hints.append(
            "cupy and cupy-cudaNNx are both installed and hide each other; "
            "uninstall both, then install one"
        )
    if threads and threads > cores:
        hints.append(
            f"BLAS has {threads} threads for {counted(cores, 'core')}; use --threads "
            f"{cores}"
        )
    if os.environ.get("CUPY_TF32", "0") not in ("", "0"):
        hints.append("CUPY_TF32 is set: float32 products keep 10 bits; unset it")
    if packages["numba"] is None:
        hints.append(
            "numba is missing: small networks train many times slower without it; "
            'python -m pip install "gpunet[fast]"'
        )
    if free is not None and free < 2**30:
        hints.append(f"only {_gib(free)} of memory is free; close other programs")
    absent = [name for name in _NEEDED if packages[name] is None]
    return hints + [
        f"{name} is missing; python -m pip install {name}" for name in absent
    ]


def _print(report: dict[str, Any]) -> None:
    package, library = report["gpunet"], report["blas"]
    revision = f" (commit {package['commit']})" if package["commit"] else ""
    n = library["threads"]
    threads = counted(n, "thread") if n else "an unknown number of threads"
    source = f", from {library['threads_from']}" if library["threads_from"] else ""
    name = f"{library['name']} {library['version']} {library['core'] or ''}".strip()
    rows = {"gpunet": package["version"] + revision, "python": report["python"]}
    rows |= {k: v or "not installed" for k, v in report["packages"].items()}
    rows |= {
        "platform": report["platform"],
        "processor": report["cpu"],
        "cores": f"{report['cores_usable']} usable of {report['cores']}",
        "BLAS": f"{name}, {threads}{source}",
    }
    if report["memory_total"]:
        free, total = _gib(report["memory_free"]), _gib(report["memory_total"])
        rows["memory"] = f"{free} of {total} free"
    for gpu in report["gpus"]:
        rows[f"GPU {gpu.get('index')}"] = ", ".join([*gpu.values()][1:])
    show("This machine", ["What", "found"], [*rows.items()])
    devices = [[*row.values()] for row in report["devices"]]
    show("Devices", ["Device", "state", "what"], devices)
    for hint in report["hints"] or ["no problems found"]:
        console().print(f"hint: {hint}", markup=False)


def _gib(n: int) -> str:
    return f"{n / 2**30:.1f} GiB"


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
