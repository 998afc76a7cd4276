"""Planes: points of several kinds, the grid they lie on, and how a network decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import style
from .style import BLACK, BLUE, COLORS, GRAY, GREEN, MARKERS, ORANGE

KINDS = (BLUE, ORANGE, GREEN, *COLORS[3:])


@dataclass
class Plane:
    """One panel: a region colored by the network's answer, a bent grid, or both."""

    title: str
    points: Any  # shape (n, 2)
    labels: Any  # integers, shape (n,)
    region: tuple | None = None  # x (w,), y (h,) and labels (h, w)
    lines: Sequence[Any] = ()  # of the bent grid, shape (k, 2) each
    cut: Any = None  # a dividing line, shape (k, 2)
    note: str = ""  # below the panel


@style.styled
def planes(
    panels: Sequence[Plane], *, title: str = "", columns: int = 0
) -> style.Figure:
    """Draw panels side by side; `columns` 0 puts all in one row."""
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    figure = style.new_figure(title, 0.5 + rows * (8.0 / columns + 0.45))
    for k, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, k + 1)
        if panel.region is not None:
            _draw_region(axes, panel.region, int(np.max(panel.labels)))
        for line in panel.lines:
            axes.plot(*np.asarray(line).T, color=GRAY, linewidth=0.5, alpha=0.7)
        _draw_points(axes, np.asarray(panel.points), np.asarray(panel.labels))
        if panel.cut is not None:
            axes.plot(*np.asarray(panel.cut).T, color=BLACK, linewidth=1.5)
        axes.set(title=panel.title, xlabel=panel.note)
        style.thin_frame(axes)
        axes.set(**{"box_aspect": 1} if panel.region is None else {"aspect": "equal"})
    return figure


def _draw_region(axes: style.Axes, region: tuple, top_label: int) -> None:
    from matplotlib.colors import ListedColormap

    x, y, values = region
    top = max(int(np.max(values)), top_label, 1)
    colors = {"cmap": ListedColormap(KINDS[: top + 1]), "vmin": -0.5, "vmax": top + 0.5}
    axes.pcolormesh(x, y, values, **colors, alpha=0.22, linewidth=0, rasterized=True)


def _draw_points(axes: style.Axes, points: np.ndarray, labels: np.ndarray) -> None:
    edges = {"edgecolors": "white", "linewidths": 0.3, "s": 14}
    if len(points) > 500:
        edges["s"] = 6
    for kind in sorted(set(labels.tolist()), reverse=True):
        color, marker = KINDS[kind % len(KINDS)], MARKERS[kind % len(MARKERS)]
        axes.scatter(*points[labels == kind].T, color=color, marker=marker, **edges)
