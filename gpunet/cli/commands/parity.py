"""`gpunet parity`: its work."""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...backend import Backend, HostArray, open_backend
from ...blocks import mlp
from ...data import load_mnist
from ...errors import DeviceError
from ...layers import Activation, Dense, Embedding
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from ...random import host_rng
from ..tables import as_json, console, show

BATCH = 10
# By dtype. A single operation is off by rounding, a step by a few times that;
# after ten steps the differences have grown, after a hundred they are as large
# as the weights' own noise: training is chaotic.
TOLERANCES = {
    "logits": {"float64": 1e-12, "float32": 1e-5},
    "loss": {"float64": 1e-12, "float32": 1e-6},
    "gradient": {"float64": 1e-11, "float32": 1e-5},
    "weights, 1 step": {"float64": 1e-11, "float32": 1e-5},
    "weights, 2 to 10 steps": {"float64": 1e-9, "float32": 1e-4},
}
Record = dict[str, dict[str, HostArray]]  # quantity -> tensor -> values


@dataclass(frozen=True)
class Case:
    """A network with its optimizer, run on every device."""

    name: str
    build: Callable[..., Network]  # with seed, device and dtype
    optimizer: Callable[[], Optimizer]
    n_words: int = 0  # if it begins with an Embedding: inputs are below this


_relu = partial(mlp, [784, 16, 16, 10], "relu")
_sigmoid = partial(
    mlp, [784, 30, 10], "sigmoid", output="sigmoid", loss="half_squared_error"
)
_population = partial(_relu, population=3)


def _embedding(**options: Any) -> Network:
    layers = [Embedding(27, 8), Dense(24, 32), Activation("tanh"), Dense(32, 27)]
    return Network(layers, **options)


CASES = (
    Case("relu, softmax", _relu, lambda: SGD(0.1)),
    Case("sigmoid, squares", _sigmoid, lambda: SGD(3.0)),
    Case("momentum", _relu, lambda: SGD(0.05, momentum=0.9, l2=1e-4)),
    # With its usual eps of 1e-8 Adam's first step is the gradient's sign, which
    # rounding alone decides where the gradient is next to 0: 7e-5 on MNIST.
    Case("adam, eps 1e-3", _relu, lambda: Adam(0.001, eps=1e-3)),
    Case("population of 3", _population, lambda: SGD([0.03, 0.1, 0.3])),
    Case("embedding", _embedding, lambda: SGD(0.1), n_words=27),
)


def run(args: argparse.Namespace) -> int:
    """Compare the devices; return the exit code."""
    steps = sorted(set(args.steps))
    backends, absent = _open([*args.devices, *args.require], args.require)
    rows = []
    for case in CASES:
        batches = _batches(case, args.data, args.seed, min(steps[-1], 200))
        for dtype in args.dtype:
            options = {"seed": args.seed, "dtype": dtype}
            expected = _record(case, open_backend("cpu"), batches, steps, **options)
            for bk in backends:
                actual = _record(case, bk, batches, steps, **options)
                labels = {"device": bk.name, "dtype": dtype, "network": case.name}
                rows += [labels | row for row in _compare(dtype, actual, expected)]
    ok = not any(row["verdict"] == "OUT" for row in rows)
    if args.json:
        record = {"ok": ok, "data": args.data, "seed": args.seed, "absent": absent}
        print(as_json(record | {"rows": rows}))
    else:
        _print(rows if args.each else _worst(rows), absent, ok)
    return 0 if ok else 1


def _open(
    names: list[str], required: list[str]
) -> tuple[list[Backend], dict[str, str]]:
    """Return the backends of the devices present, and why the others are absent."""
    backends, absent = [], {}
    for name in dict.fromkeys(names):
        try:
            backends.append(open_backend(name))
        except DeviceError as error:
            if name in required:
                raise
            absent[name] = str(error).removeprefix("device: ")
    return backends, absent


def _batches(case: Case, data: str, seed: int, n: int) -> list[tuple[Any, Any]]:
    rng = host_rng(seed, "check", n, case.n_words)
    x: HostArray
    if case.n_words:
        x = rng.integers(0, case.n_words, (n * BATCH, 3))
        t = rng.integers(0, case.n_words, n * BATCH)
    elif data == "mnist":
        train = load_mnist().train
        x, t = train.x[: n * BATCH], train.t[: n * BATCH]
    else:  # ten patterns of pixels, each scaled at random: can be learned
        t = rng.integers(0, 10, n * BATCH)
        x = (rng.random((10, 784)) < 0.2)[t] * rng.random((n * BATCH, 784))
    return [(x[k : k + BATCH], t[k : k + BATCH]) for k in range(0, n * BATCH, BATCH)]


