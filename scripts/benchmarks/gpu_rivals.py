"""One training step by several hands on one GPU: the rivals of `scripts/gpu_report.py`.

All train the same network from the same start on the same rows, which lie on the
device: dense layers, ReLU, softmax cross-entropy, plain gradient descent, a new
order each round. TF32 is set before a library starts, because some read it once.
"""

import importlib
from typing import Any

import numpy as np

from .rivals import RATE, Gpunet, Job, Rival
from .rivals import Jax as JaxAnywhere


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


class TorchEager(Rival):
    """PyTorch as most write it, with its fused optimizer step."""

    device, tf32 = "cpu", False

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
        self._loss = self._get_loss()

    def _get_loss(self):
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

    def _get_loss(self):
        # Its graph holds forward and backward; the optimizer's step is one kernel.
        return self._torch.compile(super()._get_loss(), mode="reduce-overhead")


class Jax(JaxAnywhere):
    """JAX: all steps of a round are one compiled scan."""

    device, tf32 = "cpu", False

    def __init__(self, job: Job):
        jax = importlib.import_module("jax")
        if self.device != "cpu" and jax.default_backend() == "cpu":
            raise RuntimeError("JAX sees no GPU")
        # Unasked, JAX computes float32 products in TF32 on a GPU.
        precision = "tensorfloat32" if self.tf32 else "highest"
        jax.config.update("jax_default_matmul_precision", precision)
        super().__init__(job)

    def weights(self):
        return [(np.asarray(w), np.asarray(b)) for w, b in self._params]


RIVALS: dict[str, type] = {
    "gpunet": GpunetFast,
    "gpunet loop": GpunetLoop,
    "torch": TorchEager,
    "torch graph": TorchGraph,
    "torch compile": TorchCompile,
    "jax": Jax,
}
NEED_GPU = ("torch graph", "torch compile")
