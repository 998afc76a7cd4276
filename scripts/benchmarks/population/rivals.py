"""One epoch of a population by several libraries: the rivals of `net_steps`.

All train the same members from the same weights, each with a learning rate of its own,
in the same orders: `random.epoch_order` draws them inside the epoch, for every rival.
ReLU, softmax cross-entropy, plain SGD or Adam, float32; no loss is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from gpunet.random import epoch_order

Parameters = list[list[np.ndarray]]  # [W, b] of each layer, members first
BETAS, EPS = (0.9, 0.999), 1e-3  # a usual eps would make full steps of rounding


@dataclass(frozen=True)
class PopulationJob:
    """What to train: x (n, n_in) float32 and labels t (n,), on the host."""

    x: np.ndarray
    t: np.ndarray
    sizes: list[int]
    batch: int
    members: int
    order: str = "own"
    adam: bool = False
    seed: int = 0

    def initial_parameters(self) -> Parameters:
        """Return what all rivals start from: He's weights, and zero biases."""
        rng, n = np.random.default_rng(self.seed), self.members
        return [
            [
                (rng.standard_normal((n, a, b)) * np.sqrt(2 / a)).astype(np.float32),
                np.zeros((n, b), np.float32),
            ]
            for a, b in pairwise(self.sizes)
        ]

    def rates(self) -> np.ndarray:
        """Return the learning rate of each member."""
        rate = 0.001 if self.adam else 0.01
        return np.linspace(0.5 * rate, 1.5 * rate, self.members).astype(np.float32)

    def orders(self) -> np.ndarray:
        """Draw one epoch's examples: (steps, members or 1, batch)."""
        seeds = list(range(self.members)) if self.order == "own" else 0
        order = epoch_order(seeds, 0, len(self.x)).reshape(-1, len(self.x))
        return order.reshape(len(order), -1, self.batch).swapaxes(0, 1)


class PopulationRival:
    """One way to train; `prepare` is called before each epoch and not timed."""

    def __init__(self, job: PopulationJob):
        self.job = job

    def prepare(self) -> None:
        """Do what is not part of an epoch."""

    def epoch(self) -> None:
        """Train one epoch and wait for its end."""
        raise NotImplementedError

    def weights(self) -> Parameters:
        """Return [W, b] of each layer, on the host."""
        raise NotImplementedError


class CompiledPopulation(PopulationRival):
    """`gpunet.fit` by the compiled engine; data layout is not part of the epoch."""

    engine: ClassVar = "compiled"

    def __init__(self, job: PopulationJob):
        super().__init__(job)
        import gpunet

        # A single network is no population of one: both have engines of their own.
        self._lead = () if job.members == 1 else (job.members,)
        population = job.members if self._lead else None
        self.net = gpunet.mlp(job.sizes, population=population)
        for i, pair in enumerate(job.initial_parameters()):
            for name, value in zip("Wb", pair, strict=True):
                p = self.net.params[f"{2 * i}.{name}"]
                p[...] = value.reshape(p.shape)

    def trainer(self, engine: str, epochs: int = 1) -> Any:
        """Return the trainer of a run by an engine."""
        from gpunet import SGD, Adam
        from gpunet.training import Settings, Trainer

        rates = self.job.rates().tolist() if self._lead else float(self.job.rates()[0])
        settings = Settings(
            epochs=epochs,
            batch_size=self.job.batch,
            optimizer=Adam(rates, eps=EPS) if self.job.adam else SGD(rates),
            shuffle="per_member" if self.job.order == "own" else "shared",
            compute_metrics=False,
            engine=engine,
        )
        return Trainer(self.net, (self.job.x, self.job.t), settings)

    def prepare(self) -> None:
        self._run = self.trainer(self.engine).run

    def epoch(self) -> None:
        self._run()

    def weights(self) -> Parameters:
        p, n = self.net.params, self.job.members
        layers = [name[:-1] for name in p if name.endswith("W")]
        return [
            [p[f"{i}{x}"].reshape(n, *p[f"{i}{x}"].shape[-ndim:]) for x, ndim in _PAIR]
            for i in layers
        ]


_PAIR = (("W", 2), ("b", 1))  # names and axes of a layer's tensors


class LoopPopulation(CompiledPopulation):
    """`gpunet.fit` without compiled code."""

    engine: ClassVar = "loop"


