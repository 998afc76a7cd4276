"""Descent: cost curves and contours with the paths down, and desired changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import style
from .style import BLACK, COLORS, GRAY, MARKERS


@style.styled
def cost_curves(
    panels: Sequence[tuple[str, Any, Any, Sequence[tuple[Any, Any]]]],
    *,
    title: str = "",
) -> style.Figure:
    """Draw curves C(w) with the paths of balls that roll down them.

    A panel is (title, w, C, paths), a path is (w, C) of one ball. C is above 0 and
    drawn on a logarithmic scale: deep valleys stay visible.
    """
    from matplotlib.ticker import NullLocator

    figure = style.new_figure(title, 3.8)
    for axes, (name, w, cost, paths) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        axes.plot(w, cost, color=GRAY, linewidth=1.5)
        for k, (x, y) in enumerate(paths):
            color = COLORS[k % 8]
            axes.plot(x, y, color=color, linewidth=3, alpha=0.7)
            axes.plot(x[0], y[0], "o", color="white", mec=color, mew=2)
            axes.plot(x[-1], y[-1], "o", color=color)
        top = max(float(y[0]) for _, y in paths)
        axes.set(title=name, xlabel="w", ylabel="C(w)", yscale="log")
        axes.set_ylim(0.8 * float(np.min(cost)), 1.3 * top)
        ticks = [v for v in (0.5, 1, 2, 5, 10, 20) if v < top]
        axes.set_yticks(ticks, map(str, ticks))
        axes.yaxis.set_minor_locator(NullLocator())
    return figure


@style.styled
def cost_contours(
    grid: tuple[Any, Any, Any],
    paths: dict[str, Any],
    *,
    title: str = "",
    labels: tuple[str, str] = ("x", "y"),
    arrow: tuple[float, float, float, float] | None = None,
    best: tuple[float, ...] | None = None,
) -> style.Figure:
    """Draw lines of equal cost with the paths of descent.

    `grid` is x, y and C, shapes (w,), (h,) and (h, w); a path has the shape (n, 2);
    `arrow` is x, y, dx, dy of the steepest ascent; `best` the minimum.
    """
    x, y, cost = grid
    figure = style.new_figure(title, 4.6)
    axes = figure.add_subplot()
    levels = np.quantile(cost, np.linspace(0.0, 1.0, 15) ** 2)[1:]
    axes.contour(x, y, cost, levels=levels, colors=GRAY, linewidths=0.6)
    for k, (name, points) in enumerate(paths.items()):
        color, (xs, ys) = COLORS[k % 8], np.transpose(points)
        axes.plot(xs, ys, color=color, linewidth=1.4, label=name)
        if len(xs) <= 60:
            axes.plot(xs, ys, MARKERS[k % 8], color=color, markersize=3)
        axes.plot(xs[0], ys[0], "o", color="white", mec=BLACK, mew=1.5)
    if arrow:
        start, end = arrow[:2], np.add(arrow[:2], arrow[2:])
        head = {"arrowstyle": "-|>", "color": BLACK, "lw": 2}
        axes.annotate("", end, start, arrowprops=head)
        text = "gradient: the\nsteepest ascent"
        axes.annotate(text, end, (8, -4), textcoords="offset points")
    if best:
        axes.plot(*best, "*", color=BLACK, markersize=12, label="minimum")
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@style.styled
def change_table(changes: Any, digit: int, title: str = "") -> style.Figure:
    """Draw the change that each output desires of each neuron before it, and the sum.

    `changes` has the shape (n_out, n_hidden); the output `digit` is to rise.
    """
    changes = np.asarray(changes, np.float64)
    n_out, n_hidden = changes.shape
    figure = style.new_figure(title, 4.6)
    upper, lower = figure.subplots(2, 1, height_ratios=[n_out, 1.2], sharex=True)
    for axes, rows in ((upper, changes), (lower, changes.sum(axis=0)[None, :])):
        top = float(np.max(np.abs(rows))) or 1.0
        scale = {"cmap": style.signed_colors(), "vmin": -top, "vmax": top}
        image = axes.imshow(rows, **scale, aspect="auto")
        style.no_frame(axes)
    names = [f"{j} up" if j == digit else f"{j} down" for j in range(n_out)]
    upper.set_yticks(range(n_out), names)
    upper.get_yticklabels()[digit].set_weight("bold")
    upper.set_ylabel("output")
    lower.set_yticks([0], ["sum"])
    lower.set(xticks=range(n_hidden), xlabel="neuron of the layer before")
    bar = figure.colorbar(image, ax=[upper, lower], ticks=[-top, 0, top])
    bar.ax.set_yticklabels(["less", "same", "more"])
    bar.outline.set_visible(False)
    return figure
