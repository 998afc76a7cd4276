"""One training step by several hands on one GPU: the rivals of `gpunet gpu_report`.

All train the same network from the same start on the same rows, which lie on the
device: dense layers, ReLU, softmax cross-entropy, plain gradient descent, a new
order each round. Before a rival is timed, its weights after a few steps in the
rows' own order are held against NumPy's. Each runs in a process of its own, so that
rounds interleave; TF32 is set before a library starts, because some read it once.
"""

import importlib
import json
import os
import select
import subprocess
import sys
import time
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from ..data import load_mnist
from ._machine import ROOT
from ._rivals import RATE, Gpunet, Job, Numpy, Rival

NETS = ("784-16-16-10", "784-30-10", "784-128-10", "784-512-512-10", "784-2048-2048-10")
BATCHES = (10, 128, 1024, 4096)
CHECKED_STEPS = 4
# How far weights may be from NumPy's after these steps, relative to the largest.
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2}


class _OnDevice(Rival):
    """A rival with a device's name and whether products may be TF32."""

    device, tf32 = "cpu", False

    def weights(self):
        raise AssertionError("each rival has its own weights")


class GpunetLoop(Gpunet):
    """The lesson's own lines on CuPy."""

    engine, device, tf32 = "loop", "cpu", False

    def __init__(self, job: Job):
        super().__init__(job)
        self.net = self.net.to(self.device)

    def prepare(self):
        precision = "tf32" if self.tf32 and self.engine != "loop" else "float32"
        self._run = self._trainer(
            self.net,
            (self.job.x, self.job.t),
            epochs=1,
            batch_size=self.job.batch,
            optimizer=self._gpunet.SGD(RATE),
            order=self.job.order,
            track=False,
            engine=self.engine,
            precision=precision,
        ).run

    def epoch(self):
        self._run()
        self.net.backend.synchronize()

    def weights(self):
        p = {n: self.net.backend.to_host(a) for n, a in self.net.params.items()}
        return [(p[n], p[f"{n[:-1]}b"]) for n in p if n.endswith("W")]


class GpunetFast(GpunetLoop):
    """The engine that gpunet takes by itself."""

    engine = "auto"


class GpunetGraph(GpunetFast):
    """That engine with its step recorded as a CUDA graph."""


