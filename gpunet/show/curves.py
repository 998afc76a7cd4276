"""Learning curves: loss and accuracy by epoch, training against validation."""

from ..training.history import History, known_values
from .style import BLUE, ORANGE, Axes, Figure, new_figure, styled

_MOST_DOTS = 40  # more of them hide the line


@styled
def learning_curves(history: History) -> Figure:
    """Draw loss and accuracy of each epoch of a History.

    For a population the line is the mean and the band spans the members.
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
            axes.legend()
    return figure


def _draw_line(axes: Axes, epochs: list, values: list, color: str, label: str) -> None:
    rows = []
    for epoch, value in zip(epochs, values, strict=True):
        if known := known_values(value):
            rows.append((epoch, sum(known) / len(known), min(known), max(known)))
    if not rows:
        return
    known_epochs, mean, low, high = zip(*rows, strict=True)
    dots = "o" if len(rows) <= _MOST_DOTS else None
    axes.plot(known_epochs, mean, color=color, label=label, marker=dots, markersize=3)
    if low != high:
        axes.fill_between(known_epochs, low, high, color=color, alpha=0.2, linewidth=0)
