"""What a record's process does: `recipes.py 98 SEED` trains and tests one network.

Nothing is compiled: NumPy has trained two epochs before a compiler is loaded. The
network sees a digit's principal components instead of its 784 pixels, which is a
tenth of the work. A projection and a dense layer are one dense layer, so what is
tested is a plain network on the pixels, such as 784-320-10.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from gpunet.backend.threads import set_threads, usable_threads

if __name__ == "__main__":  # before NumPy is imported
    set_threads(None, blas=1)  # the products are small

import numpy as np

import gpunet
from gpunet.data import Splits, read_mnist


class Recipe(NamedTuple):
    """How a network of one hidden layer is trained; all else is in `train`."""

    n_axes: int  # principal components
    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    moved: bool  # whether each epoch sees the digits turned, sheared, scaled, shifted

    def __str__(self) -> str:
        return (
            f"784-{self.n_axes}-{self.hidden}-10, the first weights the principal axes "
            f"and folded into 784-{self.hidden}-10 for the test; ReLU, label smoothing "
            f"0.1, Nesterov {self.learning_rate} with momentum 0.9, one cycle, batch "
            f"{self.batch_size}" + (", digits moved anew each epoch" * self.moved)
        )


RECIPES = {  # by the accuracy in percent that the mean of the seeds exceeds
    98: Recipe(56, 320, 2, 128, 0.5, False),
    99: Recipe(64, 1024, 12, 256, 1.0, True),
}
_EVERY = 10  # the axes are those of every 10th digit
_GROUP = 100  # digits that are moved alike
_SIDE = 28
_MIDDLE = (_SIDE - 1) / 2
_PLACES = np.indices((_SIDE, _SIDE)).reshape(2, -1).T - _MIDDLE  # (784, 2)


def main(target: int, seed: int) -> dict[str, Any]:
    """Train one network and test it; return its accuracy and when each part ended."""
    ends, recipe = {"start": time.time()}, RECIPES[target]
    with ThreadPoolExecutor(1) as pool:  # inflating does not hold Python's lock
        reading = pool.submit(read_mnist)
        gpunet.evaluate, gpunet.mlp, gpunet.SGD  # noqa: B018 - imported meanwhile
        data = reading.result()
    ends["data"] = time.time()
    net = train(data, seed, recipe)
    ends["training"] = time.time()
    accuracy = gpunet.evaluate(net, data.test)["accuracy"]
    ends["test"] = time.time()
    result = {"accuracy": accuracy, "epochs": recipe.epochs, "recipe": str(recipe)}
    return result | {"ends": ends}


def train(data: Splits, seed: int, recipe: Recipe) -> gpunet.Network:
    """Return a network with one hidden layer trained on the training part."""
    pixels, scale = data.train.x, data.train.scale
    with ThreadPoolExecutor(usable_threads()) as pool:
        mean, axes = principal_axes(pixels[::_EVERY], recipe.n_axes, pool.map)
        keys = [
            (seed, epoch) if recipe.moved else None for epoch in range(recipe.epochs)
        ]
        x = components(pixels, mean, axes, keys[0], pool.map)
    loss = "softmax_cross_entropy:0.1"
    net = gpunet.mlp(
        [recipe.n_axes, recipe.hidden, 10], loss=loss, seed=seed, device="cpu"
    )
    with ThreadPoolExecutor(1) as pool:  # moves digits while the network learns others
        tasks = [(components, pixels, mean, axes, key) for key in keys[1:] if key]
        later = [pool.submit(*task) for task in tasks]

        def renew(record: dict[str, Any]) -> None:
            if later:
                x[:] = later.pop(0).result()

        gpunet.fit(
            net,
            (x, data.train.t),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            optimizer=gpunet.SGD(recipe.learning_rate, momentum=0.9, nesterov=True),
            schedule="one_cycle:0.2,0.2",
            engine="loop",
            compute_metrics=False,
            progress=False,
            callbacks=[renew],
        )
    whole = gpunet.mlp([len(axes), recipe.hidden, 10], seed=seed, device="cpu")
    W = axes @ net.params["0.W"]
    folded = {"0.W": W / scale, "0.b": net.params["0.b"] - mean @ W}
    whole.params |= net.params | folded
    return whole


def principal_axes(x: np.ndarray, n: int, run: Any = map) -> tuple[Any, Any]:
    """Return the mean of the rows of x, (n_in,), and their n main axes, (n_in, n).

    The axes are so long that the components of a row are about 10 long together. By
    four steps of subspace iteration (Golub and Van Loan, Matrix Computations, 8.2), a
    twentieth of the time of all 784 eigenvectors.
    """
    mean = np.mean(x, axis=0, dtype=np.float32)
    blocks = np.array_split(x - mean, 8)
    covariance = sum(run(lambda block: block.T @ block, blocks)) / len(x)
    axes = np.random.default_rng(0).standard_normal((x.shape[1], n), np.float32)
    for _ in range(4):
        axes = np.linalg.qr(covariance @ axes)[0]
    return mean, axes * (10 / np.sqrt(np.sum(axes * (covariance @ axes))))


def components(
    x: np.ndarray, mean: np.ndarray, axes: np.ndarray, key: Any = None, run: Any = map
) -> np.ndarray:
    """Return (x - mean) @ axes for bytes; with a key, of digits moved at random."""
    order = np.arange(len(x))
    if key:
        order = np.random.default_rng(key).permutation(len(x))
    products = np.empty((len(x), axes.shape[1]), np.float32)

    def project(start: int) -> None:
        rows = order[start : start + _GROUP]
        seen = moved(axes, np.random.default_rng((*key, start))) if key else axes
        products[rows] = x[rows].astype(np.float32) @ seen

    list(run(project, range(0, len(x), _GROUP)))
    products -= mean @ axes
    return products


def moved(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return axes whose product with a digit is that of `axes` with the digit moved.

    It is turned by up to 10 degrees, and up to a tenth larger, smaller and slanted, and
    shifted by up to a pixel. Ink that goes to another place meets the axes there: they
    are read between four pixels, once for many digits.
    """
    turn, slant = rng.uniform(-np.pi / 18, np.pi / 18), rng.uniform(-0.1, 0.1)
    rotation = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    matrix = rotation @ (
        np.diag(rng.uniform(0.9, 1.1, 2)) + np.array([[0, slant], [0, 0]])
    )
    places = _PLACES @ matrix.T + _MIDDLE + rng.uniform(-1, 1, 2)
    places = np.clip(places, 0, _SIDE - 1.001)
    corner = places.astype(int)
    (down, right), first = np.float32(places - corner).T[..., None], corner @ [_SIDE, 1]
    above, below = (
        axes[first + k] * (1 - right) + axes[first + k + 1] * right for k in (0, _SIDE)
    )
    return above * (1 - down) + below * down


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
