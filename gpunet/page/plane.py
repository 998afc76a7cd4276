"""The plane of a network of two inputs: its points, and how it was trained.

The page draws what the network says everywhere, and trains it further or another one
anew, in the same steps as `gpunet.fit`.
"""

from typing import Any

import numpy as np

from ..blocks import dense_blocks
from ..data import Preprocessing, Splits
from ..errors import ConfigError
from ..network import Network
from .source import PageSource
from .values import floats

_MOST = 2000  # points that are drawn
_SETTINGS = ("learning_rate", "momentum", "l2", "batch_size", "optimizer", "seed")
_OPTIMIZERS = ("sgd", "adam")
_WITHOUT = ("softmax", "comparator")  # as activations, the page cannot train them
_LOSSES = (  # and these it can
    *("half_squared_error", "squared_error", "mean_squared_error", "absolute_error"),
    *("huber", "sigmoid_cross_entropy", "softmax_cross_entropy"),
)


def section(source: PageSource) -> dict[str, Any] | None:
    """Return the points (n, 2) and the settings of a network of two inputs."""
    net, table = source.shown, source.table
    if net.n_in != 2 or (table is not None and table.categories):
        return None
    if reason := _why_unsupported(net):
        source.notes.append(f"the plane is not shown: {reason}")
        return None
    plane = {"loss": str(net.loss.name), "settings": _settings(source)}
    if source.data is not None:
        plane |= _points(source.data, table)
    return plane


def playground() -> dict[str, Any]:
    """Return the document of a page with a new network of two inputs, to train."""
    return {"title": "Playground", "plane": {"settings": {}}}


def _why_unsupported(net: Network) -> str:
    try:
        functions = [block.f for block in dense_blocks(net.layers)]
    except ConfigError as error:
        return str(error)
    names = [f.name for f in functions if not f.built_in or f.kind in _WITHOUT]
    if names:
        return f"the page cannot train {names[0]}"
    if net.loss.kind not in _LOSSES or not net.loss.built_in:
        return f"the page cannot train with the loss {net.loss.name}"
    if not net.loss.on_logits and net.n_out > 1 and net.classes is None:
        return "it has several outputs, which are no classes"
    return ""


def _settings(source: PageSource) -> dict[str, Any]:
    """Return how the network was trained, as far as the page can do the same."""
    settings = source.run.settings if source.run else {}
    if settings.get("optimizer") not in _OPTIMIZERS:
        return {}
    values = {name: settings.get(name) for name in _SETTINGS}
    values["batch_size"] = values["batch_size"] or _MOST  # None: all of them
    known = (int, float, str)  # a population may have lists
    return {name: v for name, v in values.items() if isinstance(v, known)}


def _points(data: Splits, table: Preprocessing | None) -> dict[str, str]:
    """Return the training points in their own units, with classes or numbers."""
    part = data.train
    x, t = part.x[:_MOST].astype("float64"), np.asarray(part.t[:_MOST])
    if table is None:
        return {"x": floats(x * part.scale), "t": floats(t)}
    mean, factor = table.input_scaling()
    raw = x / np.where(factor == 0.0, 1.0, factor) + mean
    if table.target.classes is None:
        t = table.target.decode(t)
    return {"x": floats(raw), "t": floats(t), "target": str(table.target.name)}
