"""Evaluation: the mean loss and the accuracy of a network on a data set."""

from typing import Any

from ..backend import Array, namespace
from ..data import with_scale
from ..layers import Dense
from ..network import Network
from .device_data import DeviceData, as_dataset, check_data, to_device
from .memory import memory_for
from .metrics import n_correct

# Activations held at once: 8 million floats, 32 MB in float32. No call then
# lasts so long that an interrupt must wait for it.
_ACTIVATIONS = 8_000_000


def has_accuracy(net: Network, t: Array) -> bool:
    """Return whether answers to t, (n,) or (n, n_out), can be right or wrong."""
    return t.ndim == 1 or (t.shape[-1] == 1 and net.loss.on_logits)


def count_correct(net: Network, y: Array, t: Array) -> Array:
    """Return how many of the outputs y mean what t says, shape (...)."""
    labels = net.decide(y)
    if t.dtype == y.dtype:
        xp = namespace(t)
        t = xp.astype(t[..., 0], xp.int64)
    return n_correct(labels, t)


def measure(net: Network, data: DeviceData) -> tuple[list[float], list[float] | None]:
    """Return (loss, accuracy), a list with one number for each member (or network).

    The accuracy is None for targets.
    """
    bk, n = net.backend, data.n
    widest = max(layer.n_out for layer in net.layers if isinstance(layer, Dense))
    rows = max(64, min(8192, _ACTIVATIONS // (widest * (net.population or 1))))
    total: Any = 0.0
    correct: Any = None
    for a in range(0, n, rows):
        b = min(a + rows, n)
        y, _ = net.forward(data.floats(data.x[a:b, ...]))
        t = data.t[a:b, ...]
        weight = None if data.weight is None else data.weight[a:b]
        total = total + net.loss.value(y, t, weight) * float(b - a)
        if has_accuracy(net, data.t):
            count = count_correct(net, y, t)
            correct = count if correct is None else correct + count
    shape = net.population or 1
    loss = [v / n for v in bk.to_host(total).reshape(shape).tolist()]
    if correct is None:
        return loss, None
    return loss, [v / n for v in bk.to_host(correct).reshape(shape).tolist()]


def evaluate(net: Network, data: Any, *, scale: float | None = None) -> dict[str, Any]:
    """Return loss and accuracy of a network on a data set.

    Parameters
    ----------
    net : Network
    data : Dataset or (x, t)
        Host arrays.
    scale : float, optional
        Deprecated: use ``Dataset(x, t, scale=...)``.

    Returns
    -------
    result : dict
        n, loss, accuracy (None for targets that are not labels); lists with
        one value for each member of a population.
    """
    data = as_dataset(data)
    if scale is not None:
        data = with_scale(data, scale, "evaluate")
    data = check_data(net, data, "evaluate", one_class_ok=True)
    bk, begun = net.backend, net.params.check_reading("evaluate")
    result: dict[str, Any] = {"n": len(data)}
    with bk.use(), memory_for("evaluation", bk):
        loss, accuracy = measure(net, to_device(net, data))
    net.params.check_reading("evaluate", begun)
    if net.population:
        return result | {"loss": loss, "accuracy": accuracy}
    return result | {"loss": loss[0], "accuracy": accuracy and accuracy[0]}
