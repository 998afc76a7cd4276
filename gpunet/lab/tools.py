"""What the first experiments share: given networks, and their numbers on the host."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Backend, open_backend
from ..builders import mlp
from ..network import Network
from .checks import check


def near(what: str, found: float, target: float, tolerance: float) -> dict[str, Any]:
    """Return the check that `found` lies within `tolerance` of `target`; NaN fails."""
    ok = abs(found - target) <= tolerance
    # All digits stay: an agreement to 1e-10 cannot be seen in seven.
    return check(what, 0, target, ok) | {"found": found}


def given_network(
    sizes: Sequence[int],
    params: Mapping[str, Any],
    *,
    device: "str | Backend",
    **network: Any,
) -> Network:
    """Return a float64 network with the parameters given, not drawn.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer, input first.
    params : mapping of str to nested lists
        "0.W" of shape (n_in, n_out), "0.b" of shape (n_out,), and so on.
    device : str or Backend
    **network
        activation, output, loss, population of `mlp`.
    """
    bk = open_backend(device)
    net = mlp(sizes, device=bk, dtype="float64", weights=0.0, **network)
    wanted = {name: tuple(p.shape) for name, p in net.params.items()}
    given = {name: bk.array(params[name], "float64") for name in net.params}
    assert wanted == {name: tuple(p.shape) for name, p in given.items()}, wanted
    return net.with_params(given)


def numbers(net: Network, x: Any) -> Any:
    """Return a device array, or a dict of them, as nested lists of floats."""
    if isinstance(x, dict):
        return {name: numbers(net, value) for name, value in x.items()}
    return net.backend.to_host(x).tolist()


def gradients(net: Network, x: Any, t: Any) -> tuple[Any, dict[str, Any]]:
    """Return (loss, gradient of every parameter) on the host, for host arrays."""
    bk = net.backend
    with bk.use():
        rows, targets = bk.array(x, "float64"), bk.array(t, "float64")
        y, caches = net.forward(rows)
        value = net.loss.value(y, targets)
        grads = net.backward(caches, net.loss.slope(y, targets))
    host = {name: bk.to_host(g) for name, g in grads.items()}
    return bk.to_host(value), host


def largest_gap(a: Any, b: Any) -> float:
    """Return max |a - b| over two nestings of numbers of one shape."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b)))
