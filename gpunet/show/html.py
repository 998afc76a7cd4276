"""What a notebook displays of gpunet's objects: short pages of HTML, below 100 kB."""

from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

import numpy as np

from ..backend.inputs import host_array
from ..checks.explain import Explanation, LayerFactors
from ..checks.gradcheck import GradientChecks
from ..data import Dataset, Splits
from ..io.messages import counted
from ..network import Network
from ..training.history import History, known_values, mean_value
from ..training.members.table import MemberTable
from .digits_png import contact_sheet
from .markup import Html, Points, block, cell, chart, image, note, table, verdict
from .summary import Summary

_MOST_WEIGHTS = 2_000_000  # of which mean and standard deviation are computed
_LAST_EPOCHS = 5
_SIDES = range(8, 65)  # of images that are shown as such
_MOST_CLASSES = 20
_MOST_NEURONS = 12  # rows and columns of a table of derivatives


def network(net: Network) -> str:
    """Return a row for each layer: its output, parameters and, if small, weights."""
    summary = Summary(net)
    small = net.n_parameters * (net.population or 1) <= _MOST_WEIGHTS
    columns = ["", "layer", "output", "parameters"]
    columns += ["weights: mean", "sd"] if small else []
    rows = []
    for (i, name, shape, n), tensors in zip(
        summary.rows, net.params.by_layer, strict=True
    ):
        row = [str(i), name, f"({', '.join(map(str, shape))})", n]
        if small and "W" in tensors:
            W = np.asarray(net.backend.to_host(tensors["W"]), np.float64)
            row += [float(W.mean()), float(W.std())]
        rows.append(row + [""] * (len(columns) - len(row)))
    rows.append(["", "total", "", summary.total] + [""] * (len(columns) - 4))
    return block(repr(net), table(columns, rows), note(summary.network))


def history(h: History) -> str:
    """Return the curves of a history, and its last epochs as a table."""
    charts = [
        chart(name, "epoch", {"training": _lines(h, name), "validation": held_out})
        for name in ("loss", "accuracy")
        for held_out in [_lines(h, f"val_{name}")]
    ]
    columns = [c for c in h.columns if any(known_values(v) for v in h[c])]
    rows = [[mean_value(record.get(c)) for c in columns] for record in h.records]
    who = f"Lines: medians of {counted(h.n_members or 1, 'member')}; numbers: means."
    last = table(columns, rows[-_LAST_EPOCHS:]) if rows else ""
    return block(repr(h), *charts, note(who) if h.n_members else "", last)


def members(rows: MemberTable) -> str:
    """Return the members of a population as a table, the best first."""
    names = rows.columns
    best = [[row.get(name) for name in names] for row in rows.best_first()]
    columns = [name.replace("_", " ") for name in names]
    notes = map(note, rows.notes())
    return block(counted(len(rows), "member"), table(columns, best), *notes)


def runs(n: int, columns: list[str], rows: list[list[str]], notes: list[str]) -> str:
    """Return runs as a table, with what there is to say below it."""
    return block(counted(n, "run"), table(columns, rows), *map(note, notes))


def _lines(h: History, name: str) -> list[Points]:
    """Return the median by epoch, and of a population each member's line."""
    epochs = [record.get("epoch", k + 1) for k, record in enumerate(h)]
    values = list(zip(epochs, h[name], strict=True))
    lines: list[Points] = [
        [(x, median(known)) for x, v in values if (known := known_values(v))]
    ]
    for member in range(h.n_members or 0):
        by_epoch = [(x, v[member]) for x, v in values if isinstance(v, list)]
        lines.append([(x, y) for x, y in by_epoch if y is not None])
    return lines


def dataset(data: Dataset) -> str:
    """Return the size of a data set, its classes with their counts, some images."""
    return block(repr(data), *_classes({"rows": data}, data.classes), _thumbnails(data))


