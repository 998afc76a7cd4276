"""Grids of small pictures, such as weights and digits, and confusion matrices."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from .plots import BLACK, GRAY, sheet, signed_colors, styled, write


@styled
def images(
    path: Any,
    pictures: Any,
    captions: Sequence[str] = (),
    *,
    title: str = "",
    columns: int = 8,
    signed: bool = False,
    colors: Sequence[str] = (),
) -> Path:
    """Draw a grid of square pictures with a caption under each; return the path.

    Parameters
    ----------
    pictures : array, shape (n, side * side) or (n, side, side)
    signed : bool
        Whether zero is white and the sign the color, each picture by its own
        largest number; else 0 is white and 1 black.
    colors : sequence of str, of each caption
    """
    pictures = np.asarray(pictures, np.float64)
    side = round(pictures[0].size ** 0.5)
    pictures = pictures.reshape(len(pictures), side, side)
    rows = ceil(len(pictures) / columns)
    lines = max((c.count("\n") + 1 for c in captions), default=0)
    cell = 8.0 / columns
    tall = rows * (cell * 0.92 + 0.2 * lines) + 0.45
    figure = sheet(title, tall)
    for k, picture in enumerate(pictures):
        axes = figure.add_subplot(rows, columns, k + 1)
        most = float(np.max(np.abs(picture))) or 1.0
        axes.imshow(
            picture,
            cmap=signed_colors() if signed else "gray_r",
            vmin=-most if signed else 0.0,
            vmax=most if signed else 1.0,
            interpolation="nearest",
        )
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=GRAY, linewidth=0.5)
        if k < len(captions):
            color = colors[k] if k < len(colors) else BLACK
            axes.set_xlabel(captions[k], fontsize=10, labelpad=3, color=color)
    return write(figure, path)


@styled
def confusion_matrix(path: Any, table: Any, *, title: str = "") -> Path:
    """Draw true label against answer: mistakes are colored, hits are gray.

    Parameters
    ----------
    table : array, shape (k, k)
        Rows are true labels, columns the answers, entries counts.
    """
    table = np.asarray(table)
    wrong = table.astype(np.float64)
    np.fill_diagonal(wrong, 0.0)
    figure = sheet(title, 6.6, 7.2)
    axes = figure.add_subplot()
    most = max(float(wrong.max()), 1.0)
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=1.3 * most)
    for i, row in enumerate(table):
        for j, n in enumerate(row):
            hit = i == j
            color = GRAY if hit or not n else "white" if n > 0.8 * most else BLACK
            weight = "bold" if hit else "normal"
            text = f"{n}" if n else "·"
            axes.text(j, i, text, ha="center", va="center", color=color, weight=weight)
    names = range(len(table))
    axes.set(xticks=names, yticks=names, xlabel="answer", ylabel="true digit")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return write(figure, path)
