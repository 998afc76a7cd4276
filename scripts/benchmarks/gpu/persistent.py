"""What the GPU report measures of the persistent CUDA engine.

`measure` times whole runs with everything a user waits for, the first compilation
apart; compares a population's accuracy with the CPU's; and compares a network
trained alone with the same one trained beside another, bit for bit.
"""

import time
from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from gpunet.backend import open_backend
from gpunet.blocks import mlp
from gpunet.data import Splits, read_mnist
from gpunet.fast.cuda.persistent.stepper import PersistentStepper, shared_limit
from gpunet.fast.cuda.persistent.thread_layout import thread_layouts
from gpunet.network import Network
from gpunet.optimizers import SGD
from gpunet.training import Settings, Trainer
from gpunet.training.metrics import evaluate

from . import Verdict, verdict

TARGETS = {"one": 0.6, "many": 1.2, "small": 6.0}  # seconds


class Size(NamedTuple):
    """How much is measured."""

    rows: int = 50_000
    epochs: int = 30
    many: int = 256  # networks of 784-30-10 trained at once
    small: int = 1000  # networks of 784-16-16-10
    compared: int = 100  # networks whose accuracy is compared with the CPU's
    layouts: int = 8  # thread layouts that are timed, the expected best first


FULL, QUICK = Size(), Size(10_000, 2, 256, 200, 20, 3)


def measure(device: str, size: Size, until: float) -> Verdict:
    """Measure as much as `size` says; what would start after `until` is left out."""
    raw, left_out = read_mnist(), []
    numbers: dict[str, Any] = {}
    # bytes, to be scaled on the device
    data = replace(raw, train=raw.train.take(slice(size.rows)))
    jobs = {
        "one": lambda: _time(device, data, size),
        "bits": lambda: _bits(device, data, size),
        "many": lambda: _time(device, data, size, population=size.many),
        "small": lambda: _time(device, data, size, population=size.small, deep=True),
        "layouts": lambda: _layouts(device, data, size),
        "accuracy": lambda: _accuracy(device, data, size),
        "many, own orders": lambda: _time(
            device, data, size, population=size.many, shuffle="per_member"
        ),
    }
    for name, job in jobs.items():
        if time.monotonic() < until:
            numbers[name] = job()
        else:
            left_out.append(name)
    passed = numbers.get("bits", {}).get("equal", True)
    passed &= numbers.get("accuracy", {}).get("within", True)
    times = [
        f"{name} {numbers[name]['seconds']['median']:.3g} s (target {target:g})"
        for name, target in TARGETS.items()
        if name in numbers
    ]
    if left_out:
        times.append(f"not done: {', '.join(left_out)}")
    return verdict(passed, "; ".join(times), numbers=numbers, size=size._asdict())


def _net(
    device: str, population: int | None, deep: bool = False, seed: int = 0
) -> Network:
    where: dict[str, Any] = {"population": population, "seed": seed, "device": device}
    if deep:
        return mlp([784, 16, 16, 10], "relu", **where)
    sigmoids: dict[str, Any] = {"output": "sigmoid", "loss": "half_squared_error"}
    return mlp([784, 30, 10], "sigmoid", **sigmoids, **where)


def _trainer(net: Network, data: Splits, **settings: Any) -> Trainer:
    on_gpu = net.backend.name.startswith("cuda")
    kind = {"batch_size": 10, "engine": "compiled" if on_gpu else "auto"} | settings
    rate = 3.0 if net.loss.name == "half_squared_error" else 0.1
    return Trainer(net, data, Settings(optimizer=SGD(rate), **kind))


def _time(
    device: str,
    data: Splits,
    size: Size,
    population: int | None = None,
    deep: bool = False,
    shuffle: str = "shared",
) -> dict[str, Any]:
    """Time whole runs: median, least and most of 3, and the first with compiling."""
    batch = 32 if deep else 10
    settings = {"epochs": size.epochs, "batch_size": batch, "shuffle": shuffle}
    times = []
    for _ in range(4):
        net = _net(device, population, deep)
        started = time.perf_counter()
        run = _trainer(net, data, **settings)
        ready = time.perf_counter()
        run.run()
        net.backend.synchronize()
        times.append((ready - started, time.perf_counter() - ready))
    trained = sorted(t for _, t in times[1:])
    steps = run.step * (population or 1)
    return {
        "engine": type(run.steppers[0]).__name__,
        "seconds": {"median": trained[1], "least": trained[0], "most": trained[2]},
        "us a net-step": 1e6 * trained[1] / steps,
        "data layout": times[-1][0],
        "first run, compiling included": sum(times[0]),
        "expected us a step": _expected(run),
    }


def _expected(run: Trainer) -> float | None:
    """Return the arithmetic's microseconds of one block's step at 1.98 GHz."""
    part = run.steppers[0]
    return (
        part.layout.counts.clocks / 1980
        if isinstance(part, PersistentStepper)
        else None
    )


def _bits(device: str, data: Splits, size: Size) -> dict[str, Any]:
    """Train two networks at once, then each alone: one seed, one run."""
    bk = open_backend(device)
    settings = {"epochs": min(size.epochs, 2), "shuffle": "per_member"}
    both = _net(device, 2)
    _trainer(both, data, **settings).run()
    equal = []
    for i in range(2):
        alone = _net(device, None, seed=i)
        _trainer(alone, data, **settings).run()
        equal += [
            bk.to_host(both.params[name])[i].tobytes() == bk.to_host(p).tobytes()
            for name, p in alone.params.items()
        ]
    return {"equal": all(equal), "tensors": len(equal)}


def _layouts(device: str, data: Splits, size: Size) -> list[dict[str, Any]]:
    """Time an epoch of 784-30-10 by each layout, beside what arithmetic expects."""
    net, rows = _net(device, None), []
    run = _trainer(net, data, epochs=1)
    part = run.steppers[0]
    assert isinstance(part, PersistentStepper)
    with net.backend.use():
        for layout in thread_layouts(part.layout.spec, shared_limit(net))[
            : size.layouts
        ]:
            made = PersistentStepper(part.state, layout)
            made.batches.start_epoch(0)
            row = {n: getattr(layout, n) for n in ("threads", "lanes_out", "outs")}
            row |= {"tile": layout.tile, "expected us": layout.counts.clocks / 1980}
            rows.append(row | {"us": _epoch_us(made)})
    return rows


def _epoch_us(part: PersistentStepper) -> float:
    times, n = [], part.batches.n_steps
    for _ in range(4):
        part.net.backend.synchronize()
        started = time.perf_counter()
        part.run(0, 0, n, [1.0] * n)
        part.net.backend.synchronize()
        times.append(time.perf_counter() - started)
    return 1e6 * sorted(times[1:])[1] / n


def _accuracy(device: str, data: Splits, size: Size) -> dict[str, Any]:
    """Compare a population's test accuracy after one epoch with the CPU's."""
    scores: dict[str, Any] = {}
    for name in (device, "cpu"):
        net = _net(name, size.compared)
        _trainer(net, data, epochs=1, shuffle="per_member").run()
        accuracy = evaluate(net, data.test)["accuracy"]
        error = float(np.std(accuracy, ddof=1)) / sqrt(len(accuracy))
        scores[name] = {"mean": float(np.mean(accuracy)), "standard error": error}
    gpu, cpu = scores[device], scores["cpu"]
    apart = abs(gpu["mean"] - cpu["mean"])
    both = sqrt(gpu["standard error"] ** 2 + cpu["standard error"] ** 2)
    return scores | {
        "apart": apart,
        "standard error": both,
        "within": apart <= 2 * both,
    }