class TorchEager(_OnDevice):
    """PyTorch as most write it, with its fused optimizer step."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._torch = torch = importlib.import_module("torch")
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        layers: list[Any] = []
        for w, b in job.start():
            linear = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.ReLU()]
        self._model = torch.nn.Sequential(*layers[:-1]).to(self.device)
        fused = {"lr": RATE, "fused": True}
        self._optimizer = torch.optim.SGD(self._model.parameters(), **fused)
        self._x = torch.from_numpy(job.x).to(self.device)
        self._t = torch.from_numpy(job.t).to(self.device)
        self._loss = self._make_loss()

    def _make_loss(self):
        cross_entropy = self._torch.nn.functional.cross_entropy
        return lambda x, t: cross_entropy(self._model(x), t)

    def _batches(self):
        order = self._torch.from_numpy(self.job.permutation()).to(self.device)
        return order.split(self.job.batch)

    def _wait(self):
        if self.device != "cpu":
            self._torch.cuda.synchronize()

    def epoch(self):
        for rows in self._batches():
            self._optimizer.zero_grad()
            self._loss(self._x[rows], self._t[rows]).backward()
            self._optimizer.step()
        self._wait()

    def weights(self):
        linear = [m for m in self._model if hasattr(m, "weight")]
        return [
            (m.weight.detach().cpu().numpy().T, m.bias.detach().cpu().numpy())
            for m in linear
        ]


class TorchGraph(TorchEager):
    """The same step, captured once as a CUDA graph by hand and replayed."""

    def __init__(self, job: Job):
        super().__init__(job)
        torch = self._torch
        start = [p.detach().clone() for p in self._model.parameters()]
        self._rows = torch.zeros(job.batch, dtype=torch.int64, device=self.device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._step()
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(self._graph):
            self._step()
        with torch.no_grad():  # the warm-up moved the weights
            for p, old in zip(self._model.parameters(), start, strict=True):
                p.copy_(old)

    def _step(self):
        self._optimizer.zero_grad(set_to_none=True)
        self._loss(self._x[self._rows], self._t[self._rows]).backward()
        self._optimizer.step()

    def epoch(self):
        for rows in self._batches():
            self._rows.copy_(rows)
            self._graph.replay()
        self._wait()


class TorchCompile(TorchEager):
    """`torch.compile` with CUDA graphs (its mode "reduce-overhead")."""

    def _make_loss(self):
        # Its graph holds forward and backward; the optimizer's step is one kernel.
        return self._torch.compile(super()._make_loss(), mode="reduce-overhead")


class Jax(_OnDevice):
    """JAX: all steps of a round are one compiled scan."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._jax = jax = importlib.import_module("jax")
        if self.device != "cpu" and jax.default_backend() == "cpu":
            raise RuntimeError("JAX sees no GPU")
        jnp = jax.numpy
        # Unasked, JAX computes float32 products in TF32 on a GPU.
        precision = "tensorfloat32" if self.tf32 else "highest"
        jax.config.update("jax_default_matmul_precision", precision)
        self._params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in job.start()]
        self._x, self._t = jnp.asarray(job.x), jnp.asarray(job.t, dtype=jnp.int32)

        def loss(params, x, t):
            for w, b in params[:-1]:
                x = jax.nn.relu(x @ w + b)
            w, b = params[-1]
            logs = jax.nn.log_softmax(x @ w + b)
            return -jnp.mean(jnp.take_along_axis(logs, t[:, None], axis=1))

        def epoch(params, order, x, t):
            def step(params, rows):
                grads = jax.grad(loss)(params, x[rows], t[rows])
                return jax.tree.map(lambda p, g: p - RATE * g, params, grads), None

            return jax.lax.scan(step, params, order)[0]

        self._compiled = jax.jit(epoch, donate_argnums=0)

    def epoch(self):
        order = self.job.permutation().astype(np.int32).reshape(-1, self.job.batch)
        self._params = self._compiled(self._params, order, self._x, self._t)
        self._jax.block_until_ready(self._params)

    def weights(self):
        return [(np.asarray(w), np.asarray(b)) for w, b in self._params]


RIVALS: dict[str, type] = {
    "gpunet": GpunetFast,
    "gpunet loop": GpunetLoop,
    "gpunet graph": GpunetGraph,
    "torch": TorchEager,
    "torch graph": TorchGraph,
    "torch compile": TorchCompile,
    "jax": Jax,
}
NEED_GPU = ("gpunet graph", "torch graph", "torch compile")


def rounds_of(sizes: list[int], batch: int, seconds: float = 0.1) -> int:
    """Return how many steps one round takes: some `seconds`, at least 8."""
    flops = 6 * batch * sum(a * b for a, b in pairwise(sizes))
    few = int(seconds / (60e-6 + flops / 2e13))
    return min(max(few, 8), 60_000 // batch)


def _prepare(name: str, device: str, tf32: bool, job: dict[str, Any]):
    """Return (rival, how far its weights are from NumPy's after a few steps)."""
    train, batch, sizes = load_mnist().train, job["batch"], job["sizes"]
    x = (train.x / np.float32(255)).astype(np.float32)
    t = train.t.astype(np.int64)
    kind = type(name, (RIVALS[name],), {"device": device, "tf32": tf32})
    few = min(CHECKED_STEPS, len(x) // batch) * batch
    own = {"sizes": sizes, "batch": batch, "order": "none"}
    wanted = Numpy(Job(x[:few], t[:few], **own))
    checked = kind(Job(x[:few], t[:few], **own))
    for rival in (wanted, checked):
        rival.prepare()
        rival.epoch()
    apart = max(
        float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))
        for found, right in zip(checked.weights(), wanted.weights(), strict=True)
        for a, b in zip(found, right, strict=True)
    )
    del checked
    n = job["steps"] * batch
    return kind(Job(x[:n], t[:n], **(own | {"order": "own"}))), apart


