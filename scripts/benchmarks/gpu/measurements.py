"""Sections of the GPU report that measure, and the machine that they run on."""

import importlib
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from gpunet.blocks import mlp
from gpunet.cli.commands.doctor import examine
from gpunet.cli.machine import version
from gpunet.optimizers import SGD
from gpunet.runs.presets import PRESETS
from gpunet.training.fit import fit

from .. import report
from ..choices import devices
from ..digits import training_digits
from . import Request, Verdict, not_done, verdict
from . import persistent as small_networks
from . import speed as rivals
from .checks import run_command

# The least test accuracy of each preset; `albahari` trains one example a step.
_ACCURACY = {
    **{"default": 0.96, "nielsen": 0.90, "nielsen-l2": 0.93},
    **{"3b1b": 0.85, "albahari": 0.88},
}


def machine(request: Request) -> Verdict:
    """Describe the machine."""
    state = examine()
    words, gpus = [f"device {request.device}"], state["gpus"][:1]
    if gpus:
        words += [gpus[0]["name"], f"driver {gpus[0].get('driver_version')}"]
    if request.on_gpu:
        runtime = importlib.import_module("cupy").cuda.runtime
        words.append(f"CUDA {runtime.runtimeGetVersion()}")
    names = ("cupy", "torch", "jax")
    versions = {n: state["packages"].get(n) or version(n) for n in names}
    versions |= {"numpy": np.__version__, "python": platform.python_version()}
    words += [f"{n} {v}" for n, v in versions.items() if v]
    host = report.machine(())
    words += [host["cpu"], f"{host['cores']} cores", f"commit {host['commit']}"]
    more = {"gpus": state["gpus"], "versions": versions, "date": host["date"]}
    line = "; ".join([*words, host["date"]])
    return verdict(True, words[1] if gpus else "no GPU", line=line, **more)


def population(request: Request) -> Verdict:
    """Time a net-step of 100 networks at once against that of one."""
    n, batches = (10, 100) if request.quick else (100, 1000)
    data, us = training_digits(10 * batches), {}
    for members in (None, n):
        times = []
        for _ in range(3):
            net = mlp(
                [784, 16, 16, 10], "relu", population=members, device=request.device
            )
            started = time.perf_counter()
            fit(
                net,
                data,
                epochs=1,
                batch_size=10,
                optimizer=SGD(0.1),
                compute_metrics=False,
                progress=False,
            )
            net.backend.synchronize()
            steps = batches * (members or 1)
            times.append(1e6 * (time.perf_counter() - started) / steps)
        us[members or 1] = sorted(times)[1]
    what = (
        f"784-16-16-10 at batch 10: one network {us[1]:.1f} us a step, {n} at once "
        f"{us[n]:.2f} us a net-step ({us[1] / us[n]:.0f} times less); data layout "
        "included, medians of 3"
    )
    return verdict(True, what, us={str(k): v for k, v in us.items()})


def presets(request: Request) -> Verdict:
    """Train every preset."""
    until, passed = time.monotonic() + request.seconds - 2, True
    rows: list[list[Any]] = []
    for name in PRESETS:
        if time.monotonic() > until - 10:
            rows.append([name, None, None, None, "no time left"])
            continue
        short = request.quick or not request.on_gpu or name == "albahari"
        epochs = 1 if short else PRESETS[name]["epochs"]
        words = ["train", "--preset", name, "--device", request.device]
        started = time.perf_counter()
        out = f"preset-{name}"
        code, _, err = run_command(*words, "--epochs", epochs, "--out", out)
        seconds = f"{time.perf_counter() - started:.1f}"
        accuracy = 0.0
        if code == 0:
            result = json.loads(Path(out, "result.json").read_text())
            accuracy = result["test_accuracy"]
        enough = code == 0 and accuracy >= _ACCURACY[name]
        passed &= enough
        outcome = "ok" if enough else err.strip()[-120:]
        rows.append([name, epochs, f"{100 * accuracy:.2f} %", seconds, outcome])
    columns = ["Preset", ">epochs", ">test accuracy", ">s in all", "verdict"]
    return verdict(passed, f"{len(rows)} presets", tables=[("Presets", columns, rows)])


def persistent(request: Request) -> Verdict:
    """Time the engine of small networks, and compare it with the CPU."""
    if not request.on_gpu:
        return not_done("its kernel needs a GPU")
    size = small_networks.QUICK if request.quick else small_networks.FULL
    until = time.monotonic() + request.seconds - 10
    return small_networks.measure(request.device, size, until)


def speed(request: Request) -> Verdict:
    """Time steps against the rivals in float32."""
    return rivals.measure(request, tf32=False)


def speed_tf32(request: Request) -> Verdict:
    """Time steps against the rivals in TF32."""
    if not request.on_gpu:
        return not_done("only a GPU has TF32")
    return rivals.measure(request, tf32=True)


def crossover(request: Request) -> Verdict:
    """Find the size from which on the device is faster than the CPU."""
    result, tables = devices.benchmark(
        ["cpu", request.device],
        quick=request.quick or not request.on_gpu,
        seconds=request.seconds - 8,
    )
    what = "; ".join(result["advice"]) or "no time for a single case"
    return verdict(bool(result["cells"]), what, tables=tables)
