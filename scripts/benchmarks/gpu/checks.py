"""Sections of the GPU report that check results: parity, engines, bits, files."""

import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpunet.blocks import mlp
from gpunet.cli import main
from gpunet.cli.machine import ROOT
from gpunet.optimizers import SGD, Adam, Optimizer
from gpunet.training.fit import fit

from ..digits import training_digits
from ..rivals import QUADRATIC, relative_difference
from . import Request, Verdict, not_done, verdict

TESTED = (  # the test files that run on every backend, the quickest two first
    *("test_layers", "test_losses", "test_activations", "test_optimizers"),
    *("test_network", "test_backend", "test_training_steppers", "test_population"),
    *("test_runs_checkpoint", "test_training_loop", "test_training_batches"),
)


def run_command(*words: Any) -> tuple[int, str, str]:
    """Run one of gpunet's commands in this process; return (code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*map(str, words)])
    return code, out.getvalue(), err.getvalue()


def parity(request: Request) -> Verdict:
    """Compare every kind of network with the CPU."""
    device = request.device
    code, out, err = run_command(
        "parity", "--devices", device, "--require", device, "--json"
    )
    if code > 1:
        return verdict(False, err.strip()[-300:])
    rows = json.loads(out)["rows"]
    # Relative to the tolerance: without one nothing is promised.
    bounded = [r for r in rows if r["tolerance"] and r["error"]]
    worst = max(bounded, key=lambda r: r["error"] / r["tolerance"], default=None)
    what = f"{len(rows)} comparisons"
    if worst:
        apart, limit = f"{worst['error']:.1e}", f"{worst['tolerance']:.0e}"
        where = f"{worst['quantity']} of {worst['network']}, {worst['dtype']}"
        what += f"; the worst: {where}, {apart} of {limit} allowed"
    return verdict(code == 0, what, rows=rows)


_NETS: dict[str, tuple[list[int], dict[str, Any]]] = {
    "784-30-10 sigmoid, squares": ([784, 30, 10], QUADRATIC),
    "784-16-16-10 relu": ([784, 16, 16, 10], {"activation": "relu"}),
    "784-512-512-10 gelu, dropout": (
        [784, 512, 512, 10],
        {"activation": "gelu", "dropout": 0.1},
    ),
    "3 of 784-30-10 tanh": ([784, 30, 10], {"activation": "tanh", "population": 3}),
}
_OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "SGD": lambda: SGD(0.1, l2=1e-4),
    "momentum": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "Adam": lambda: Adam(0.001, eps=1e-3),
}


def _ten_steps(
    name: str, optimizer: str, device: str, **settings: Any
) -> list[np.ndarray]:
    sizes, kind = _NETS[name]
    net = mlp(sizes, **kind, device=device, seed=3)
    settings |= {"optimizer": _OPTIMIZERS[optimizer](), "batch_size": 128}
    settings |= {"epochs": 1, "progress": False}
    fit(net, training_digits(1275), **settings)  # the last one is short
    return [net.backend.to_host(p) for p in net.params.values()]


def engines(request: Request) -> Verdict:
    """Compare the compiled engines with the loop on the CPU after ten steps."""
    rows, passed = [], True
    tries = [("auto", "float32", 1e-4)]
    if request.on_gpu:
        tries = [("compiled", p, t) for p, t in (("float32", 1e-4), ("tf32", 1e-2))]
        tries.append(("compiled", "float16", 1e-2))
    for net in _NETS:
        for optimizer in _OPTIMIZERS:
            reference = _ten_steps(net, optimizer, "cpu", engine="loop")
            for engine, precision, limit in tries:
                how = {"engine": engine, "precision": precision}
                weights = _ten_steps(net, optimizer, request.device, **how)
                apart = relative_difference(weights, reference)
                passed &= apart <= limit
                rows.append([net, optimizer, engine, precision, f"{apart:.1e}"])
                rows[-1].append("within" if apart <= limit else "OUT")
    columns = ["Network", "optimizer", "engine", "precision", ">apart", "verdict"]
    tables = [("Weights after ten steps, from the loop's on the CPU", columns, rows)]
    what = f"{len(rows)} runs of ten steps; worst {max(float(r[4]) for r in rows):.1e}"
    return verdict(passed, what, tables=tables)


def repeats(request: Request) -> Verdict:
    """Train again and again from one start: the bits must be the same."""
    short = request.quick or not request.on_gpu
    n, steps = (5, 50) if short else (100, 200)
    until, data = time.monotonic() + request.seconds - 3, training_digits(steps * 32)
    lines, passed = [], True
    for engine in ("loop", "auto"):
        first, done, same = None, 0, True
        # Each engine may use half of the time that is left.
        left = (until - time.monotonic()) / (1 if engine == "auto" else 2)
        deadline = time.monotonic() + left
        while done < n and (done < 2 or time.monotonic() < deadline):
            net = mlp([784, 30, 10], "relu", dropout=0.1, device=request.device, seed=1)
            settings: Any = {"batch_size": 32, "engine": engine, "progress": False}
            fit(net, data, epochs=1, optimizer=Adam(), **settings)
            bits = [net.backend.to_host(p).tobytes() for p in net.params.values()]
            first, done = first or bits, done + 1
            same &= bits == first
        passed &= same
        bits_are = "equal bits" if same else "DIFFERENT bits"
        lines.append(f"{engine}: {bits_are} in {done} runs of {steps} steps")
    return verdict(passed, "; ".join(lines))


def memory(request: Request) -> Verdict:
    """Fill the GPU's memory: exit code 6, one line, and the GPU usable after it."""
    if not request.on_gpu:
        return not_done("only a GPU's memory pool has a limit")
    cases = {
        "weights": ["--sizes", "784-8192-8192-10", "--batch-size", "128"],
        "data and step": ["--sizes", "784-1024-10", "--batch-size", "60000"],
    }
    lines, passed = [], True
    for name, words in cases.items():
        command = [sys.executable, "-m", "gpunet", "train", "--device", request.device]
        command += [*words, "--epochs", "1", "--out", f"oom-{name[:4]}"]
        process = subprocess.run(
            command,
            env=os.environ | {"CUPY_GPU_MEMORY_LIMIT": str(64 << 20)},
            capture_output=True,
            text=True,
            timeout=request.seconds,
            check=False,
        )
        line = (process.stderr.strip().splitlines() or [""])[-1]
        passed &= process.returncode == 6 and "--batch-size" in line
        lines.append(f"{name}: exit {process.returncode}, {line[:160]}")
    return verdict(passed, "; ".join(lines))


