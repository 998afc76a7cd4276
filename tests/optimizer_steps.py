"""Steps of optimizers on the tensors of two layers, as their tests share them."""

import numpy as np
from helpers import normal

from gpunet.backend import open_backend

CPU = open_backend("cpu")


SETTINGS = {
    "sgd": ("sgd", {"learning_rate": 0.5}),
    "momentum": ("sgd", {"learning_rate": 0.5, "momentum": 0.75}),
    "nesterov": ("sgd", {"learning_rate": 0.5, "momentum": 0.75, "nesterov": True}),
    "adagrad": ("adagrad", {"learning_rate": 0.5, "eps": 0.25}),
    "rmsprop": ("rmsprop", {"learning_rate": 0.5, "decay": 0.75, "eps": 0.25}),
    "adam": (
        "adam",
        {"learning_rate": 0.5, "beta1": 0.75, "beta2": 0.875, "eps": 0.25},
    ),
    "adamw": (
        "adamw",
        {
            **{"learning_rate": 0.5, "beta1": 0.75, "beta2": 0.875, "eps": 0.25},
            "weight_decay": 0.125,
        },
    ),
}


def tensors(seed=0, *lead):
    """Return params and grads of two layers, on the host."""
    shapes = {"0.W": (3, 4), "0.b": (4,), "2.W": (4, 2), "2.b": (2,)}
    params = {n: normal(seed + k, *lead, *s) for k, (n, s) in enumerate(shapes.items())}
    grads = {
        n: normal(9 + seed + len(n) + k, *p.shape)
        for k, (n, p) in enumerate(params.items())
    }
    return params, grads


def run(own, params, grads, steps=3, bk=CPU, population=None, factor=1.0):
    """Return host parameters after some steps with gradients that change a little."""
    with bk.use():
        moved = {name: bk.array(p) for name, p in params.items()}
        own.start(moved, bk, population)
        for k in range(steps):
            now = {name: bk.array(g * (k + 1)) for name, g in grads.items()}
            own.step(moved, now, factor)
        return {name: bk.to_host(p) for name, p in moved.items()}


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in b) and set(a) == set(b)