def splits(data: Splits) -> str:
    """Return the parts with their sizes, classes with their counts, some images."""
    parts = data.parts
    rows = [(name, len(part), repr(part)) for name, part in parts.items()]
    names = data.table.target.classes if data.table else data.train.classes
    notes = map(note, data.notes)
    pictures = "" if data.table else _thumbnails(data.train)
    sizes = table(("part", "rows", "contents"), rows)
    return block(repr(data), sizes, *_classes(parts, names), pictures, *notes)


def _classes(parts: dict[str, Dataset], names: Any) -> list[str]:
    """Return a table of each class's count in each part, if there are classes."""
    labels = [host_array(part.t, "labels", "data") for part in parts.values()]
    if any(t.ndim != 1 or t.dtype.kind not in "iubOSU" for t in labels):
        return []
    counts = [Counter(t.tolist()) for t in labels]
    classes = _in_order(label for count in counts for label in count)
    named = dict(enumerate(() if names is None else names))
    rows = [
        (str(named.get(label, label)), *(count[label] for count in counts))
        for label in classes[:_MOST_CLASSES]
    ]
    hidden = len(classes) - _MOST_CLASSES
    more = f"<p>... and {hidden:,} more classes</p>" if hidden > 0 else ""
    return [table(("class", *parts), rows), more]


def _in_order(labels: Iterable[Any]) -> list[Any]:
    """Return each label once: numbers by size, others by what they print."""
    return sorted(set(labels), key=lambda v: (isinstance(v, str), v if v == v else 0))


def _thumbnails(data: Dataset) -> str:
    """Return the first image of each class side by side, if the rows are images."""
    x, t = data.x, host_array(data.t, "labels", "data")
    side = round(x[:1].size ** 0.5) if isinstance(x, np.ndarray) and len(x) else 0
    if side not in _SIDES or side * side != x[:1].size or t.ndim != 1:
        return ""
    first = {label: i for i, label in reversed(list(enumerate(t.tolist())))}
    rows = [first[label] for label in _in_order(first)[:_MOST_CLASSES]]
    pixels = x[rows].astype(np.float64) * data.scale
    if not 0.0 <= pixels.min() <= pixels.max() <= 1.0:
        return ""
    pictures = np.round(255 * pixels).astype(np.uint8).reshape(-1, side, side)
    return image(contact_sheet(pictures, columns=10), "the first image of each class")


def gradient_checks(checks: GradientChecks) -> str:
    """Return a row for each tensor: how far it is off, and whether it passes."""
    columns = ("tensor", "layer", "error", "limit", "entries", "skipped", "")
    rows = [
        (c.tensor, c.layer, c.error, c.limit, c.n_checked, c.n_skipped, verdict(c.ok))
        for c in checks
    ]
    return block(repr(checks), table(columns, rows))


def explanation(e: Explanation) -> str:
    """Return each layer's factors by neuron, and the derivatives of its weights."""
    formula = "<p>dC/db = da/dz . dC/da, and dC/dw from k to j is a[k] . dC/db[j].</p>"
    return block(repr(e), formula, *map(_layer, e.layers))


def _layer(layer: LayerFactors) -> str:
    factors = zip(layer.z, layer.a, layer.slope, layer.da, layer.dz, strict=True)
    rows = [(j, *map(float, numbers)) for j, numbers in enumerate(factors)]
    n_in, n_out = (min(n, _MOST_NEURONS) for n in layer.W.shape)
    inputs = zip(layer.before.tolist(), layer.dW[:, :n_out].tolist(), strict=True)
    weights = [(k, a, *slopes) for k, (a, slopes) in enumerate(inputs)][:n_in]
    head = ("from k", "a[k]", *(f"dC/dw to {j}" for j in range(n_out)))
    cut = f", the first {n_in} x {n_out}" if (n_in, n_out) != layer.W.shape else ""
    sizes = " x ".join(map(str, layer.W.shape)) + cut
    title = f"<p>Layer {layer.layer}, {cell(layer.function)}: weights {sizes}</p>"
    columns = ("neuron j", "z", "a", "da/dz", "dC/da", "dC/db")
    return Html(title + table(columns, rows) + table(head, weights))
