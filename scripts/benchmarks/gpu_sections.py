"""The sections of `scripts/gpu_report.py`: each runs alone, in a process of its own.

A section returns a verdict ("ok", "FAILED", "not done"), one line that says what
was found, and perhaps tables. What the device cannot do is "not done" and why.
"""

import contextlib
import datetime
import importlib
import importlib.util
import io
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.blocks import mlp
from gpunet.cli import main
from gpunet.cli.commands.doctor import examine
from gpunet.cli.digits import training_digits
from gpunet.cli.machine import ROOT, commit, cpu_model, version
from gpunet.optimizers import SGD, Adam
from gpunet.runs.presets import PRESETS
from gpunet.training.fit import fit

from . import crossover as widths
from . import gpu_persistent, gpu_speed

Found = dict[str, Any]


class Asked(NamedTuple):
    """What a section is asked for; `seconds` is all the time that it has."""

    device: str
    quick: bool
    seconds: float

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU is asked for."""
        return "cuda" in self.device


def _found(good: bool, what: str, **more: Any) -> Found:
    return {"verdict": "ok" if good else "FAILED", "what": what, **more}


def _not_done(why: str) -> Found:
    return {"verdict": "not done", "what": why}


def machine(asked: Asked) -> Found:
    """Say what it was measured on."""
    state = examine()
    words, gpu = [f"device {asked.device}"], state["gpus"][:1]
    if gpu:
        words += [gpu[0]["name"], f"driver {gpu[0].get('driver_version')}"]
    if asked.on_gpu:
        runtime = importlib.import_module("cupy").cuda.runtime
        words.append(f"CUDA {runtime.runtimeGetVersion()}")
    names = ("cupy", "torch", "jax")
    versions = {n: state["packages"].get(n) or version(n) for n in names}
    versions |= {"numpy": np.__version__, "python": platform.python_version()}
    words += [f"{n} {v}" for n, v in versions.items() if v]
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")
    words += [cpu_model(), f"{usable_cores()} cores", f"commit {commit()}", date]
    line = "; ".join(words)
    gpu_said = {"gpus": state["gpus"], "versions": versions, "date": date}
    return _found(True, words[1] if gpu else "no GPU", line=line, **gpu_said)


def _command(*words: Any) -> tuple[int, str, str]:
    """Run one of gpunet's commands in this process; return (code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*map(str, words)])
    return code, out.getvalue(), err.getvalue()


def parity(asked: Asked) -> Found:
    """Hold every kind of network against the CPU."""
    code, out, err = _command(
        "parity", "--devices", asked.device, "--require", asked.device, "--json"
    )
    if code > 1:
        return _found(False, err.strip()[-300:])
    rows = json.loads(out)["rows"]
    # How far from the tolerance: without one there is no promise.
    bound = [r for r in rows if r["tolerance"] and r["error"]]
    worst = max(bound, key=lambda r: r["error"] / r["tolerance"], default=None)
    what = f"{len(rows)} comparisons"
    if worst:
        off, most = f"{worst['error']:.1e}", f"{worst['tolerance']:.0e}"
        where = f"{worst['quantity']} of {worst['network']}, {worst['dtype']}"
        what += f"; the worst: {where}, {off} of {most} allowed"
    return _found(code == 0, what, rows=rows)


_NETS = {
    "784-30-10 sigmoid, squares": lambda **own: mlp(
        [784, 30, 10], "sigmoid", output="sigmoid", loss="half_squared_error", **own
    ),
    "784-16-16-10 relu": lambda **own: mlp([784, 16, 16, 10], "relu", **own),
    "784-512-512-10 gelu, dropout": lambda **own: mlp(
        [784, 512, 512, 10], "gelu", dropout=0.1, **own
    ),
    "3 of 784-30-10 tanh": lambda **own: mlp(
        [784, 30, 10], "tanh", population=3, **own
    ),
}
_OPTIMIZERS = {
    "SGD": lambda: SGD(0.1, l2=1e-4),
    "momentum": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "Adam": lambda: Adam(0.001, eps=1e-3),
}


def _ten_steps(make: Any, opt: Any, device: str, **how: Any) -> dict[str, np.ndarray]:
    net = make(device=device, seed=3)
    part = training_digits(1275)  # ten batches, the last one short
    fit(net, part, epochs=1, batch_size=128, optimizer=opt(), **how)
    return {name: net.backend.to_host(p) for name, p in net.params.items()}


