"""A map of words: points of the plane, each with its name where there is space."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .style import BLUE, GRAY, Figure, new_figure, styled

_GAP = 4  # pixels between a point and its name
_RINGS = (1.0, 2.5, 4.5)  # gaps, the nearest first
# Where a name may stand about its point: (dx, dy) of its box, in half boxes.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


@styled
def draw_map(words: Sequence[str], points: Any, *, title: str = "") -> Figure:
    """Draw words at points of the plane, shape (n, 2).

    The first words get the best positions for their names.
    """
    points = np.asarray(points, np.float64)
    side = 7.0 + min(len(words), 200) / 40  # inches
    figure = new_figure(title, side * 0.8, side)
    axes = figure.add_subplot()
    axes.scatter(*points.T, s=10, color=BLUE)
    axes.set(xlabel="first principal axis", ylabel="second principal axis")
    axes.margins(0.06)
    figure.canvas.draw()  # the layout is settled: pixels now mean what they will
    figure.set_layout_engine("none")
    renderer = figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer).extents
    plain = [word.replace("$", r"\$") for word in words]  # not read as a formula
    texts = [axes.annotate(word, (0, 0), fontsize=9) for word in plain]
    sizes = [text.get_window_extent(renderer).size for text in texts]
    pixels = axes.transData.transform(points)
    corners = place_labels(pixels, np.array(sizes), frame)
    to_data = axes.transData.inverted().transform
    for text, point, corner, size in zip(texts, pixels, corners, sizes, strict=True):
        text.remove()
        nearest = np.clip(point, corner, corner + size)
        if np.hypot(*(nearest - point)) > 2 * _GAP:
            line = to_data([point, nearest])
            axes.plot(*line.T, color=GRAY, linewidth=0.5, zorder=0)
        axes.annotate(text.get_text(), to_data(corner), fontsize=9, va="bottom")
    return figure


def place_labels(points: np.ndarray, sizes: np.ndarray, frame: Any) -> np.ndarray:
    """Return the lower left corner of each name, so that few names overlap.

    One name after the other gets, of 24 positions about its point, the first that
    covers no earlier name and no point, or the one that covers the least. Points and
    sizes (width, height) have the shape (n, 2), in pixels; what is outside of the
    frame (left, bottom, right, top) counts as covered.
    """
    frame = np.asarray(frame, np.float64)
    corners = np.zeros(points.shape)
    dots = np.concatenate([points - 2, points + 2], axis=1)
    for k, (point, size) in enumerate(zip(points, sizes, strict=True)):
        names = np.concatenate([corners[:k], corners[:k] + sizes[:k]], axis=1)
        taken = np.concatenate([dots, names])
        best = np.inf
        for ring in _RINGS:
            for side in _SIDES:
                corner = point + side * (size / 2 + ring * _GAP) - size / 2
                box = np.concatenate([corner, corner + size])
                cost = _overlap(box, taken) + size.prod() - _overlap(box, frame[None])
                if cost < best - 1e-9:
                    best, corners[k] = cost, corner
            if best <= 1e-9:
                break
    return corners


def _overlap(box: np.ndarray, others: np.ndarray) -> float:
    """Return the area that a box shares with others, each (left, bottom, ...)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    return float(np.maximum(high - low, 0).prod(axis=1).sum())
