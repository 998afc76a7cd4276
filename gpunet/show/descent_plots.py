"""Pictures of descent: hills, the balls that roll down them, and what was wished."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .plots import BLACK, COLORS, GRAY, MARKERS, sheet, signed_colors, styled, write


@styled
def hill(
    path: Any,
    panels: Sequence[tuple[str, Any, Any, Sequence[tuple[Any, Any]]]],
    *,
    title: str = "",
) -> Path:
    """Draw curves C(w) with the balls' ways down; return the path.

    Parameters
    ----------
    panels : sequence of (title, w, C, ways)
        Each way is (w, C) of one ball, from its start to its end. The heights
        are above 0 and drawn on a logarithmic scale: deep valleys stay visible.
    """
    from matplotlib.ticker import NullLocator

    figure = sheet(title, 3.8)
    for axes, (name, w, c, ways) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        axes.plot(w, c, color=GRAY, linewidth=1.5)
        for k, (at, height) in enumerate(ways):
            color = COLORS[k % 8]
            axes.plot(at, height, color=color, linewidth=3, alpha=0.7)
            axes.plot(at[0], height[0], "o", color="white", mec=color, mew=2)
            axes.plot(at[-1], height[-1], "o", color=color)
        axes.set_title(name)
        axes.set(xlabel="w", ylabel="C(w)")
        high = max(float(h[0]) for _, h in ways)
        axes.set_yscale("log")
        axes.set_ylim(0.8 * float(np.min(c)), 1.3 * high)
        ticks = [v for v in (0.5, 1, 2, 5, 10, 20) if v < high]
        axes.set_yticks(ticks, map(str, ticks))
        axes.yaxis.set_minor_locator(NullLocator())
    return write(figure, path)


@styled
def valley(
    path: Any,
    grid: tuple[Any, Any, Any],
    ways: dict[str, tuple[Any, Any]],
    *,
    title: str = "",
    labels: tuple[str, str] = ("x", "y"),
    arrow: tuple[float, float, float, float] | None = None,
    best: tuple[float, float] | None = None,
) -> Path:
    """Draw lines of equal cost with ways through them; return the path.

    Parameters
    ----------
    grid : (x, y, C), shapes (w,), (h,) and (h, w)
    ways : dict of str to (x, y)
    arrow : (x, y, dx, dy), optional
        The direction of steepest ascent.
    best : (x, y), optional
        The minimum.
    """
    x, y, cost = grid
    figure = sheet(title, 4.6)
    axes = figure.add_subplot()
    levels = np.quantile(cost, np.linspace(0.0, 1.0, 15) ** 2)[1:]
    axes.contour(x, y, cost, levels=levels, colors=GRAY, linewidths=0.6)
    for k, (name, (xs, ys)) in enumerate(ways.items()):
        color = COLORS[k % 8]
        axes.plot(xs, ys, color=color, linewidth=1.4, label=name)
        few = len(xs) <= 60
        if few:
            axes.plot(xs, ys, MARKERS[k % 8], color=color, markersize=3)
        axes.plot(xs[0], ys[0], "o", color="white", mec=BLACK, mew=1.5)
    if arrow:
        at, by = arrow[:2], arrow[2:]
        end = (at[0] + by[0], at[1] + by[1])
        style = {"arrowstyle": "-|>", "color": BLACK, "lw": 2}
        axes.annotate("", end, at, arrowprops=style)
        axes.annotate(
            "gradient: the\nsteepest ascent", end, (8, -4), textcoords="offset points"
        )
    if best:
        axes.plot(*best, "*", color=BLACK, markersize=12, label="minimum")
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return write(figure, path)


@styled
def wish_table(path: Any, wishes: Any, digit: int, title: str = "") -> Path:
    """Draw what each output wants of each neuron before it, and the sum.

    Parameters
    ----------
    wishes : array, shape (n_out, n_hidden)
    digit : int
        The output that is to rise.
    """
    wishes = np.asarray(wishes, np.float64)
    total = wishes.sum(axis=0)
    n_out, n_hidden = wishes.shape
    figure = sheet(title, 4.6)
    upper, lower = figure.subplots(2, 1, height_ratios=[n_out, 1.2], sharex=True)
    for axes, rows in ((upper, wishes), (lower, total[None, :])):
        most = float(np.max(np.abs(rows))) or 1.0
        shown = axes.imshow(
            rows, cmap=signed_colors(), vmin=-most, vmax=most, aspect="auto"
        )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    names = [f"{j} up" if j == digit else f"{j} down" for j in range(n_out)]
    upper.set_yticks(range(n_out), names)
    upper.get_yticklabels()[digit].set_weight("bold")
    upper.set_ylabel("output")
    lower.set_yticks([0], ["sum"])
    lower.set_xticks(range(n_hidden))
    lower.set_xlabel("neuron of the layer before")
    bar = figure.colorbar(shown, ax=[upper, lower], ticks=[-most, 0, most])
    bar.ax.set_yticklabels(["less", "same", "more"])
    bar.outline.set_visible(False)
    return write(figure, path)
