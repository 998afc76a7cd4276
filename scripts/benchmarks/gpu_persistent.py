"""What the persistent CUDA engine is measured by, for `scripts/gpu_report.py`.

`measure` times whole runs with everything a user waits for but the first compilation,
which stands apart; compares a crowd's accuracy with the CPU's; and holds a network
trained alone against the same one beside another, bit for bit.
"""

import time
from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from gpunet.backend import open_backend
from gpunet.blocks import mlp
from gpunet.data import Splits, read_mnist
from gpunet.fast.cuda.persistent.stepper import Persistent, shared_limit
from gpunet.fast.cuda.persistent.thread_layout import plans
from gpunet.network import Network
from gpunet.optimizers import SGD
from gpunet.training.evaluate import evaluate
from gpunet.training.fit import trainer
from gpunet.training.loop import Trainer

TARGETS = {"one": 0.6, "many": 1.2, "crowd": 6.0}  # seconds


class Work(NamedTuple):
    """How much is done.

    Attributes
    ----------
    rows, epochs : int
    many, crowd : int
        Networks of 784-30-10, and of 784-16-16-10, trained at once.
    judged : int
        Networks whose accuracy is compared with the CPU's after one epoch.
    ways : int
        Plans to share the work that are timed, the expected best first.
    """

    rows: int = 50_000
    epochs: int = 30
    many: int = 256
    crowd: int = 1000
    judged: int = 100
    ways: int = 8


FULL, QUICK = Work(), Work(10_000, 2, 256, 200, 20, 3)


def measure(device: str, quick: bool = False, seconds: float = 300.0) -> dict[str, Any]:
    """Return a section of `scripts/gpu_report.py`: verdict, what, and all numbers."""
    return carry_out(device, QUICK if quick else FULL, time.monotonic() + seconds)


def carry_out(device: str, work: Work, until: float) -> dict[str, Any]:
    """Measure as much as `work` says; what would begin after `until` is left out."""
    data, found, left_out = _bytes(work.rows), {}, []
    jobs = {
        "one": lambda: _time(device, data, work),
        "bits": lambda: _bits(device, data, work),
        "many": lambda: _time(device, data, work, population=work.many),
        "crowd": lambda: _time(device, data, work, population=work.crowd, deep=True),
        "ways": lambda: _ways(device, data, work),
        "accuracy": lambda: _accuracy(device, data, work),
        "many, own orders": lambda: _time(
            device, data, work, population=work.many, order="own"
        ),
    }
    for name, job in jobs.items():
        if time.monotonic() < until:
            found[name] = job()
        else:
            left_out.append(name)
    good = found.get("bits", {}).get("equal", True)
    good &= found.get("accuracy", {}).get("within", True)
    times = [
        f"{name} {found[name]['seconds']['median']:.3g} s ({TARGETS[name]:g} wanted)"
        for name in TARGETS
        if name in found
    ]
    verdict = "ok" if good else "FAILED"
    what = "; ".join(times) + (f"; not done: {', '.join(left_out)}" if left_out else "")
    return {"verdict": verdict, "what": what, "found": found, "work": work._asdict()}


def _bytes(rows: int) -> Splits:
    """Return MNIST's first pictures as bytes, to be scaled on the device."""
    raw = read_mnist()
    return replace(raw, train=raw.train.take(slice(rows)))


def _net(device: str, population: int | None, deep: bool = False, seed=0) -> Network:
    if deep:
        sizes, kind = [784, 16, 16, 10], {"activation": "relu"}
    else:
        kind = {"activation": "sigmoid", "output": "sigmoid"}
        sizes, kind["loss"] = [784, 30, 10], "half_squared_error"
    return mlp(sizes, **kind, population=population, seed=seed, device=device)


def _job(net: Network, data: Splits, **settings: Any) -> Trainer:
    on_gpu = net.backend.name.startswith("cuda")
    kind = {"batch_size": 10, "engine": "compiled" if on_gpu else "auto"} | settings
    rate = 3.0 if net.loss.name == "half_squared_error" else 0.1
    return trainer(net, data, optimizer=SGD(rate), **kind)


