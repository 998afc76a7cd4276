"""One training step by several libraries: the rivals of `scripts/bench.py`.

All train the same network from the same weights on the same rows: dense layers
with biases, ReLU with softmax cross-entropy or sigmoids with the quadratic cost,
plain gradient descent, float32, a new order each epoch. No loss is computed unless
the rival cannot leave it out. The tests require the same weights after an epoch.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gpunet.cli.machine import version
from gpunet.errors import ConfigError

RATE = 0.01
QUADRATIC = {"activation": "sigmoid", "output": "sigmoid", "loss": "half_squared_error"}
Weights = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each layer


@dataclass(frozen=True)
class Job:
    """What to train: x (n, n_in) float32 and labels t (n,), on the host."""

    x: np.ndarray
    t: np.ndarray
    sizes: list[int]
    batch: int
    threads: int | None = 1
    seed: int = 0
    population: int | None = None
    order: str = "own"  # "none" leaves the rows in their order
    track: bool = False  # whether gpunet computes loss and accuracy as it trains
    cost: str = "softmax"  # or "quadratic": sigmoids everywhere, half squared error
    device: str = "cpu"
    tf32: bool = False

    @property
    def quadratic(self) -> bool:
        """Whether to use sigmoids and the quadratic cost, not ReLU and softmax."""
        return self.cost == "quadratic"

    def one_hot(self) -> np.ndarray:
        """Return the one-hot row of each label, float32."""
        return np.eye(self.sizes[-1], dtype=np.float32)

    def targets(self) -> np.ndarray:
        """Return one-hot rows for the quadratic cost, else labels."""
        return self.one_hot()[self.t] if self.quadratic else self.t

    def initial_weights(self) -> Weights:
        """Return the weights that all rivals start from: He's, and zero biases."""
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


def relative_difference(tensors: Any, reference: Any) -> float:
    """Return the largest max|a - b| / max|b| of two sequences of arrays."""
    return max(
        float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))
        if np.isfinite(a).all()
        else float("inf")
        for a, b in zip(tensors, reference, strict=True)
    )


class Rival:
    """One way to train; `prepare` is called before each epoch and not timed."""

    def __init__(self, job: Job):
        self.job = job

    def prepare(self) -> None:
        """Do what is not part of an epoch."""

    def epoch(self) -> None:
        """Train one epoch and wait for its end."""
        raise NotImplementedError

    def weights(self) -> Weights:
        """Return (W, b) of each layer, W of shape (n_in, n_out), on the host."""
        raise NotImplementedError


SHUFFLES = {"own": "per_member", "shared": "shared", "none": False}


class Gpunet(Rival):
    """`gpunet.fit` as in a long run: compiled code where there is any.

    Data layout is not part of the epoch.
    """

    def __init__(self, job: Job):
        super().__init__(job)
        import gpunet
        from gpunet.training import Settings, Trainer

        self._trainer, self._settings = Trainer, Settings
        self._optimizer = gpunet.SGD
        kind: dict[str, Any] = QUADRATIC if job.quadratic else {}
        net = gpunet.mlp(job.sizes, population=job.population, **kind)
        for i, (w, b) in enumerate(job.initial_weights()):
            net.params[f"{2 * i}.W"][...] = w
            net.params[f"{2 * i}.b"][...] = b
        self.net = net.to(job.device)

    def engine(self) -> str:
        """Return gpunet's engine."""
        if self.job.device != "cpu":
            return "auto"
        return "compiled" if version("numba") else "loop"

    def prepare(self) -> None:
        engine = self.engine()
        settings = self._settings(
            epochs=1,
            batch_size=self.job.batch,
            optimizer=self._optimizer(RATE),
            shuffle=SHUFFLES[self.job.order],
            compute_metrics=self.job.track,
            engine=engine,
            precision="tf32" if self.job.tf32 and engine != "loop" else "float32",
        )
        data = (self.job.x, self.job.t)
        self._run = self._trainer(self.net, data, settings).run

    def epoch(self) -> None:
        self._run()
        self.net.backend.synchronize()

    def weights(self) -> Weights:
        p = {n: self.net.backend.to_host(a) for n, a in self.net.params.items()}
        return [(p[n], p[f"{n[:-1]}b"]) for n in p if n.endswith("W")]


class Loop(Gpunet):
    """`gpunet.fit` without compiled code, step by step."""

    def engine(self) -> str:
        return "loop"


def sigmoid(z: np.ndarray) -> None:
    """Replace z by 1 / (1 + exp(-z)), in place."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


class Numpy(Rival):
    """Straight-line NumPy: what a careful person writes by hand for this network."""

    def __init__(self, job: Job):
        super().__init__(job)
        self._pairs = job.initial_weights()
        self._one_hot = job.one_hot()
        # The learning rate, folded into the small delta of the output.
        self._scale = np.float32(RATE / job.batch)

    def epoch(self) -> None:
        order, batch, step = self.job.permutation(), self.job.batch, self._step
        for k in range(0, len(order), batch):
            step(order[k : k + batch])

    def _step(self, rows: np.ndarray) -> None:
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
        d = self._delta(activations[-1], self._one_hot[self.job.t[rows]])
        for layer in range(last, -1, -1):
            a, (w, b) = activations[layer], pairs[layer]
            # For a batch of one the product is an outer product, faster this way.
            dw = a.T * d if len(rows) == 1 else a.T @ d
            db = d.sum(axis=0)
            if layer:
                d = d @ w.T
                d *= a * (1 - a) if self.job.quadratic else a > 0
            w -= dw
            b -= db

    def _delta(self, z: np.ndarray, one_hot: np.ndarray) -> np.ndarray:
        """Return the output's delta times the learning rate; writes into z."""
        if self.job.quadratic:
            d = z - one_hot
            d *= z * (1 - z)
        else:
            d = z
            d -= d.max(axis=1, keepdims=True)
            np.exp(d, out=d)
            d /= d.sum(axis=1, keepdims=True)
            d -= one_hot
        d *= self._scale
        return d

    def weights(self) -> Weights:
        return self._pairs


class Sklearn(Rival):
    """scikit-learn's MLPClassifier: one `partial_fit` is one epoch.

    It computes the loss of every batch and checks its input; neither can be
    turned off.
    """

    def __init__(self, job: Job):
        super().__init__(job)
        if job.quadratic:
            raise ConfigError("MLPClassifier has no quadratic cost")
        from sklearn.neural_network import MLPClassifier

        self.model = MLPClassifier(
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
        # It draws its weights when it first sees rows: replace them by ours.
        first, classes = slice(0, job.batch), np.arange(job.sizes[-1])
        self.model.partial_fit(job.x[first], job.t[first], classes=classes)
        for (w, b), start in zip(self.weights(), job.initial_weights(), strict=True):
            w[...], b[...] = start

    def epoch(self) -> None:
        self.model.partial_fit(self.job.x, self.job.t)

    def weights(self) -> Weights:
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))