class JaxPopulation(PopulationRival):
    """JAX `jit(scan(vmap))`: the whole epoch in one call; buffers are donated."""

    def __init__(self, job: PopulationJob):
        super().__init__(job)
        import jax

        self._wait, put = jax.block_until_ready, jax.numpy.asarray
        start = jax.tree.map(put, job.initial_parameters())
        zeros = [jax.tree.map(jax.numpy.zeros_like, start) for _ in range(2)]
        self._state = (start, *(zeros if job.adam else ()))
        self._inputs = put(job.x), put(job.t), put(job.rates())
        self._epoch = jax.jit(self._make_epoch(jax), donate_argnums=0)

    def _make_epoch(self, jax: Any) -> Callable:
        jnp, tree, axis = jax.numpy, jax.tree, 0 if self.job.order == "own" else None
        move = adam_rule(jnp.sqrt) if self.job.adam else sgd_rule

        def loss(params, x, t):  # type: ignore[no-untyped-def]
            for w, b in params[:-1]:
                x = jax.nn.relu(x @ w + b)
            w, b = params[-1]
            logs = jax.nn.log_softmax(x @ w + b)
            return -jnp.mean(jnp.take_along_axis(logs, t[:, None], axis=1))

        def epoch(state, orders, x, t, rates):  # type: ignore[no-untyped-def]
            def step(state, batch):  # type: ignore[no-untyped-def]
                k, rows = batch
                rows = rows if axis == 0 else rows[0]
                gradients = jax.vmap(jax.grad(loss), in_axes=(0, axis, axis))
                grads = gradients(state[0], x[rows], t[rows])

                def each(g, *p):  # type: ignore[no-untyped-def]
                    rate = rates.reshape(-1, *(1,) * (g.ndim - 1))
                    return move(k, rate, g, *p)

                moved = tree.map(each, grads, *state)
                outer, inner = tree.structure(grads), tree.structure((0,) * len(state))
                return tuple(tree.transpose(outer, inner, moved)), None

            counted = jnp.arange(1, len(orders) + 1), orders
            return jax.lax.scan(step, state, counted)[0]

        return epoch

    def epoch(self) -> None:
        orders = self.job.orders().astype(np.int32)
        self._state = self._epoch(self._state, orders, *self._inputs)
        self._wait(self._state)

    def weights(self) -> Parameters:
        return [[np.asarray(p) for p in pair] for pair in self._state[0]]


class TorchPopulation(PopulationRival):
    """PyTorch, `vmap(grad)` of one network's loss, eager."""

    def __init__(self, job: PopulationJob):
        super().__init__(job)
        import torch

        self._torch = torch
        tensors = [
            torch.from_numpy(p) for pair in job.initial_parameters() for p in pair
        ]
        zeros = [list(map(torch.zeros_like, tensors)) for _ in range(2)]
        self._state = [tensors, *(zeros if job.adam else ())]
        self._inputs = torch.from_numpy(job.x), torch.from_numpy(job.t)
        self._rates = torch.from_numpy(job.rates())
        shared = 0 if job.order == "own" else None
        self._grads = torch.vmap(torch.func.grad(self._loss), (0, shared, shared))

    def _loss(self, params: Any, x: Any, t: Any) -> Any:
        *hidden, last = zip(params[::2], params[1::2], strict=True)
        for w, b in hidden:
            x = self._torch.relu(x @ w + b)
        return self._torch.nn.functional.cross_entropy(x @ last[0] + last[1], t)

    def epoch(self) -> None:
        x, t = self._inputs
        move = adam_rule(self._torch.sqrt) if self.job.adam else sgd_rule
        for k, rows in enumerate(self._torch.from_numpy(self.job.orders().copy()), 1):
            rows = rows if self.job.order == "own" else rows[0]
            grads = self._grads(self._state[0], x[rows], t[rows])
            for g, *state in zip(grads, *self._state, strict=True):
                rate = self._rates.reshape(-1, *(1,) * (g.ndim - 1))
                for p, new in zip(state, move(k, rate, g, *state), strict=True):
                    p.copy_(new)

    def weights(self) -> Parameters:
        arrays = [p.numpy() for p in self._state[0]]
        return [list(pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]


def sgd_rule(k: Any, rate: Any, g: Any, p: Any) -> tuple[Any]:
    """Return (p,) after a step of gradient descent."""
    return (p - rate * g,)


def adam_rule(sqrt: Callable) -> Callable:
    """Return what moves (p, m, v) by Adam's step k, counted from 1."""

    def move(k: Any, rate: Any, g: Any, p: Any, m: Any, v: Any) -> tuple[Any, Any, Any]:
        a, b = BETAS
        m, v = a * m + (1 - a) * g, b * v + (1 - b) * g * g
        scale = (1 - b**k) ** 0.5 / (1 - a**k)
        return p - rate * scale * m / (sqrt(v) + EPS), m, v

    return move


POPULATION_RIVALS: dict[str, type[PopulationRival]] = {
    "gpunet": CompiledPopulation,
    "loop": LoopPopulation,
    "jax": JaxPopulation,
    "torch": TorchPopulation,
}
