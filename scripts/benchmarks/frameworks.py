"""PyTorch and JAX as rivals, on the CPU or a GPU, and the table of all rivals.

On a GPU all rows are on the device, and TF32 is decided before a library starts,
because some read it once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .rivals import RATE, Gpunet, Job, Loop, Numpy, Rival, Sklearn, Weights


class Torch(Rival):
    """PyTorch, eager, with its fused optimizer step."""

    def __init__(self, job: Job):
        super().__init__(job)
        import torch

        self._torch = torch
        if job.device == "cpu" and job.threads:
            torch.set_num_threads(job.threads)
        torch.backends.cuda.matmul.allow_tf32 = job.tf32
        layers: list[Any] = []
        for w, b in job.initial_weights():
            linear = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.Sigmoid() if job.quadratic else torch.nn.ReLU()]
        model = torch.nn.Sequential(*(layers if job.quadratic else layers[:-1]))
        self._model = model.to(job.device)
        parameters = self._model.parameters()
        self._optimizer = torch.optim.SGD(parameters, lr=RATE, fused=True)
        self._x = torch.from_numpy(job.x).to(job.device)
        self._t = torch.from_numpy(job.targets()).to(job.device)
        self._loss = self._make_loss()

    def _make_loss(self) -> Callable:
        model, cross_entropy = self._model, self._torch.nn.functional.cross_entropy
        if self.job.quadratic:
            return lambda x, t: 0.5 * (model(x) - t).square().sum(1).mean()
        return lambda x, t: cross_entropy(model(x), t)

    def _batches(self) -> Any:
        order = self._torch.from_numpy(self.job.permutation()).to(self.job.device)
        return order.split(self.job.batch)

    def _wait(self) -> None:
        if self.job.device != "cpu":
            self._torch.cuda.synchronize()

    def epoch(self) -> None:
        loss, optimizer, x, t = self._loss, self._optimizer, self._x, self._t
        for rows in self._batches():
            value = loss(x[rows], t[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        self._wait()

    def weights(self) -> Weights:
        linear = [m for m in self._model if hasattr(m, "weight")]
        return [
            (m.weight.detach().cpu().numpy().T, m.bias.detach().cpu().numpy())
            for m in linear
        ]


class TorchGraph(Torch):
    """The same step, captured once as a CUDA graph and replayed."""

    def __init__(self, job: Job):
        super().__init__(job)
        torch = self._torch
        start = [p.detach().clone() for p in self._model.parameters()]
        self._rows = torch.zeros(job.batch, dtype=torch.int64, device=job.device)
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
            for p, initial in zip(self._model.parameters(), start, strict=True):
                p.copy_(initial)

    def _step(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        self._loss(self._x[self._rows], self._t[self._rows]).backward()
        self._optimizer.step()

    def epoch(self) -> None:
        for rows in self._batches():
            self._rows.copy_(rows)
            self._graph.replay()
        self._wait()


class TorchCompile(Torch):
    """`torch.compile` with CUDA graphs (its mode "reduce-overhead")."""

    def _make_loss(self) -> Callable:
        # Its graph holds forward and backward; the optimizer's step is one kernel.
        return self._torch.compile(super()._make_loss(), mode="reduce-overhead")


class Jax(Rival):
    """JAX: the whole epoch is one compiled scan, with data and weights on its side."""

    def __init__(self, job: Job):
        super().__init__(job)
        import jax

        if job.device != "cpu":
            if jax.default_backend() == "cpu":
                raise RuntimeError("JAX finds no GPU")
            # By default JAX computes float32 products in TF32 on a GPU.
            precision = "tensorfloat32" if job.tf32 else "highest"
            jax.config.update("jax_default_matmul_precision", precision)
        self._wait = jax.block_until_ready
        self._params = jax.tree.map(jax.numpy.asarray, job.initial_weights())
        self._x = jax.numpy.asarray(job.x)
        self._t = jax.numpy.asarray(job.targets())
        self._epoch = jax.jit(self._make_epoch(jax), donate_argnums=0)

    def _make_epoch(self, jax: Any) -> Callable:
        jnp, quadratic = jax.numpy, self.job.quadratic
        hidden = jax.nn.sigmoid if quadratic else jax.nn.relu

        def loss(params, x, t):  # type: ignore[no-untyped-def]
            for w, b in params[:-1]:
                x = hidden(x @ w + b)
            w, b = params[-1]
            z = x @ w + b
            if quadratic:
                return 0.5 * jnp.mean(jnp.sum((hidden(z) - t) ** 2, axis=1))
            logs = jax.nn.log_softmax(z)
            return -jnp.mean(jnp.take_along_axis(logs, t[:, None], axis=1))

        def epoch(params, order, x, t):  # type: ignore[no-untyped-def]
            def step(params, rows):  # type: ignore[no-untyped-def]
                grads = jax.grad(loss)(params, x[rows], t[rows])
                return jax.tree.map(lambda p, g: p - RATE * g, params, grads), None

            return jax.lax.scan(step, params, order)[0]

        return epoch

    def epoch(self) -> None:
        order = self.job.permutation().astype(np.int32).reshape(-1, self.job.batch)
        self._params = self._epoch(self._params, order, self._x, self._t)
        self._wait(self._params)

    def weights(self) -> Weights:
        return [(np.asarray(w), np.asarray(b)) for w, b in self._params]


RIVALS: dict[str, type[Rival]] = {
    "gpunet": Gpunet,
    "loop": Loop,
    "numpy": Numpy,
    "torch": Torch,
    "torch graph": TorchGraph,
    "torch compile": TorchCompile,
    "jax": Jax,
    "sklearn": Sklearn,
}
GPU_ONLY = ("torch graph", "torch compile")
