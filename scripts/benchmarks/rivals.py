"""One training step by several hands: the rivals of `scripts/bench.py`.

All train the same network from the same start on the same rows: dense layers
with biases, ReLU with softmax cross-entropy or sigmoids with the quadratic cost,
plain gradient descent, float32, a new order each epoch, no loss computed unless
the rival cannot leave it out. The tests hold them to the same weights after an
epoch.
"""

import importlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gpunet.cli.machine import version
from gpunet.errors import ConfigError

RATE = 0.01
QUADRATIC = {"activation": "sigmoid", "output": "sigmoid", "loss": "half_squared_error"}
Pairs = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each layer


@dataclass(frozen=True)
class Job:
    """What is to be trained: x (n, n_in) float32 and labels t (n,) in memory."""

    x: Any
    t: Any
    sizes: list[int]
    batch: int
    threads: int = 1
    seed: int = 0
    population: int | None = None
    order: str = "own"  # "none" leaves the rows in their order
    track: bool = False  # whether gpunet computes loss and accuracy as it goes
    cost: str = "softmax"  # or "quadratic": sigmoids everywhere, half squared error

    @property
    def quadratic(self) -> bool:
        """Whether sigmoids and the quadratic cost stand for ReLU and softmax."""
        return self.cost == "quadratic"

    def hot(self) -> np.ndarray:
        """Return one-hot rows, one for each label there is, float32."""
        return np.eye(self.sizes[-1], dtype=np.float32)

    def start(self) -> Pairs:
        """Return the weights that all rivals begin with: He's."""
        rng = np.random.default_rng(self.seed)
        return [
            (
                (rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32),
                np.zeros(b, np.float32),
            )
            for a, b in pairwise(self.sizes)
        ]

    def permutation(self) -> np.ndarray:
        """Return a new order of the rows."""
        n = len(self.x)
        return np.arange(n) if self.order == "none" else np.random.permutation(n)


class Rival:
    """One way to train; `prepare` is called before each epoch, outside the clock."""

    def __init__(self, job: Job):
        self.job = job

    def prepare(self) -> None:
        """Do what is not part of an epoch."""

    def epoch(self) -> None:
        """Train one epoch and wait for its end."""
        raise AssertionError("each rival has its own epoch")

    def weights(self) -> Pairs:
        """Return (W, b) of each layer, W of shape (n_in, n_out)."""
        raise AssertionError("each rival has its own weights")


class Gpunet(Rival):
    """`gpunet.fit` as a long run takes it: compiled where numba is installed.

    Laying out the data is not part of the epoch.
    """

    engine = "compiled" if version("numba") else "loop"

    def __init__(self, job: Job):
        super().__init__(job)
        self._gpunet = importlib.import_module("gpunet")
        self._trainer = importlib.import_module("gpunet.training").trainer
        own = QUADRATIC if job.quadratic else {}
        self.net = self._gpunet.mlp(job.sizes, population=job.population, **own)
        for i, (w, b) in enumerate(job.start()):
            self.net.params[f"{2 * i}.W"][...] = w
            self.net.params[f"{2 * i}.b"][...] = b

    def prepare(self):
        self._run = self._trainer(
            self.net,
            (self.job.x, self.job.t),
            epochs=1,
            batch_size=self.job.batch,
            optimizer=self._gpunet.SGD(RATE),
            order=self.job.order,
            track=self.job.track,
            engine=self.engine,
        ).run

    def epoch(self):
        self._run()

    def weights(self):
        p = self.net.params
        return [(p[n], p[f"{n[:-1]}b"]) for n in p if n.endswith("W")]


class Loop(Gpunet):
    """`gpunet.fit` by the lesson's own lines, step by step on NumPy."""

    engine = "loop"