def _time(device, data, work, population=None, deep=False, order="shared") -> dict:
    """Time whole runs: median, least and most of 3, and the first with compiling."""
    batch = 32 if deep else 10
    settings = {"epochs": work.epochs, "batch_size": batch, "order": order}
    times, engine, run = [], "", None
    for _ in range(4):
        net = _net(device, population, deep)
        started = time.perf_counter()
        run = _job(net, data, **settings)
        laid_out = time.perf_counter()
        run.run()
        net.backend.synchronize()
        times.append((laid_out - started, time.perf_counter() - laid_out))
        engine = type(run.parts[0]).__name__
    trained = sorted(t for _, t in times[1:])
    steps = run.step * (population or 1)
    return {
        "engine": engine,
        "seconds": {"median": trained[1], "least": trained[0], "most": trained[2]},
        "us a net-step": 1e6 * trained[1] / steps,
        "laying out": times[-1][0],
        "first run, compiling included": sum(times[0]),
        "expected us a step": _expected(run),
    }


def _expected(run: Trainer) -> float | None:
    """Return the arithmetic's microseconds of one block's step at 1.98 GHz."""
    part = run.parts[0]
    return part.plan.counts.clocks / 1980 if isinstance(part, Persistent) else None


def _bits(device: str, data: Splits, work: Work) -> dict[str, Any]:
    """Train two networks at once, then each alone: one seed, one run."""
    bk = open_backend(device)
    settings = {"epochs": min(work.epochs, 2), "order": "own"}
    crowd = _net(device, 2)
    _job(crowd, data, **settings).run()
    equal = []
    for i in range(2):
        alone = _net(device, None, seed=i)
        _job(alone, data, **settings).run()
        equal += [
            bk.to_host(crowd.params[name])[i].tobytes() == bk.to_host(p).tobytes()
            for name, p in alone.params.items()
        ]
    return {"equal": all(equal), "tensors": len(equal)}


def _ways(device: str, data: Splits, work: Work) -> list[dict[str, Any]]:
    """Time an epoch of 784-30-10 by each plan, beside what arithmetic expects."""
    net, rows = _net(device, None), []
    run = _job(net, data, epochs=1)
    part, shared = run.parts[0], {"track": True, "hooks": []}
    with net.backend.use():
        part.feed.begin(0)
        part.feed.load(0, part.feed.steps)
        for plan in plans(part.plan.spec, shared_limit(net))[: work.ways]:
            made = Persistent(
                net, run.optimizer, part.feed, run.sums, plan=plan, **shared
            )
            row = {n: getattr(plan, n) for n in ("threads", "lanes_out", "outs")}
            row |= {"tile": plan.tile, "expected us": plan.counts.clocks / 1980}
            rows.append(row | {"us": _epoch_us(made)})
    return rows


def _epoch_us(part: Persistent) -> float:
    times = []
    for _ in range(4):
        part.net.backend.synchronize()
        started = time.perf_counter()
        part.steps(0, 0, part.feed.steps, lambda k: 1.0, bool)
        part.net.backend.synchronize()
        times.append(time.perf_counter() - started)
    return 1e6 * sorted(times[1:])[1] / part.feed.steps


def _accuracy(device: str, data: Splits, work: Work) -> dict[str, Any]:
    """Compare a crowd's test accuracy after one epoch with the CPU's."""
    found: dict[str, Any] = {}
    for name in (device, "cpu"):
        net = _net(name, work.judged)
        _job(net, data, epochs=1, order="own").run()
        scores = evaluate(net, data.test)["accuracy"]
        mean = float(np.mean(scores))
        error = float(np.std(scores, ddof=1)) / sqrt(len(scores))
        found[name] = {"mean": mean, "standard error": error}
    gpu, cpu = found[device], found["cpu"]
    apart = abs(gpu["mean"] - cpu["mean"])
    both = sqrt(gpu["standard error"] ** 2 + cpu["standard error"] ** 2)
    return found | {"apart": apart, "standard error": both, "within": apart <= 2 * both}