def work(name: str, device: str, tf32: bool) -> None:
    """Answer the parent's lines until it closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    rival = None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job:
                rival, started = None, time.perf_counter()
                rival, apart = _prepare(name, device, tf32, job)
                rival.prepare()
                rival.epoch()
                answer = {"apart": apart, "setup_s": time.perf_counter() - started}
            else:
                rival.prepare()
                started = time.perf_counter()
                rival.epoch()
                answer = {"seconds": time.perf_counter() - started}
        except Exception as error:
            rival, answer = None, {"error": f"{type(error).__name__}: {error}"[:200]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Process:
    """A rival in its own process."""

    def __init__(self, name: str, device: str, tf32: bool):
        env = os.environ | {
            "CUPY_TF32": str(int(tf32)),
            "GPUNET_CUDA_GRAPH": str(int(name == "gpunet graph")),
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }
        env["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])
        )
        command = [sys.executable, "-m", __name__, name, device, str(int(tf32))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.name = name
        self._process = subprocess.Popen(
            command, **pipes, stderr=subprocess.DEVNULL, text=True, env=env
        )

    def tell(self, **job: Any) -> None:
        """Send a job; none means one more round."""
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any]:
        """Wait for the answer, at most so long."""
        # One line answers one: nothing of it can be waiting in Python's buffer.
        ready, _, _ = select.select([self._process.stdout], [], [], max(seconds, 0))
        if not ready:
            self._process.kill()
            return {"error": "no answer in time"}
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended"}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def grid(
    cells: list[tuple[str, int]],
    names: list[str],
    device: str,
    tf32: bool,
    *,
    repeats: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Time every rival in every cell, in interleaved rounds, while time lasts.

    Parameters
    ----------
    cells : list of (net, batch)
        The most telling first: those that time does not reach say so.
    names : list of str
        Keys of `RIVALS`.
    repeats : int
        Rounds of each.
    seconds : float
        For all.

    Returns
    -------
    cells : list of dict
        net, batch, steps, and for each rival {"us", "rounds", "apart"} or
        {"error"}; us has median, least and most, microseconds a step.
    """
    until = time.monotonic() + seconds
    able = [n for n in names if device != "cpu" or n not in NEED_GPU]
    rivals = [Process(name, device, tf32) for name in able]
    try:
        done = []
        for net, batch in cells:
            sizes = [int(n) for n in net.split("-")]
            job = {"sizes": sizes, "batch": batch, "steps": rounds_of(sizes, batch)}
            done.append({"net": net, "batch": batch, "steps": job["steps"]})
            done[-1]["rivals"] = _cell(rivals, job, repeats, tf32, until)
        return done
    finally:
        for rival in rivals:
            rival.close()


def _cell(rivals, job, repeats, tf32, until) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def ask(rival, at_most, **what):
        left = min(until - time.monotonic(), at_most)
        if left < 1:
            return {"error": "no time left"}
        try:
            rival.tell(**what)
        except OSError:
            return {"error": "the process ended"}
        return rival.hear(left)

    for rival in rivals:
        answer = ask(rival, 60, **job)
        limit = TOLERANCE["tf32" if tf32 else "fp32"]
        if "error" not in answer and not answer["apart"] <= limit:
            answer["error"] = f"weights are {answer['apart']:.1e} from NumPy's"
        found[rival.name] = answer | {"rounds": []}
    for k in range(repeats):
        for rival in rivals[:: 1 if k % 2 == 0 else -1]:
            mine = found[rival.name]
            if "error" not in mine:
                answer = ask(rival, 20)
                if "error" in answer:
                    mine["error"] = answer["error"]
                else:
                    mine["rounds"].append(1e6 * answer["seconds"] / job["steps"])
    for mine in found.values():
        if mine["rounds"]:
            times = mine["rounds"]
            mine["us"] = {"median": median(times), "least": min(times)}
            mine["us"]["most"] = max(times)
    return found


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], sys.argv[3] == "1")
