"""What the experiments share: networks from given numbers, gradients, descent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Backend, open_backend
from ..blocks import mlp
from ..network import Network
from ..optimizers import Optimizer

# The activations and the loss of 3Blue1Brown's networks, as keywords of `mlp`.
SIGMOIDS: dict[str, Any] = {"activation": "sigmoid", "output": "sigmoid"}
SIGMOIDS |= {"loss": "squared_error"}


def network_from(
    sizes: Sequence[int], params: Mapping[str, Any], device: str, **settings: Any
) -> Network:
    """Return a float64 network of `mlp` with these parameters, nested lists.

    "0.W" has the shape (n_in, n_out), "0.b" the shape (n_out,), and so on.
    """
    bk = open_backend(device)
    net = mlp(sizes, device=bk, dtype="float64", weight_init=0.0, **settings)
    arrays = {name: bk.array(params[name], "float64") for name in net.params}
    assert all(p.shape == arrays[name].shape for name, p in net.params.items())
    return net.with_params(arrays)


def untrained(seed: int, device: "str | Backend") -> Network:
    """Return 3Blue1Brown's network as it starts: everything normal(0, 1), float64."""
    normal = dict.fromkeys(["weight_init", "bias_init"], "standard_normal")
    settings = SIGMOIDS | normal | {"seed": seed, "device": device}
    return mlp([784, 16, 16, 10], **settings, dtype="float64")


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


def loss_and_gradient(net: Network, x: Any, t: Any) -> tuple[float, np.ndarray]:
    """Return (loss, its gradient as one row in the order of the parameters)."""
    loss, grads = loss_and_gradients(net, x, t)
    return float(loss), flat(grads[name] for name in net.params)


def activations(net: Network, x: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (z, a) of every layer of neurons with an activation, on the host."""
    bk = net.backend
    with bk.use():
        _, caches = net.forward(bk.array(x, net.dtype))
        return [(bk.to_host(z), bk.to_host(a)) for z, a in caches[1::2]]


def central_differences(
    loss: Callable[[list[float]], float], values: Sequence[float], h: float
) -> list[float]:
    """Return the slope of the loss at every value, by a nudge of h up and down."""

    def nudged(k: int, step: float) -> float:
        return loss([v + step * (i == k) for i, v in enumerate(values)])

    return [(nudged(k, h) - nudged(k, -h)) / (2 * h) for k in range(len(values))]


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
