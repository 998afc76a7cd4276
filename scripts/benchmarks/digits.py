"""The digits that benchmarks and checks of devices train on, from 0 to 1."""

import numpy as np

from gpunet.data import load_mnist


def training_digits(n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first n training digits of MNIST, or all, with their labels.

    Returns
    -------
    x : float32 array, shape (n, 784), from 0 to 1
    t : int64 array, shape (n,)
    """
    train = load_mnist().train
    return train.x[:n], train.t[:n]
