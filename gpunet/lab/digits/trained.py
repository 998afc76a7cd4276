"""The network that the digit experiments look into, trained once a process.

784-16-16-10 with sigmoids and the squared error summed over ten outputs: the network
of 3Blue1Brown's videos. Adam brings it to about 93 % in a few seconds, where the plain
descent of the book takes thirty epochs.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from os import fsdecode
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Dataset, load_mnist
from ...errors import ModelFileError
from ...io.messages import counted, message
from ...layers import Dense
from ...network import Network
from ...optimizers import Adam
from ...storage import load_network
from ...storage.published import is_published, load_published
from ...training import fit
from ..checks import Result, check_range, within
from ..tools import SIGMOIDS


@dataclass(frozen=True)
class Trained:
    """A network with the digits it was trained on and how well it does."""

    net: Network
    summary: str  # how it was trained, in one line
    n_train: int
    weights: str | None = None  # the file of a network that was not trained here

    @property
    def test(self) -> Dataset:
        """All test digits, x from 0 to 1, float32."""
        return digits()[1]

    @cached_property
    def accuracy(self) -> float:
        """Share of all test digits answered correctly; of a population the mean."""
        return float((self.net.classify(self.test.x) == self.test.t).mean())

    @property
    def facts(self) -> Result:
        """What every result says of the network."""
        return {
            "network": self.summary,
            "n_test": len(self.test),
            "test_accuracy": round(self.accuracy, 4),
        }

    def band(self, what: str, value: float, low: float, high: float) -> list[Result]:
        """Return the check of a number of our own network; others have their own."""
        return [] if self.weights else [within(what, value, low, high)]


@lru_cache(1)
def digits() -> tuple[Dataset, Dataset]:
    """Return MNIST for training and test, float32 from 0 to 1; read once a process."""
    splits = load_mnist()
    assert splits.test is not None
    return splits.train, splits.test


def sample(n: int, *, test: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the first n digits and their labels, of training or test."""
    data = digits()[test]
    check_range("n_images" if test else "n_train", n, 1, len(data))
    return data.x[:n], data.t[:n]


def first_of(digit: int) -> np.ndarray:
    """Return the first training picture of this digit."""
    train = digits()[0]
    return train.x[int(np.argmax(train.t == digit))]


@lru_cache(4)
def trained(
    device: str = "cpu",
    seed: int = 0,
    n_train: int = 60_000,
    epochs: int = 4,
    weights: str | None = None,
) -> Trained:
    """Return 3Blue1Brown's network, trained, or the one in a file."""
    if weights is None:
        return trained_population(device, seed, None, n_train, epochs)
    net = _from_file(weights, device)
    return Trained(net, f"weights of {weights}", n_train, weights)


@lru_cache(4)
def trained_population(
    device: str, seed: int, population: int | None, n_train: int, epochs: int
) -> Trained:
    """Return such networks, trained at once; one if `population` is None."""
    settings = SIGMOIDS | {"seed": seed, "device": device, "population": population}
    net = mlp([784, 16, 16, 10], **settings)
    training: Any = {"epochs": epochs, "batch_size": 32, "compute_metrics": False}
    fit(net, sample(n_train), optimizer=Adam(0.005), **training, progress=False)
    networks = f"{population} x " if population else ""
    summary = (
        f"{networks}784-16-16-10 sigmoid, squared error, Adam .005, batch 32, "
        f"{counted(epochs, 'epoch')} of {n_train:,} digits, seed {seed}"
    )
    return Trained(net, summary, n_train)


def _from_file(path: str, device: str) -> Network:
    load = load_published if is_published(path) else load_network
    net = load(path, device)
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    sizes = [dense[0].n_in, *(layer.n_out for layer in dense)] if dense else [0]
    if net.population or (sizes[0], sizes[-1]) != (784, 10):
        networks = f"{counted(net.population, 'network')} of " if net.population else ""
        layers = "-".join(map(str, sizes)) if dense else "no dense layer"
        content = f"holds {networks}{layers}"
        advice = "the digits need one network of 784 inputs and 10 outputs"
        raise ModelFileError(message("weights", fsdecode(path), content, advice))
    return net
