"""Learning curves: loss and accuracy by epoch, training against validation."""

import io
from pathlib import Path
from typing import Any

from ..storage import write_atomically

# Okabe and Ito's colors, told apart by color-blind readers too.
TRAIN, VALIDATION = "#0072B2", "#D55E00"


def draw_curves(history: Any, path: Path) -> str:
    """Draw loss and accuracy of each epoch; return the picture's path.

    For a population the line is the mean and the band spans the members.

    Parameters
    ----------
    history : History
    path : path of the PNG file to write

    Raises
    ------
    ImportError
        matplotlib is not installed.
    WriteError
        The picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [
        (("loss", "val_loss"), "loss"),
        (("accuracy", "val_accuracy"), "accuracy"),
    ]
    panels = [
        (keys, title)
        for keys, title in panels
        if any(_members(v) for key in keys for v in history[key])
    ]
    figure = Figure(figsize=(4.2 * max(len(panels), 1), 3.0), dpi=120)
    FigureCanvasAgg(figure)
    for k, (keys, title) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), k + 1)
        for key, color, label in zip(
            keys, (TRAIN, VALIDATION), ("training", "validation"), strict=True
        ):
            _line(axes, history["epoch"], history[key], color, label)
        axes.set_xlabel("epoch")
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_atomically(path, picture.getvalue())
    return str(path)


def _members(value: Any) -> list[float]:
    """Return what is known of one network or of the members of a population."""
    members = value if isinstance(value, list) else [value]
    return [v for v in members if v is not None]


def _line(axes: Any, epochs: list, values: list, color: str, label: str) -> None:
    rows = []
    for epoch, value in zip(epochs, values, strict=True):
        if known := _members(value):
            rows.append((epoch, sum(known) / len(known), min(known), max(known)))
    if not rows:
        return
    at, mean, low, high = zip(*rows, strict=True)
    axes.plot(at, mean, color=color, label=label, marker="o", markersize=3)
    if low != high:
        axes.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
