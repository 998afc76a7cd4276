"""Learning curves: loss and accuracy by epoch, training against validation."""

from statistics import median
from typing import Any

from ..training.history import History, known_values
from .markup import FAR
from .style import BLUE, ORANGE, Axes, Figure, new_figure, styled

_MOST_DOTS = 40  # more of them hide the line


@styled
def learning_curves(history: History) -> Figure:
    """Draw loss and accuracy of each epoch of a History.

    Of a population each member is a thin line, and the thick one is the median of
    those that still learn.
    """
    panels = [
        title
        for title in ("loss", "accuracy")
        if any(known_values(v) for key in (title, f"val_{title}") for v in history[key])
    ]
    figure = new_figure(height=3.6, width=5.0 * max(len(panels), 1))
    for k, title in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), k + 1)
        held_out = history[f"val_{title}"]
        _draw_line(axes, history["epoch"], history[title], BLUE, "training")
        _draw_line(axes, history["epoch"], held_out, ORANGE, "validation")
        axes.set_xlabel("epoch")
        axes.set_title(title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.lines:
            _cut(axes)
            place = "upper right" if title == "loss" else "lower right"
            axes.legend(loc=place, frameon=True, framealpha=0.8, edgecolor="none")
    return figure


def _draw_line(axes: Axes, epochs: list, values: list, color: str, label: str) -> None:
    pairs = zip(epochs, values, strict=True)
    known = [(epoch, v) for epoch, v in pairs if known_values(v)]
    if not known:
        return
    if isinstance(known[0][1], list):
        _draw_members(axes, known, color)
        label = f"{label}, median"
    middle = [median(known_values(v)) for _, v in known]
    dots = "o" if len(known) <= _MOST_DOTS else None
    look: Any = {"color": color, "marker": dots, "markersize": 3, "linewidth": 2}
    axes.plot([epoch for epoch, _ in known], middle, label=label, **look)


def _draw_members(axes: Axes, known: list[tuple[Any, list]], color: str) -> None:
    """Draw a thin line for each member; the more there are, the fainter."""
    from matplotlib.collections import LineCollection

    n = len(known[0][1])
    lines = [[(x, v[i]) for x, v in known if v[i] is not None] for i in range(n)]
    lines = [line for line in lines if line]
    opacity = min(0.6, max(0.015, 10 / n))
    look: Any = {"colors": color, "linewidths": 0.7, "alpha": opacity, "zorder": 1}
    axes.add_collection(LineCollection(lines, **look))


def _cut(axes: Axes) -> None:
    """Leave out what is far above all medians: one member would flatten the rest."""
    highest = max((max(line.get_ydata()) for line in axes.lines), default=0.0)
    top, lowest = FAR * highest, axes.dataLim.ymin
    if axes.collections and axes.dataLim.ymax > top > lowest:
        axes.set_ylim(lowest - 0.05 * (top - lowest), top)
        axes.set_title(f"{axes.get_title()} (cut at {top:.3g})")
