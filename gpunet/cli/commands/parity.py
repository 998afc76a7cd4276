"""`gpunet parity`: its work."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import Backend, open_backend
from ...blocks import mlp
from ...errors import DeviceError
from ...layers import Activation, Dense, Embedding
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from ...random import host_rng
from ..digits import training_digits
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
NO_PROMISE = "drift, no promise"


@dataclass(frozen=True)
class Case:
    """One kind of network with its optimizer, run on every device.

    Attributes
    ----------
    name : str
    build : callable
        build(seed=, device=, dtype=) -> Network.
    optimizer : callable
        optimizer() -> a fresh Optimizer.
    words : int
        For networks that begin with an Embedding: inputs are below this.
    """

    name: str
    build: Callable[..., Network]
    optimizer: Callable[[], Optimizer]
    words: int = 0


def _relu(**own: Any) -> Network:
    return mlp([784, 16, 16, 10], "relu", **own)


def _sigmoid(**own: Any) -> Network:
    return mlp(
        [784, 30, 10], "sigmoid", output="sigmoid", loss="half_squared_error", **own
    )


def _embedding(**own: Any) -> Network:
    layers = [Embedding(27, 8), Dense(24, 32), Activation("tanh"), Dense(32, 27)]
    return Network(layers, **own)


CASES = (
    Case("relu, softmax", _relu, lambda: SGD(0.1)),
    Case("sigmoid, squares", _sigmoid, lambda: SGD(3.0)),
    Case("momentum", _relu, lambda: SGD(0.05, momentum=0.9, l2=1e-4)),
    # With its usual eps of 1e-8 Adam's first step is the gradient's sign, which
    # rounding alone decides where the gradient is next to 0: 7e-5 on MNIST.
    Case("adam, eps 1e-3", _relu, lambda: Adam(0.001, eps=1e-3)),
    Case(
        "population of 3",
        lambda **own: _relu(population=3, **own),
        lambda: SGD([0.03, 0.1, 0.3]),
    ),
    Case("embedding", _embedding, lambda: SGD(0.1), words=27),
)


def run(args: argparse.Namespace) -> int:
    """Compare the devices; return the exit code."""
    steps = sorted(set(args.steps))
    backends, absent = _open([*args.devices, *args.require], args.require)
    rows = []
    for case in CASES:
        batches = _batches(case, args.data, args.seed, min(steps[-1], 200))
        for dtype in args.dtype:
            own = {"seed": args.seed, "dtype": dtype}
            wanted = _record(case, open_backend("cpu"), batches, steps, **own)
            for bk in backends:
                found = _record(case, bk, batches, steps, **own)
                rows += _compare(case.name, bk.name, dtype, found, wanted)
    good = not any(row["verdict"] == "OUT" for row in rows)
    if args.json:
        record = {"ok": good, "data": args.data, "seed": args.seed, "absent": absent}
        print(as_json(record | {"rows": rows}))
    else:
        _print(rows if args.each else _worst(rows), absent, good)
    return 0 if good else 1


def _open(
    names: list[str], required: list[str]
) -> tuple[list[Backend], dict[str, str]]:
    """Return the devices that are there, and why the others are not."""
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
    rng = host_rng(seed, "check", n, case.words)
    if case.words:
        x = rng.integers(0, case.words, (n * BATCH, 3))
        t = rng.integers(0, case.words, n * BATCH)
    elif data == "mnist":
        x, t = training_digits(n * BATCH)
    else:  # ten shapes of ink, each drawn with another pressure: can be learned
        t = rng.integers(0, 10, n * BATCH)
        x = (rng.random((10, 784)) < 0.2)[t] * rng.random((n * BATCH, 784))
    return [(x[k : k + BATCH], t[k : k + BATCH]) for k in range(0, n * BATCH, BATCH)]


def _record(
    case: Case, bk: Backend, batches: list, steps: list[int], *, seed: int, dtype: str
) -> dict[str, dict[str, np.ndarray]]:
    """Train on one device; return what is compared, as host arrays by tensor."""
    net, optimizer = case.build(seed=seed, device=bk, dtype=dtype), case.optimizer()
    kind = None if case.words else dtype
    found: dict[str, dict[str, Any]] = {}

    def host(tensors):
        copies = {name: np.array(bk.to_host(p)) for name, p in tensors.items()}
        if not net.population:
            return copies
        # Each member by itself: a large one must not hide what a small one does.
        return {f"{n}[{i}]": row for n, p in copies.items() for i, row in enumerate(p)}

    with bk.use():
        optimizer.start(net.params, bk, net.population)
        for k in range(steps[-1]):
            x, t = batches[k % len(batches)]
            x, t = bk.view(x, kind), bk.view(t)
            y, caches = net.forward(x, train=True)
            grads = net.backward(caches, net.loss.slope(y, t))
            if k == 0:
                found["logits"] = host({"output": y})
                found["loss"] = host({"loss": net.loss.value(y, t)})
                found["gradient"] = host(grads)
            optimizer.step(net.params, grads)
            if k + 1 in steps:
                found[f"weights, {k + 1} step{'s' if k else ''}"] = host(net.params)
    return found


def _compare(case: str, device: str, dtype: str, found, wanted) -> list[dict[str, Any]]:
    rows = []
    for quantity, tensors in wanted.items():
        errors = {name: error(found[quantity][name], b) for name, b in tensors.items()}
        worst = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
        tolerance = _tolerance(quantity, dtype)
        row = {"device": device, "dtype": dtype, "quantity": quantity, "network": case}
        row |= {"error": errors[worst], "tensor": worst, "tolerance": tolerance}
        rows.append(row | {"verdict": _verdict(errors[worst], tolerance)})
    return rows


def error(a: np.ndarray, b: np.ndarray) -> float:
    """Return max |a - b| / max |b|, and NaN where either is not finite."""
    apart, size = float(np.max(np.abs(a - b))), float(np.max(np.abs(b)))
    return apart / size if apart and size else apart


def _tolerance(quantity: str, dtype: str) -> float | None:
    if quantity.startswith("weights"):
        n = int(quantity.split()[1])
        if n > 10:
            return None
        quantity = "weights, 1 step" if n == 1 else "weights, 2 to 10 steps"
    return TOLERANCES[quantity][dtype]


def _verdict(found: float, tolerance: float | None) -> str:
    if found == 0:
        return "bit-equal"
    if tolerance is None:
        return NO_PROMISE
    return "within" if found <= tolerance else "OUT"


def _worst(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, of each device, dtype and quantity, the network that parts most."""
    kept: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("device", "dtype", "quantity"))
        old = kept.get(key)
        if old is None or not row["error"] <= old["error"]:
            kept[key] = row
    return list(kept.values())


def _print(rows: list[dict[str, Any]], absent: dict[str, str], good: bool) -> None:
    rows = sorted(rows, key=lambda row: (row["device"] != "cpu", row["device"]))
    cells, before = [], None
    for row in rows:
        place = (row["device"], row["dtype"])
        limit = "none" if row["tolerance"] is None else f"{row['tolerance']:.0e}"
        where = f"{row['network']}: {row['tensor']}" if row["error"] else ""
        cells.append(
            (
                *(place if place != before else ("", "")),
                row["quantity"],
                f"{row['error']:.1e}" if row["error"] else "0",
                where,
                limit,
                row["verdict"],
            )
        )
        before = place
    cells += [(name, "", "", "", "", "", "absent") for name in absent]
    columns = ["Device", "dtype", "quantity", ">largest difference", "found in"]
    show("Parity with the CPU", [*columns, ">tolerance", "verdict"], cells)
    for name, why in absent.items():
        why = why if name in why else f"{name}: {why}"
        console().print(f"absent: {why}", markup=False)
    verdict = "all within tolerance" if good else "something is OUT of tolerance"
    console().print(verdict, markup=False)
