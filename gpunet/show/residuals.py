"""The errors of a regression: predicted against measured numbers."""

from typing import Any

import numpy as np

from .style import BLACK, BLUE, GRAY, Figure, new_figure, styled

_MAX_POINTS = 5000  # more of them hide each other


@styled
def draw_residuals(y: Any, t: Any, name: str = "target") -> Figure:
    """Draw predictions y and residuals against the measured numbers t, shape (n, 1)."""
    y, t = np.ravel(y), np.ravel(t)
    step = -(-len(t) // _MAX_POINTS)
    shown = f", every {step}th shown" if step > 1 else ""
    # Latin, Greek and Cyrillic: what the font has.
    safe = [c if c.isprintable() and c != "$" and c < "\u0530" else "?" for c in name]
    figure = new_figure(f"{''.join(safe[:28])}: {len(t):,} test rows{shown}", 4.0)
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