def _apart(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    return max(
        float(np.max(np.abs(a[n] - p)) / max(np.max(np.abs(p)), 1e-30))
        if np.isfinite(a[n]).all()
        else float("inf")
        for n, p in b.items()
    )


def engines(asked: Asked) -> Found:
    """Hold the compiled engines against the loop on the CPU after ten steps."""
    rows, good = [], True
    tries = [("auto", "float32", 1e-4)]
    if asked.on_gpu:
        tries = [("compiled", p, t) for p, t in (("float32", 1e-4), ("tf32", 1e-2))]
        tries.append(("compiled", "float16", 1e-2))
    for net, make in _NETS.items():
        for name, opt in _OPTIMIZERS.items():
            wanted = _ten_steps(make, opt, "cpu", engine="loop")
            for engine, precision, limit in tries:
                how = {"engine": engine, "precision": precision}
                apart = _apart(_ten_steps(make, opt, asked.device, **how), wanted)
                good &= apart <= limit
                rows.append([net, name, engine, precision, f"{apart:.1e}"])
                rows[-1].append("within" if apart <= limit else "OUT")
    columns = ["Network", "optimizer", "engine", "precision", ">apart", "verdict"]
    tables = [("Weights after ten steps, from the loop's on the CPU", columns, rows)]
    what = f"{len(rows)} runs of ten steps; worst {max(float(r[4]) for r in rows):.1e}"
    return _found(good, what, tables=tables)


def repeats(asked: Asked) -> Found:
    """Train again and again from one start: the bits must be the same."""
    n, steps = (5, 50) if asked.quick or not asked.on_gpu else (100, 200)
    until, part = time.monotonic() + asked.seconds - 3, training_digits(steps * 32)
    lines, good = [], True
    for engine in ("loop", "auto"):
        first, done, same = None, 0, True
        # Each engine may take half of the time that is left.
        mine = time.monotonic() + (until - time.monotonic()) / (2 - (engine == "auto"))
        while done < n and (done < 2 or time.monotonic() < mine):
            net = mlp([784, 30, 10], "relu", dropout=0.1, device=asked.device, seed=1)
            fit(net, part, epochs=1, batch_size=32, optimizer=Adam(), engine=engine)
            bits = [net.backend.to_host(p).tobytes() for p in net.params.values()]
            first, done = first or bits, done + 1
            same &= bits == first
        good &= same
        verdict = "equal bits" if same else "DIFFERENT bits"
        lines.append(f"{engine}: {verdict} in {done} runs of {steps} steps")
    return _found(good, "; ".join(lines))


def memory(asked: Asked) -> Found:
    """Fill the GPU's memory: exit code 6, one line, and the GPU usable after it."""
    if not asked.on_gpu:
        return _not_done("only a GPU's pool has a limit to run into")
    cases = {
        "weights": ["--sizes", "784-8192-8192-10", "--batch-size", "128"],
        "data and step": ["--sizes", "784-1024-10", "--batch-size", "60000"],
    }
    lines, good = [], True
    for name, words in cases.items():
        command = [sys.executable, "-m", "gpunet", "train", "--device", asked.device]
        command += [*words, "--epochs", "1", "--out", f"oom-{name[:4]}"]
        done = subprocess.run(
            command,
            env=os.environ | {"CUPY_GPU_MEMORY_LIMIT": str(64 << 20)},
            capture_output=True,
            text=True,
            timeout=asked.seconds,
            check=False,
        )
        said = (done.stderr.strip().splitlines() or [""])[-1]
        good &= done.returncode == 6 and "--batch-size" in said
        lines.append(f"{name}: exit {done.returncode}, {said[:160]}")
    return _found(good, "; ".join(lines))


def resume(asked: Asked) -> Found:
    """Begin on one device, go on with the other: the weights must come over."""
    fast = ["--sizes", "784-30-10", "--epochs", "1", "--batch-size", "128"]
    lines, good = [], True
    for first, second in ((asked.device, "cpu"), ("cpu", asked.device)):
        out = f"resume-{first}-{second}".replace(":", "")
        begun = _command(
            "train", *fast, "--device", first, "--max-steps", 100, "--out", out
        )
        gone_on = _command(
            *("train", "--out", out, "--resume", "auto", "--device", second),
        )
        checked = _command("verify", out)
        codes = begun[0], gone_on[0], checked[0]
        good &= codes == (0, 0, 0)
        result = json.loads(Path(out, "result.json").read_text()) if good else {}
        score = result.get("test_accuracy")
        lines.append(f"{first} to {second}: exits {codes}, accuracy {score}")
        good &= bool(score and score > 0.8)
        if not good:
            lines.append((begun[2] + gone_on[2]).strip()[-200:])
    return _found(good, "; ".join(lines))


def population(asked: Asked) -> Found:
    """Time a net-step of 100 networks at once against that of one."""
    n, batches = (10, 100) if asked.quick else (100, 1000)
    part = training_digits(10 * batches)
    us = {}
    for members in (None, n):
        own = {"population": members, "device": asked.device}
        times = []
        for _ in range(3):
            net = mlp([784, 16, 16, 10], "relu", **own)
            started = time.perf_counter()
            fit(net, part, epochs=1, batch_size=10, optimizer=SGD(0.1), track=False)
            net.backend.synchronize()
            steps = batches * (members or 1)
            times.append(1e6 * (time.perf_counter() - started) / steps)
        us[members or 1] = sorted(times)[1]
    what = (
        f"784-16-16-10 at batch 10: one network {us[1]:.1f} us a step, {n} at once "
        f"{us[n]:.2f} us a net-step ({us[1] / us[n]:.0f} times less); laying out "
        "included, medians of 3"
    )
    return _found(True, what, us={str(k): v for k, v in us.items()})


def presets(asked: Asked) -> Found:
    """Train the main job and every preset."""
    least = {"default": 0.96, "nielsen": 0.90, "nielsen-l2": 0.93}
    least |= {"3b1b": 0.85, "albahari": 0.88}
    until, rows, good = time.monotonic() + asked.seconds - 2, [], True
    for name in PRESETS:
        if time.monotonic() > until - 10:
            rows.append([name, None, None, None, "no time left"])
            continue
        epochs = 1 if asked.quick or not asked.on_gpu else PRESETS[name]["epochs"]
        if name == "albahari":
            epochs = 1  # one example a step
        words = ["train", "--preset", name, "--device", asked.device]
        started = time.perf_counter()
        code, _, err = _command(*words, "--epochs", epochs, "--out", f"preset-{name}")
        seconds = f"{time.perf_counter() - started:.1f}"
        score = 0.0
        if code == 0:
            result = json.loads(Path(f"preset-{name}", "result.json").read_text())
            score = result["test_accuracy"]
        fine = code == 0 and score >= least[name]
        good &= fine
        verdict = "ok" if fine else err.strip()[-120:]
        rows.append([name, epochs, f"{100 * score:.2f} %", seconds, verdict])
    columns = ["Preset", ">epochs", ">test accuracy", ">s in all", "verdict"]
    return _found(good, f"{len(rows)} presets", tables=[("Presets", columns, rows)])


def persistent(asked: Asked) -> Found:
    """Time the engine of small networks, and hold it against the CPU."""
    if not asked.on_gpu:
        return _not_done("its kernel needs a GPU")
    return gpu_persistent.measure(asked.device, asked.quick, asked.seconds - 10)


def speed(asked: Asked) -> Found:
    """Time steps against the rivals in float32."""
    return _found(**gpu_speed.measure(*asked, tf32=False))


def speed_tf32(asked: Asked) -> Found:
    """Time steps against the rivals in TF32."""
    if not asked.on_gpu:
        return _not_done("TF32 is a GPU's")
    return _found(**gpu_speed.measure(*asked, tf32=True))


def crossover(asked: Asked) -> Found:
    """Say from which size on the device wins over the CPU."""
    devices = ["cpu", asked.device]
    result = widths.measure(
        devices, quick=asked.quick or not asked.on_gpu, seconds=asked.seconds - 8
    )
    what = "; ".join(result["advice"]) or "no time for a single case"
    return _found(bool(result["cells"]), what, tables=[widths.table(result)])


def tests(asked: Asked) -> Found:
    """Run the tests that run on every backend, on this one."""
    library = {"cuda": "cupy", "stri": "strict", "cpu": "numpy"}[asked.device[:4]]
    if not (ROOT / "tests").exists():
        return _not_done("the tests are not beside this package")
    for module in ("pytest", "hypothesis"):
        if importlib.util.find_spec(module) is None:
            return _not_done(f"{module} is not installed")
    chosen = {"cupy": "cuda", "strict": "strict", "numpy": "cpu"}[library]
    names = ["test_layers", "test_losses", "test_activations", "test_optimizers"]
    names += ["test_network", "test_backend", "test_training_parts", "test_population"]
    names += ["test_runs_checkpoint", "test_training_loop", "test_training_batches"]
    names = names[:2] if asked.quick else names
    files = [ROOT / "tests" / f"{name}.py" for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-k", chosen, *(str(f) for f in files if f.exists())],
        cwd=ROOT,
        env=os.environ | {"GPUNET_REQUIRE": library},
        capture_output=True,
        text=True,
        timeout=max(asked.seconds - 2, 5),
        check=False,
    )
    last = (done.stdout.strip().splitlines() or ["nothing was said"])[-1]
    return _found(done.returncode == 0, last, log=done.stdout[-3000:])


def section(name: str, device: str, quick: bool, seconds: float) -> Found:
    """Return what one section finds; an error becomes its verdict."""
    try:
        return globals()[name.replace("-", "_")](Asked(device, quick, seconds))
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return _found(False, what[:300])


if __name__ == "__main__":
    found = section(sys.argv[1], sys.argv[2], sys.argv[3] == "1", float(sys.argv[4]))
    Path(sys.argv[5]).write_text(json.dumps(found))
