"""The network that the digit experiments look into, trained once a process.

784-16-16-10 with sigmoids and the squared error summed over ten outputs: the
network of 3Blue1Brown's videos. Adam brings it to about 93 % in a few seconds,
where the plain descent of the book takes thirty epochs; published weights, or a
model of your own, may take its place.
"""

from dataclasses import dataclass
from functools import lru_cache
from os import fsdecode
from typing import Any

import numpy as np

from ...blocks import mlp
from ...data import Splits, load_mnist
from ...errors import ModelFileError
from ...layers import Dense
from ...network import Network
from ...optimizers import Adam
from ...storage import load_network, one_line
from ...storage.published import is_published, load_published
from ...training import fit
from ..checks import check_range


@dataclass(frozen=True)
class Trained:
    """A network with the digits it was trained on and how well it does.

    Attributes
    ----------
    net : Network
    data : Splits
        x from 0 to 1, float32.
    accuracy : float
        On all test digits; of a population the mean.
    story : str
        What was trained how, in one line.
    n_train : int
        Training digits that were asked for.
    weights : path or None
        Where the network was taken from, if it was not trained here.
    """

    net: Network
    data: Splits
    accuracy: float
    story: str
    n_train: int
    weights: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What every result says of the network."""
        return {
            "network": self.story,
            "n_test": len(self.data.test),
            "test_accuracy": round(self.accuracy, 4),
        }


@lru_cache(1)
def digits() -> Splits:
    """Return MNIST, float32 from 0 to 1; read once a process."""
    return load_mnist()


def sample(n: int, *, test: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the first n digits and their labels, of training or test."""
    part = digits().test if test else digits().train
    check_range("n_images" if test else "n_train", n, 1, len(part))
    return part.x[:n], part.t[:n]


@lru_cache(4)
def trained(
    device: Any = "cpu",
    seed: int = 0,
    n_train: int = 60_000,
    epochs: int = 4,
    weights: str | None = None,
) -> Trained:
    """Return 3Blue1Brown's network, trained, or the one a file holds.

    Parameters
    ----------
    device : str or Backend
    seed : int
    n_train : int
        Training digits.
    epochs : int
        Times through the training digits.
    weights : path, optional
        Published weights (JSON, npz) or a model file to look into instead.

    Raises
    ------
    ModelFileError
        The file holds no network of 784 inputs and 10 outputs.
    """
    if weights is not None:
        net, story = _from_file(weights, device), f"weights of {weights}"
        return _scored(net, story, n_train, weights)
    return _train(device, seed, None, n_train, epochs)


@lru_cache(2)
def crowd(
    device: Any = "cpu",
    seed: int = 0,
    n_networks: int = 10,
    n_train: int = 20_000,
    epochs: int = 6,
) -> Trained:
    """Return a population of such networks, trained at once on fewer digits."""
    return _train(device, seed, n_networks, n_train, epochs)


def _train(device, seed, population, n_train, epochs) -> Trained:
    net = mlp(
        [784, 16, 16, 10],
        "sigmoid",
        output="sigmoid",
        loss="squared_error",
        seed=seed,
        device=device,
        population=population,
    )
    x, t = sample(n_train)
    adam = Adam(0.005)
    fit(net, (x, t), epochs=epochs, batch_size=32, optimizer=adam, track=False)
    many = f"{population} x " if population else ""
    return _scored(
        net,
        f"{many}784-16-16-10 sigmoid, squared error, Adam .005, batch 32, "
        f"{epochs} epochs of {len(x):,} digits, seed {seed}",
        n_train,
    )


def _scored(net: Network, story: str, n_train: int, weights=None) -> Trained:
    data = digits()
    hits = net.classify(data.test.x) == data.test.t
    return Trained(net, data, float(hits.mean()), story, n_train, weights)


def _from_file(path: str, device: Any) -> Network:
    load = load_published if is_published(path) else load_network
    net = load(path, device)
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    sizes = [dense[0].n_in, *(layer.n_out for layer in dense)] if dense else []
    if net.population or not sizes or (sizes[0], sizes[-1]) != (784, 10):
        crowd = f"{net.population} networks of " if net.population else ""
        why = f"holds {crowd}{'-'.join(map(str, sizes)) or 'no dense layer'}"
        cure = "the digits need one network of 784 inputs and 10 outputs"
        raise ModelFileError(one_line("weights", fsdecode(path), why, cure))
    return net


def first_weights(net: Network) -> np.ndarray:
    """Return the first layer's weights as pictures, host, shape (n, 784)."""
    name = next(name for name in net.params if name.endswith(".W"))
    return np.ascontiguousarray(net.backend.to_host(net.params[name]).T, np.float64)
