"""What the experiments share: networks from given numbers, gradients, descent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Backend, open_backend
from ..blocks import mlp
from ..network import Network
from ..optimizers import Optimizer

# The activations and the loss of 3Blue1Brown's networks, as keywords of `mlp`.
SIGMOIDS: dict[str, Any] = {
    **dict.fromkeys(["activation", "output"], "sigmoid"),
    "loss": "squared_error",
}


def network_from(
    sizes: Sequence[int],
    params: Mapping[str, Any],
    *,
    device: "str | Backend",
    **settings: Any,
) -> Network:
    """Return a float64 network of `mlp` with these parameters, nested lists.

    "0.W" has the shape (n_in, n_out), "0.b" the shape (n_out,), and so on.
    """
    bk = open_backend(device)
    net = mlp(sizes, device=bk, dtype="float64", weight_init=0.0, **settings)
    arrays = {name: bk.array(params[name], "float64") for name in net.params}
    for name, p in net.params.items():
        assert p.shape == arrays[name].shape, name
    return net.with_params(arrays)


def untrained(seed: int, device: "str | Backend") -> Network:
    """Return 3Blue1Brown's network as it starts: everything normal(0, 1), float64."""
    return mlp(
        [784, 16, 16, 10],
        **SIGMOIDS,
        weight_init="standard_normal",
        bias_init="standard_normal",
        seed=seed,
        device=device,
        dtype="float64",
    )


def to_lists(net: Network, x: Any) -> Any:
    """Return a device array, or a dict of them, as nested lists of floats."""
    if isinstance(x, dict):
        return {name: to_lists(net, value) for name, value in x.items()}
    return net.backend.to_host(x).tolist()


def loss_and_gradients(net: Network, x: Any, t: Any) -> tuple[Any, dict[str, Any]]:
    """Return (loss, gradient of every parameter) on the host, for host arrays."""
    bk = net.backend
    with bk.use():
        rows, targets = bk.array(x, "float64"), bk.array(t, "float64")
        y, caches = net.forward(rows)
        value = net.loss.value(y, targets)
        grads: Any = net.backward(caches, net.loss.slope(y, targets))
    return bk.to_host(value), {name: bk.to_host(g) for name, g in grads.items()}


def flat(tensors: Iterable[Any]) -> np.ndarray:
    """Return host arrays as one row of numbers, in their order."""
    return np.concatenate([np.ravel(tensor) for tensor in tensors])


def max_difference(a: Any, b: Any) -> float:
    """Return max |a - b| over two nestings of numbers of one shape."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b)))


def descend(net: Network, x: Any, t: Any, optimizer: Optimizer, n_steps: int) -> None:
    """Train `net` in place on all examples at once: the four lines, n_steps times."""
    bk = net.backend
    with bk.use():
        points, labels = bk.array(x, net.dtype), bk.array(t)
        optimizer.start(net.params, bk, net.population)
        for _ in range(n_steps):
            y, caches = net.forward(points, train=True)
            dy = net.loss.slope(y, labels)
            grads: Any = net.backward(caches, dy)
            optimizer.step(net.params, grads)
