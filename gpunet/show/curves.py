"""Learning curves: loss and accuracy by epoch, training against validation."""

from pathlib import Path
from typing import Any

from .plots import BLUE, ORANGE, sheet, styled, write


@styled
def draw_curves(history: Any, path: Path) -> str:
    """Draw loss and accuracy of each epoch; return the picture's path.

    For a population the line is the mean and the band spans the members.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    WriteError
        The picture cannot be written.
    """
    panels = [
        (("loss", "val_loss"), "loss"),
        (("accuracy", "val_accuracy"), "accuracy"),
    ]
    panels = [
        (keys, title)
        for keys, title in panels
        if any(_members(v) for key in keys for v in history[key])
    ]
    figure = sheet(height=3.6, width=5.0 * max(len(panels), 1))
    for k, (keys, title) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), k + 1)
        for key, color, label in zip(
            keys, (BLUE, ORANGE), ("training", "validation"), strict=True
        ):
            _line(axes, history["epoch"], history[key], color, label)
        axes.set_xlabel("epoch")
        axes.set_title(title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.lines:
            axes.legend()
    return str(write(figure, path))


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
