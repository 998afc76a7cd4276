"""Grids of small pictures, such as digits and weights, and confusion matrices."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..network import Network
from ..training import metrics
from . import style
from .style import BLACK, GRAY


@style.styled
def images(
    pictures: Any,
    captions: Sequence[Any] = (),
    *,
    title: str = "",
    columns: int = 8,
    signed: bool = False,
    colors: Sequence[str] = (),
) -> style.Figure:
    """Draw a grid of pictures with a caption, in one of `colors`, under each.

    Parameters
    ----------
    pictures : array, shape (n, side * side) or (n, height, width)
        0 is white and 1 is black; of bytes 255 is black. If `signed`, zero is white,
        above it orange, below it blue, by each picture's largest.
    captions : sequence of str or of labels

    Raises
    ------
    ConfigError
        Pictures that are none or not square.

    Examples
    --------
    >>> import gpunet
    >>> from gpunet import show
    >>> test = gpunet.load_mnist().test
    >>> figure = show.images(test.x[:16], test.t[:16])
    >>> figure.savefig("digits.png")  # doctest: +SKIP
    """
    pictures = _as_pictures(pictures)
    rows = ceil(len(pictures) / columns)
    captions = [str(caption) for caption in captions]
    lines = max((c.count("\n") + 1 for c in captions), default=0)
    height = rows * (8.0 / columns * 0.92 + 0.2 * lines) + 0.45
    across = columns if title else min(columns, len(pictures))  # a title needs space
    figure = style.new_figure(title, height, 8.0 * across / columns)
    for k, picture in enumerate(pictures):
        axes = figure.add_subplot(rows, across, k + 1)
        scale: dict[str, Any] = {"cmap": "gray_r", "vmin": 0.0, "vmax": 1.0}
        if signed:
            top = float(np.max(np.abs(picture))) or 1.0
            scale = {"cmap": style.signed_colors(), "vmin": -top, "vmax": top}
        axes.imshow(picture, **scale, interpolation="nearest")
        style.thin_frame(axes)
        if k < len(captions):
            color = colors[k] if k < len(colors) else BLACK
            look = {"fontsize": 10, "labelpad": 3, "parse_math": False}
            axes.set_xlabel(captions[k], color=color, **look)
    return figure


def _as_pictures(pictures: Any) -> np.ndarray:
    """Return pictures as float64, shape (n, height, width), bytes from 0 to 1."""
    raw = np.asarray(pictures)
    pixels = raw.astype(np.float64) / (255.0 if raw.dtype == np.uint8 else 1.0)
    if pixels.ndim == 2:
        side = round(pixels.shape[1] ** 0.5)
        if side * side == pixels.shape[1]:
            pixels = pixels.reshape(-1, side, side)
    if pixels.ndim != 3 or not pixels.size:
        raise ConfigError(
            "images: pictures must have the shape (n, side * side) or (n, height, "
            f"width), neither 0, got {raw.shape}; one row is x[:1]"
        )
    return pixels


def weights(net: Network, *, n: int = 32, title: str = "") -> style.Figure:
    """Draw the weights into the first `n` neurons of the first layer, an image each.

    Orange pixels speak for the neuron, blue ones against it.

    Parameters
    ----------
    net : Network
        Its inputs are square images; of a population give a member.

    Raises
    ------
    ConfigError
        A population, or inputs that are not square images.
    """
    if net.population:
        raise ConfigError("weights: net is a population; use one member, net.member(0)")
    side = round((net.n_in or 0) ** 0.5)
    if not side or side * side != net.n_in:
        raise ConfigError(
            f"weights: the {net.n_in or 'words as'} inputs of net are not the pixels "
            "of a square image; print net.params instead"
        )
    W = net.backend.to_host(next(p for k, p in net.params.items() if k.endswith(".W")))
    title = title or "Weights of the first layer: orange above 0, blue below"
    return images(W[:, :n].T, range(min(n, W.shape[1])), title=title, signed=True)


def confusion_matrix(
    t: Any, answers: Any, *, names: Sequence[str] = (), title: str = ""
) -> style.Figure:
    """Draw true labels (rows) against answers: mistakes are colored, the rest is gray.

    Parameters
    ----------
    t : labels, shape (n,)
        Whole numbers from 0, or texts.
    answers : labels, shape (n,)
        Of one network, `net.classify(x)`.
    names : sequence of str
        What the classes 0, 1, ... are called, or the order of texts.

    Raises
    ------
    ConfigError
        Labels of different shapes, none, or of a population.
    """
    t, answers = np.asarray(t), np.asarray(answers)
    if t.ndim != 1 or t.shape != answers.shape or not t.size:
        raise ConfigError(
            "confusion_matrix: t and answers must be labels of shape (n,), got shapes "
            f"{t.shape} and {answers.shape}; of a population draw one member"
        )
    if t.dtype.kind not in "iu" or answers.dtype.kind not in "iu":
        both = [*t.astype(str).tolist(), *answers.astype(str).tolist()]
        names = list(dict.fromkeys([*map(str, names), *sorted(both)]))
        codes = np.array([names.index(label) for label in both])
        t, answers = codes[: len(t)], codes[len(t) :]
    n_classes = max(len(names), int(t.max()) + 1, int(answers.max()) + 1)
    table = metrics.confusion(answers, t, n_classes)
    return confusion_table(table, names=names, title=title)


@style.styled
def confusion_table(
    table: Any, *, names: Sequence[str] = (), title: str = ""
) -> style.Figure:
    """Draw a table of counts, shape (k, k), as `confusion_matrix` does."""
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
    labels = [str(names[k]) if k < len(names) else str(k) for k in range(len(table))]
    axes.set_xticks(range(len(table)), labels, parse_math=False)
    axes.set_yticks(range(len(table)), labels, parse_math=False)
    axes.set(xlabel="answer", ylabel="true label")
    style.no_frame(axes)
    return figure