def _record(
    case: Case, bk: Backend, batches: list, steps: list[int], *, seed: int, dtype: str
) -> Record:
    """Train on a device; return what is compared, as host arrays by tensor."""
    net, optimizer = case.build(seed=seed, device=bk, dtype=dtype), case.optimizer()
    x_dtype = None if case.n_words else dtype
    record: Record = {}

    def host(tensors: dict[str, Any]) -> dict[str, HostArray]:
        copies = {name: np.array(bk.to_host(p)) for name, p in tensors.items()}
        if not net.population:
            return copies
        # Each member by itself: a large one must not hide what a small one does.
        return {f"{n}[{i}]": row for n, p in copies.items() for i, row in enumerate(p)}

    with bk.use():
        optimizer.start(net.params, bk, net.population)
        for k in range(steps[-1]):
            x, t = batches[k % len(batches)]
            x, t = bk.view(x, x_dtype), bk.view(t)
            y, caches = net.forward(x, train=True)
            dy = net.loss.slope(y, t)
            grads: Any = net.backward(caches, dy)
            if k == 0:
                record["logits"] = host({"output": y})
                record["loss"] = host({"loss": net.loss.value(y, t)})
                record["gradient"] = host(grads)
            optimizer.step(net.params, grads)
            if k + 1 in steps:
                record[f"weights, {k + 1} step{'s' if k else ''}"] = host(net.params)
    return record


def _compare(dtype: str, actual: Record, expected: Record) -> Iterator[dict[str, Any]]:
    """Yield, of each quantity, the tensor that differs most."""
    for quantity, tensors in expected.items():
        errors = {name: error(actual[quantity][name], b) for name, b in tensors.items()}
        worst = max(errors, key=lambda name: _size(errors[name]))
        tolerance = _tolerance(quantity, dtype)
        row = {"quantity": quantity, "error": errors[worst], "tensor": worst}
        verdict = _verdict(errors[worst], tolerance)
        yield row | {"tolerance": tolerance, "verdict": verdict}


def error(a: HostArray, b: HostArray) -> float:
    """Return max |a - b| / max |b|; NaN if either is not finite."""
    difference, size = float(np.max(np.abs(a - b))), float(np.max(np.abs(b)))
    return difference / size if difference and size else difference


def _tolerance(quantity: str, dtype: str) -> float | None:
    if quantity.startswith("weights"):
        n = int(quantity.split()[1])
        if n > 10:
            return None
        quantity = "weights, 1 step" if n == 1 else "weights, 2 to 10 steps"
    return TOLERANCES[quantity][dtype]


def _verdict(difference: float, tolerance: float | None) -> str:
    if difference == 0:
        return "bit-equal"
    if tolerance is None:
        return "drift, no promise"
    return "within" if difference <= tolerance else "OUT"


def _worst(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, of each device, dtype and quantity, the network that differs most."""
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        key = row["device"], row["dtype"], row["quantity"]
        groups.setdefault(key, []).append(row)
    return [
        max(group, key=lambda row: _size(row["error"])) for group in groups.values()
    ]


def _size(error: float) -> float:
    """Return an error to compare by: NaN is the largest."""
    return math.inf if math.isnan(error) else error


def _print(rows: list[dict[str, Any]], absent: dict[str, str], ok: bool) -> None:
    rows = sorted(rows, key=lambda row: (row["device"] != "cpu", row["device"]))
    cells, previous = [], None
    for row in rows:
        group = row["device"], row["dtype"]
        limit = "none" if row["tolerance"] is None else f"{row['tolerance']:.0e}"
        size = f"{row['error']:.1e}" if row["error"] else "0"
        tensor = f"{row['network']}: {row['tensor']}" if row["error"] else ""
        names = ("", "") if group == previous else group
        cells.append((*names, row["quantity"], size, tensor, limit, row["verdict"]))
        previous = group
    cells += [(name, "", "", "", "", "", "absent") for name in absent]
    columns = ["Device", "dtype", "quantity", ">largest difference", "found in"]
    show("Parity with the CPU", [*columns, ">tolerance", "verdict"], cells)
    for name, reason in absent.items():
        reason = reason if name in reason else f"{name}: {reason}"
        console().print(f"absent: {reason}", markup=False)
    verdict = "all within tolerance" if ok else "at least one is OUT of tolerance"
    console().print(verdict, markup=False)
