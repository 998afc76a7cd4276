"""`gpunet doctor`: its work."""

import argparse
import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
from typing import Any

from ... import __version__
from ...backend import Backend, open_backend
from ...backend.threads import usable_cores
from ...errors import DeviceError
from ..machine import blas, commit, cpu_model, memory_bytes, version
from ..tables import as_json, console, show

_NEEDED = ("numpy", "array-api-compat", "safetensors", "rich")
_OPTIONAL = ("numba", "torch", "array-api-strict", "matplotlib", "threadpoolctl")
_CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")
# Modules by which a device can be judged without importing what is slow.
_MODULES = {"torch:cpu": "torch", "torch:cuda": "torch", "strict:1": "array_api_strict"}
DEVICES = ("cpu", "cuda", "torch:cpu", "torch:cuda", "strict:1")


def run(args: argparse.Namespace) -> int:
    """Print what there is; return 0."""
    found = examine(full=args.full)
    if args.json:
        print(as_json(found))
    else:
        _print(found)
    return 0


def examine(full: bool = False) -> dict[str, Any]:
    """Return versions, processor, memory, BLAS, devices, GPUs and hints.

    Parameters
    ----------
    full : bool
        Open every device; otherwise PyTorch is only looked for, because its
        import takes seconds.
    """
    found: dict[str, Any] = {
        "gpunet": {"version": __version__, "commit": commit()},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in (*_NEEDED, *_OPTIONAL)},
        "cpu": cpu_model(),
        "cores_usable": usable_cores(),
        "cores": os.cpu_count(),
        "blas": blas(),
    }
    found["packages"]["cupy"] = next(filter(None, map(version, _CUPY)), None)
    memory = memory_bytes()
    found["memory_free"], found["memory_total"] = memory or (None, None)
    found["devices"] = [_device(name, full) for name in DEVICES]
    found["gpus"] = _gpus()
    found["hints"] = _hints(found)
    return found


def _device(name: str, full: bool) -> dict[str, Any]:
    row = {"device": name, "state": "ok", "what": ""}
    module = _MODULES.get(name)
    if not full and module and importlib.util.find_spec(module):
        row["state"], row["what"] = "installed", "not opened; see --full"
        return row
    try:
        row["what"] = _describe(open_backend(name))
    except DeviceError as error:
        row["state"] = "absent"
        row["what"] = str(error).removeprefix("device: ").partition(": ")[2]
    return row


def _describe(bk: Backend) -> str:
    if bk.name == "cpu":
        return f"NumPy on {usable_cores()} core(s)"
    words = [type(bk).__name__.removesuffix("Backend")]
    if memory := bk.memory():
        words.append(f"{_gib(memory[0])} of {_gib(memory[1])} free")
    if bk.name.startswith("cuda"):
        runtime = importlib.import_module("cupy").cuda.runtime
        known = runtime.getDeviceProperties(int(bk.name.partition(":")[2]))
        words.insert(0, known["name"].decode())
        words.append(f"compute {known['major']}.{known['minor']}")
        cuda, driver = runtime.runtimeGetVersion(), runtime.driverGetVersion()
        words.append(f"CUDA {_cuda(cuda)}, driver for {_cuda(driver)}")
    return ", ".join(words)


def _gpus() -> list[dict[str, str]]:
    """Return the GPUs that the driver's own tool sees, with or without CuPy."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    fields = ("index", "name", "memory.total", "driver_version")
    query = [tool, f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode:
        return []
    rows = [line.split(", ") for line in done.stdout.splitlines()]
    return [dict(zip(fields, row, strict=False)) for row in rows]


def _hints(found: dict[str, Any]) -> list[str]:
    hints = []
    state = {row["device"]: row for row in found["devices"]}
    if state["cuda"]["state"] == "absent" and found["gpus"]:
        hints.append(
            f"{found['gpus'][0].get('name', 'a GPU')} is here but cannot be used: "
            f"{state['cuda']['what']}"
        )
    if version("cupy") and any(map(version, _CUPY[:2])):
        hints.append(
            "cupy and cupy-cudaNNx are both installed and hide each other; "
            "uninstall both, then install one"
        )
    threads, cores = found["blas"]["threads"], found["cores_usable"]
    if threads and threads > cores:
        hints.append(
            f"BLAS has {threads} threads for {cores} core(s); give --threads {cores}"
        )
    if os.environ.get("CUPY_TF32", "0") not in ("", "0"):
        hints.append("CUPY_TF32 is set: float32 products keep 10 bits; unset it")
    if found["packages"]["numba"] is None:
        hints.append(
            "numba is missing: small networks train many times slower without it; "
            'python -m pip install "gpunet[fast]"'
        )
    free = found["memory_free"]
    if free is not None and free < 2**30:
        hints.append(f"only {_gib(free)} of memory is free; close something")
    hints += [
        f"{name} is missing; python -m pip install {name}"
        for name in _NEEDED
        if found["packages"][name] is None
    ]
    return hints


def _print(found: dict[str, Any]) -> None:
    own, linear = found["gpunet"], found["blas"]
    at = f" (commit {own['commit']})" if own["commit"] else ""
    threads = linear["threads"] or "an unknown number of"
    source = f", from {linear['threads_from']}" if linear["threads_from"] else ""
    library = f"{linear['name']} {linear['version']} {linear['core'] or ''}".strip()
    rows = [("gpunet", own["version"] + at), ("python", found["python"])]
    rows += [(k, v or "not installed") for k, v in found["packages"].items()]
    rows += [
        ("platform", found["platform"]),
        ("processor", found["cpu"]),
        ("cores", f"{found['cores_usable']} usable of {found['cores']}"),
        ("BLAS", f"{library}, {threads} thread(s){source}"),
    ]
    if found["memory_total"]:
        free, total = _gib(found["memory_free"]), _gib(found["memory_total"])
        rows.append(("memory", f"{free} of {total} free"))
    for gpu in found["gpus"]:
        rows.append((f"GPU {gpu.get('index')}", ", ".join([*gpu.values()][1:])))
    show("This machine", ["What", "found"], rows)
    devices = [(row["device"], row["state"], row["what"]) for row in found["devices"]]
    show("Devices", ["Device", "state", "what"], devices)
    for hint in found["hints"] or ["nothing stands in the way"]:
        console().print(f"hint: {hint}", markup=False)


def _gib(n: int) -> str:
    return f"{n / 2**30:.1f} GiB"


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
