"""Charts, and the look of all pictures: printable at 800 pixels, by any eye.

Okabe and Ito's colors for what differs in kind; blue - white - orange for what
has a sign, blue below zero and orange above; gray for digits. A picture is drawn
by one call, written whole or not at all, and says what it shows in its title.
"""

import importlib
import io
from collections.abc import Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..io.writing import write_atomically

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW, BLACK = "#56B4E9", "#E69F00", "#F0E442", "#333333"
COLORS = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER, YELLOW, BLACK)
GRAY = "#8C8C8C"
MARKERS = "osD^vPX*"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": BLACK,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
}


def styled(draw):
    """Let a function draw in this look: matplotlib's settings are ours in it."""

    @wraps(draw)
    def drawn(*args: Any, **settings: Any) -> Path:
        with _matplotlib().rc_context(_STYLE):
            return draw(*args, **settings)

    return drawn


def _matplotlib() -> Any:
    # It reads the user's settings, and looks for a place to keep fonts, on loading.
    try:
        return importlib.import_module("matplotlib")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"pictures: matplotlib: {error}; correct MPLBACKEND, MPLCONFIGDIR or its "
            "settings file"
        ) from error


def sheet(title: str = "", height: float = 4.0, width: float = 8.0) -> Any:
    """Return an empty figure, 100 pixels an inch.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title)
    return figure


def write(figure: Any, path: Any) -> Path:
    """Write a figure as PNG, wholly or not at all; return its path.

    Raises
    ------
    WriteError
        The system refused.
    """
    memory = io.BytesIO()
    figure.savefig(memory, format="png", metadata={"Software": None})
    write_atomically(path, memory.getvalue())
    return Path(path)


def signed_colors() -> Any:
    """Return the color map of signed numbers: blue, white at zero, orange."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = [
        "#00568A",
        "#3B93C8",
        "#B7DCF0",
        "#FFFFFF",
        "#F8CBA8",
        "#E4874A",
        "#BD4B00",
    ]
    return LinearSegmentedColormap.from_list("signed", stops)


@styled
def histogram(
    path: Any,
    groups: Mapping[str, Any],
    *,
    title: str = "",
    label: str = "",
    bins: int = 30,
    mark: tuple[float, str] | None = None,
) -> Path:
    """Draw how numbers are distributed, one row for each group, one scale for all.

    Parameters
    ----------
    groups : dict of str to numbers
    label : str
        What the numbers are, with their unit.
    mark : (number, text), optional
        A dashed line with a text.
    """
    every = np.concatenate([np.asarray(v, np.float64) for v in groups.values()])
    edges = np.histogram_bin_edges(every, bins)
    figure = sheet(title, 0.9 + max(1.15 * len(groups), 2.4))
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for k, (axes, (name, values)) in enumerate(zip(rows, groups.items(), strict=True)):
        axes.hist(values, edges, color=COLORS[k % 8], edgecolor="white", linewidth=0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        if mark:
            axes.axvline(mark[0], color=BLACK, linestyle="--", linewidth=1)
    if mark:
        top = rows[0].get_ylim()[1]
        rows[0].text(mark[0], top, f" {mark[1]}", va="top", fontsize=10)
    rows[-1].set_xlabel(label)
    return write(figure, path)


@styled
def bands(
    path: Any,
    series: Mapping[str, tuple],
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    log: str = "",
    levels: Sequence[tuple[float, str]] = (),
    x_ticks: Sequence[float] = (),
) -> Path:
    """Draw curves, each with its band; the name stands at the curve's end.

    Parameters
    ----------
    series : dict of str to (x, y) or (x, y, low, high)
    log : str
        "x", "y" or "xy": which axes are logarithmic.
    levels : sequence of (y, text)
        Dashed horizontal lines.
    x_ticks : sequence of float
        The only places that get a tick.
    """
    figure = sheet(title, 4.4)
    axes = figure.add_subplot()
    for k, (name, (x, y, *band)) in enumerate(series.items()):
        color = COLORS[k % 8]
        dots = MARKERS[k % 8] if len(x) <= 20 else None
        axes.plot(x, y, color=color, marker=dots, markersize=5, label=name)
        if band:
            axes.fill_between(x, *band, color=color, alpha=0.18, linewidth=0)
    for y, text in levels:
        axes.axhline(y, color=GRAY, linestyle="--", linewidth=1)
        above = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(text, (1, y), (-4, 3), ha="right", color=GRAY, **above)
    axes.set(xlabel=x_label, ylabel=y_label)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    if x_ticks:
        axes.set_xticks(x_ticks, [f"{x:g}" for x in x_ticks])
        axes.minorticks_off()
    if len(series) > 1:
        axes.legend()
    return write(figure, path)


@styled
def bars(
    path: Any,
    names: Sequence[str],
    groups: Mapping[str, Any],
    *,
    title: str = "",
    label: str = "",
    spreads: Mapping[str, Any] | None = None,
    least: float | None = None,
    form: str = "{:.2f}",
) -> Path:
    """Draw bars side by side, one color for each group, the number above each.

    Parameters
    ----------
    names : sequence of str, under the bars
    groups : dict of str to numbers, one for each name; None leaves a gap
    label : str
        Of the vertical axis.
    spreads : dict of str to numbers, optional
        Half the length of each error bar.
    least : float, optional
        Where the vertical axis begins.
    """
    figure = sheet(title, 4.2)
    axes = figure.add_subplot()
    wide, n = 0.8 / len(groups), len(names) * len(groups)
    for k, (group, values) in enumerate(groups.items()):
        there = [i for i, value in enumerate(values) if value is not None]
        x = [i + (k - (len(groups) - 1) / 2) * wide for i in there]
        y = [values[i] for i in there]
        axes.bar(x, y, 0.92 * wide, color=COLORS[k % 8], label=group)
        up = [0.0] * len(y)
        if spreads and group in spreads:
            up = [float(spreads[group][i]) for i in there]
            axes.errorbar(x, y, up, fmt="none", color=BLACK, capsize=3, linewidth=1)
        for at, value, more in zip(x, y, up, strict=True):
            place = {"textcoords": "offset points", "ha": "center"}
            size = 9 if n <= 16 else 7.5
            text = form.format(value)
            axes.annotate(text, (at, value + more), (0, 2), fontsize=size, **place)
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(label)
    if least is not None:
        axes.set_ylim(bottom=least)
    axes.margins(y=0.12)
    if len(groups) > 1:
        axes.legend(ncols=len(groups), loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return write(figure, path)
