"""Charts: histograms, curves with bands, bars, and the errors of a regression."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError
from . import style
from .style import BLACK, BLUE, COLORS, GRAY, MARKERS

_MAX_POINTS = 5000  # more of them hide each other


@style.styled
def histogram(
    groups: Mapping[str, Any],
    *,
    title: str = "",
    label: str = "",
    bins: int = 30,
    mark: tuple[float, str] | None = None,
) -> style.Figure:
    """Draw how numbers are distributed, one row for each group, one scale for all.

    `label` says what the numbers are, `mark` is a dashed line with a text.
    """
    numbers = np.concatenate(list(groups.values()), dtype=np.float64)
    edges = np.histogram_bin_edges(numbers, bins)
    figure = style.new_figure(title, 0.9 + max(1.15 * len(groups), 2.4))
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
    return figure


def spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, least and largest of each row: the line and band of `bands`."""
    return values.mean(axis=1), values.min(axis=1), values.max(axis=1)


@style.styled
def bands(
    series: Mapping[str, tuple],
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    log: str = "",
    levels: Sequence[tuple[float, str]] = (),
    x_ticks: Sequence[float] = (),
) -> style.Figure:
    """Draw curves: (x, y), or with a band (x, y, low, high).

    `log` names the logarithmic axes ("x", "y" or "xy"), `levels` are dashed horizontal
    lines (y, text), `x_ticks` the only numbers that get a tick.
    """
    figure = style.new_figure(title, 4.4)
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
    for axis in log:
        axes.set(**{f"{axis}scale": "log"})
    if x_ticks:
        axes.set_xticks(x_ticks, [f"{x:g}" for x in x_ticks])
        axes.minorticks_off()
    if len(series) > 1:
        axes.legend()
    return figure


@style.styled
def bars(
    names: Sequence[str],
    groups: Mapping[str, Any],
    *,
    title: str = "",
    label: str = "",
    spreads: Mapping[str, Any] | None = None,
    least: float | None = None,
    form: str = "{:.2f}",
) -> style.Figure:
    """Draw bars side by side, one color for each group, the number above each.

    A group has one number for each name, None leaves a gap; `spreads` are half the
    lengths of the error bars, `least` is where the vertical axis begins.
    """
    figure = style.new_figure(title, 4.2)
    axes = figure.add_subplot()
    width = 0.8 / len(groups)
    for k, (group, values) in enumerate(groups.items()):
        present = [i for i, value in enumerate(values) if value is not None]
        x = [i + (k - (len(groups) - 1) / 2) * width for i in present]
        y = [values[i] for i in present]
        axes.bar(x, y, 0.92 * width, color=COLORS[k % 8], label=group)
        errors = [0.0] * len(y)
        if spreads and group in spreads:
            errors = [float(spreads[group][i]) for i in present]
            axes.errorbar(x, y, errors, fmt="none", color=BLACK, capsize=3, linewidth=1)
        size = 9 if len(names) * len(groups) <= 16 else 7.5
        above = {"textcoords": "offset points", "ha": "center", "fontsize": size}
        for position, value, error in zip(x, y, errors, strict=True):
            text = form.format(value)
            axes.annotate(text, (position, value + error), (0, 2), **above)
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(label)
    if least is not None:
        axes.set_ylim(bottom=least)
    axes.margins(y=0.12)
    if len(groups) > 1:
        axes.legend(ncols=len(groups), loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return figure


@style.styled
def residuals(y: Any, t: Any, name: str = "target") -> style.Figure:
    """Draw predictions y and residuals against the measured numbers t, shape (n, 1).

    `name` is what was measured.
    """
    y, t = np.ravel(y), np.ravel(t)
    if len(y) != len(t) or not len(t):
        sizes = f"{len(y):,} and {len(t):,}"
        raise ConfigError(f"residuals: y and t must be as many numbers, got {sizes}")
    step = -(-len(t) // _MAX_POINTS)
    shown = f", 1 of {step} shown" if step > 1 else ""
    # Latin, Greek and Cyrillic: what the font has.
    safe = [c if c.isprintable() and c != "$" and c < "\u0530" else "?" for c in name]
    figure = style.new_figure(f"{''.join(safe[:28])}: {len(t):,} test rows{shown}", 4.0)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1.25, 0.6))
    dots = {"s": 9, "color": BLUE, "alpha": 0.5, "linewidth": 0, "rasterized": True}
    measured, predicted = t[::step], y[::step]
    left.scatter(measured, predicted, **dots)
    ends = [min(measured.min(), predicted.min()), max(measured.max(), predicted.max())]
    left.plot(ends, ends, color=BLACK, linewidth=1)
    left.set(xlabel="measured", ylabel="predicted", title="on the line: right")
    error = y - t
    middle.scatter(measured, error[::step], **dots)
    middle.axhline(0.0, color=BLACK, linewidth=1)
    middle.set(xlabel="measured", ylabel="residual (predicted - measured)")
    middle.set_title(f"root mean square {np.sqrt(np.mean(error**2)):.4g}")
    right.hist(error, 30, color=GRAY, orientation="horizontal")
    right.axhline(0.0, color=BLACK, linewidth=1)
    right.set(xlabel="rows", ylim=middle.get_ylim())
    right.tick_params(labelleft=False)
    return figure
