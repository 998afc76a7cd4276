"""Planes: points of two kinds, the grid they lie on, and where a network parts them.

A panel shows a region colored by the network's answer, a grid bent by a layer,
or both; several panels side by side tell a story from left to right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .plots import (
    BLACK,
    BLUE,
    COLORS,
    GRAY,
    GREEN,
    MARKERS,
    ORANGE,
    sheet,
    styled,
    write,
)

KINDS = (BLUE, ORANGE, GREEN, *COLORS[3:])


@dataclass
class Plane:
    """One panel.

    Attributes
    ----------
    points : array, shape (n, 2)
    labels : integer array, shape (n,)
    region : (x, y, values), optional
        Grid coordinates, shapes (w,) and (h,), and labels, shape (h, w).
    lines : sequence of arrays, shape (k, 2)
        The bent grid.
    cut : array, shape (k, 2), optional
        A dividing line.
    note : str
        Below the panel.
    """

    title: str
    points: Any
    labels: Any
    region: tuple | None = None
    lines: Sequence[Any] = field(default_factory=list)
    cut: Any = None
    note: str = ""


@styled
def planes(
    path: Any, panels: Sequence[Plane], *, title: str = "", columns: int = 0
) -> Any:
    """Draw panels side by side; return the path of the picture.

    Parameters
    ----------
    panels : sequence of Plane
    columns : int
        0 puts all in one row.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    figure = sheet(title, 0.5 + rows * (8.0 / columns + 0.45))
    for k, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, k + 1)
        _region(axes, panel)
        for line in panel.lines:
            axes.plot(*np.asarray(line).T, color=GRAY, linewidth=0.5, alpha=0.7)
        _points(axes, panel)
        if panel.cut is not None:
            axes.plot(*np.asarray(panel.cut).T, color=BLACK, linewidth=1.5)
        axes.set_title(panel.title)
        axes.set(xticks=[], yticks=[], xlabel=panel.note)
        axes.spines[:].set(visible=True, color=GRAY, linewidth=0.5)
        if panel.region is not None:
            axes.set_aspect("equal")
        else:
            axes.set_box_aspect(1)
    return write(figure, path)


def _region(axes: Any, panel: Plane) -> None:
    from matplotlib.colors import ListedColormap

    if panel.region is None:
        return
    x, y, values = panel.region
    most = max(int(np.max(values)), int(np.max(panel.labels)), 1)
    axes.pcolormesh(
        x,
        y,
        values,
        cmap=ListedColormap(KINDS[: most + 1]),
        vmin=-0.5,
        vmax=most + 0.5,
        alpha=0.22,
        linewidth=0,
        rasterized=True,
    )


def _points(axes: Any, panel: Plane) -> None:
    points, labels = np.asarray(panel.points), np.asarray(panel.labels)
    size = 14 if len(points) <= 500 else 6
    for kind in sorted(set(labels.tolist()), reverse=True):
        mine = points[labels == kind]
        axes.scatter(
            *mine.T,
            s=size,
            color=KINDS[kind % len(KINDS)],
            marker=MARKERS[kind % len(MARKERS)],
            edgecolors="white",
            linewidths=0.3,
        )