def sigmoid(z: np.ndarray) -> None:
    """Put 1 / (1 + exp(-z)) in the place of z."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


class Numpy(Rival):
    """Straight-line NumPy: what a careful person writes by hand for this network."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._pairs = job.start()
        self._hot = job.hot()
        # The learning rate, folded into the small delta of the output.
        self._scale = np.float32(RATE / job.batch)

    def epoch(self):
        order, batch, step = self.job.permutation(), self.job.batch, self._step
        for k in range(0, len(order), batch):
            step(order[k : k + batch])

    def _step(self, rows):
        pairs, last = self._pairs, len(self._pairs) - 1
        activations = [self.job.x.take(rows, axis=0)]  # a fifth faster than x[rows]
        for layer, (w, b) in enumerate(pairs):
            z = activations[-1] @ w
            z += b
            if self.job.quadratic:
                sigmoid(z)
            elif layer < last:
                np.maximum(z, 0.0, out=z)
            activations.append(z)
        d = self._delta(activations[-1], self._hot[self.job.t[rows]])
        for layer in range(last, -1, -1):
            a, (w, b) = activations[layer], pairs[layer]
            # Of a batch of one the product is an outer product: faster so.
            dw = a.T * d if len(rows) == 1 else a.T @ d
            db = d.sum(axis=0)
            if layer:
                d = d @ w.T
                d *= a * (1 - a) if self.job.quadratic else a > 0
            w -= dw
            b -= db

    def _delta(self, z, hot):
        """Return the output's delta times the learning rate; writes into z."""
        if self.job.quadratic:
            d = z - hot
            d *= z * (1 - z)
        else:
            d = z
            d -= d.max(axis=1, keepdims=True)
            np.exp(d, out=d)
            d /= d.sum(axis=1, keepdims=True)
            d -= hot
        d *= self._scale
        return d

    def weights(self):
        return self._pairs


class Torch(Rival):
    """PyTorch, eager, on the CPU, with its fused optimizer step."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._torch = torch = importlib.import_module("torch")
        torch.set_num_threads(job.threads)
        layers: list[Any] = []
        for w, b in job.start():
            linear = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.Sigmoid() if job.quadratic else torch.nn.ReLU()]
        self._model = torch.nn.Sequential(*(layers if job.quadratic else layers[:-1]))
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=RATE, fused=True)
        self._x = torch.from_numpy(job.x)
        self._t = torch.from_numpy(job.hot()[job.t] if job.quadratic else job.t)

    def epoch(self):
        model, optimizer, x, t = self._model, self._optimizer, self._x, self._t
        cost = self._torch.nn.functional.cross_entropy
        if self.job.quadratic:

            def cost(y, t):
                return 0.5 * (y - t).square().sum(1).mean()

        for rows in self._torch.from_numpy(self.job.permutation()).split(
            self.job.batch
        ):
            loss = cost(model(x[rows]), t[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def weights(self):
        linear = [m for m in self._model if hasattr(m, "weight")]
        return [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in linear]


class Jax(Rival):
    """JAX: the whole epoch is one compiled scan, with data and weights on its side."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._jax = jax = importlib.import_module("jax")
        jnp = jax.numpy
        self._params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in job.start()]
        self._x = jnp.asarray(job.x)
        self._t = jnp.asarray(job.hot()[job.t] if job.quadratic else job.t)
        hidden = jax.nn.sigmoid if job.quadratic else jax.nn.relu

        def loss(params, x, t):
            for w, b in params[:-1]:
                x = hidden(x @ w + b)
            w, b = params[-1]
            z = x @ w + b
            if job.quadratic:
                return 0.5 * jnp.mean(jnp.sum((hidden(z) - t) ** 2, axis=1))
            logs = jax.nn.log_softmax(z)
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


class Sklearn(Rival):
    """scikit-learn's MLPClassifier: one `partial_fit` is one epoch, without a stop.

    It computes the loss of every batch and checks its input; neither can be
    turned off.
    """

    def __init__(self, job: Job):
        super().__init__(job)
        if job.quadratic:
            raise ConfigError("MLPClassifier knows no quadratic cost")
        kind = importlib.import_module("sklearn.neural_network").MLPClassifier
        self.model = kind(
            hidden_layer_sizes=tuple(job.sizes[1:-1]),
            activation="relu",
            solver="sgd",
            alpha=0.0,
            batch_size=job.batch,
            learning_rate_init=RATE,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=job.order != "none",
            random_state=0,
        )
        # It makes its own start when it first sees rows: put ours in its place.
        first, classes = slice(0, job.batch), np.arange(job.sizes[-1])
        self.model.partial_fit(job.x[first], job.t[first], classes=classes)
        mine = [*self.model.coefs_, *self.model.intercepts_]
        start = job.start()
        for old, new in zip(
            mine, [w for w, _ in start] + [b for _, b in start], strict=True
        ):
            old[...] = new

    def epoch(self):
        self.model.partial_fit(self.job.x, self.job.t)

    def weights(self):
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))


RIVALS: dict[str, type[Rival]] = {
    "gpunet": Gpunet,
    "loop": Loop,
    "numpy": Numpy,
    "torch": Torch,
    "jax": Jax,
    "sklearn": Sklearn,
}
