"""Grids of small pictures, such as weights and digits, and confusion matrices."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from . import style
from .style import BLACK, GRAY


@style.styled
def images(
    path: style.PathLike,
    pictures: Any,
    captions: Sequence[str] = (),
    *,
    title: str = "",
    columns: int = 8,
    signed: bool = False,
    colors: Sequence[str] = (),
) -> Path:
    """Draw a grid of square pictures with a caption, in one of `colors`, under each.

    `pictures` have the shape (n, side * side) or (n, side, side). If `signed`, zero is
    white and the sign the color, by each picture's largest; else 0 is white, 1 black.
    """
    pictures = np.asarray(pictures, np.float64)
    side = round(pictures[0].size ** 0.5)
    pictures = pictures.reshape(len(pictures), side, side)
    rows = ceil(len(pictures) / columns)
    lines = max((c.count("\n") + 1 for c in captions), default=0)
    height = rows * (8.0 / columns * 0.92 + 0.2 * lines) + 0.45
    figure = style.new_figure(title, height)
    for k, picture in enumerate(pictures):
        axes = figure.add_subplot(rows, columns, k + 1)
        scale: dict[str, Any] = {"cmap": "gray_r", "vmin": 0.0, "vmax": 1.0}
        if signed:
            top = float(np.max(np.abs(picture))) or 1.0
            scale = {"cmap": style.signed_colors(), "vmin": -top, "vmax": top}
        axes.imshow(picture, **scale, interpolation="nearest")
        style.thin_frame(axes)
        if k < len(captions):
            color = colors[k] if k < len(colors) else BLACK
            axes.set_xlabel(captions[k], fontsize=10, labelpad=3, color=color)
    return style.save_png(figure, path)


@style.styled
def confusion_matrix(path: style.PathLike, table: Any, *, title: str = "") -> Path:
    """Draw true labels (rows) against answers: mistakes are colored, the rest is gray.

    `table` has shape (k, k), its entries are counts.
    """
    table = np.asarray(table)
    mistakes = table.astype(np.float64)
    np.fill_diagonal(mistakes, 0.0)
    figure = style.new_figure(title, 6.6, 7.2)
    axes = figure.add_subplot()
    top = max(float(mistakes.max()), 1.0)
    axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=1.3 * top)
    for (i, j), n in np.ndenumerate(table):
        color = GRAY if i == j or not n else "white" if n > 0.8 * top else BLACK
        weight, text = "bold" if i == j else "normal", f"{n or '·'}"
        axes.text(j, i, text, ha="center", va="center", color=color, weight=weight)
    names = range(len(table))
    axes.set(xticks=names, yticks=names, xlabel="answer", ylabel="true digit")
    style.no_frame(axes)
    return style.save_png(figure, path)