def resume(request: Request) -> Verdict:
    """Start on one device and resume on the other."""
    settings = ["--sizes", "784-30-10", "--epochs", "1", "--batch-size", "128"]
    lines, passed = [], True
    for first, second in ((request.device, "cpu"), ("cpu", request.device)):
        out = f"resume-{first}-{second}".replace(":", "")
        start = ["train", *settings, "--device", first, "--max-steps", 100]
        results = [
            run_command(*start, "--out", out),
            run_command("train", "--out", out, "--resume", "auto", "--device", second),
            run_command("verify", out),
        ]
        codes = [code for code, _, _ in results]
        accuracy = 0.0
        if not any(codes):
            result = json.loads(Path(out, "result.json").read_text())
            accuracy = result.get("test_accuracy") or 0.0
        lines.append(f"{first} to {second}: exits {codes}, accuracy {accuracy}")
        if accuracy <= 0.8:
            passed = False
            lines.append("".join(err for _, _, err in results).strip()[-200:])
    return verdict(passed, "; ".join(lines))


def tests(request: Request) -> Verdict:
    """Run the tests that run on every backend, on this one."""
    backends = {"cuda": ("cupy", "cuda"), "stri": ("strict",) * 2}
    library, chosen = backends.get(request.device[:4], ("numpy", "cpu"))
    if not (ROOT / "tests").exists():
        return not_done("there are no tests beside this package")
    for module in ("pytest", "hypothesis"):
        if importlib.util.find_spec(module) is None:
            return not_done(f"{module} is not installed")
    names = TESTED[:2] if request.quick else TESTED
    files = [str(ROOT / "tests" / f"{name}.py") for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    process = subprocess.run(
        [*command, "-k", chosen, *files],
        cwd=ROOT,
        env=os.environ | {"GPUNET_REQUIRE": library},
        capture_output=True,
        text=True,
        timeout=max(request.seconds - 2, 5),
        check=False,
    )
    last = (process.stdout.strip().splitlines() or ["no output"])[-1]
    return verdict(process.returncode == 0, last, log=process.stdout[-3000:])
