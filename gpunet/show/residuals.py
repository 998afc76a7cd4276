"""How far a regression is off: what was predicted against what was measured."""

from pathlib import Path
from typing import Any

import numpy as np

from .plots import BLACK, BLUE, GRAY, sheet, styled, write

_MOST = 5000  # points drawn; more of them hide each other


@styled
def draw_residuals(path: Any, y: Any, t: Any, name: str = "target") -> Path:
    """Draw predictions and residuals against the measured numbers.

    Parameters
    ----------
    y, t : arrays, shape (n, 1)
        Predicted and measured, in one unit.
    name : str
        Of what is predicted.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    WriteError
        The picture cannot be written.
    """
    y, t = np.ravel(y), np.ravel(t)
    step = -(-len(t) // _MOST)
    shown = f", every {step}th shown" if step > 1 else ""
    # Latin, Greek and Cyrillic: what the font has.
    fit = [c if c.isprintable() and c != "$" and c < "\u0530" else "?" for c in name]
    name = "".join(fit[:28])
    figure = sheet(f"{name}: {len(t):,} test rows{shown}", 4.0)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1.25, 0.6))
    dots = {"s": 9, "color": BLUE, "alpha": 0.5, "linewidth": 0, "rasterized": True}
    some, answers = t[::step], y[::step]
    left.scatter(some, answers, **dots)
    ends = [min(some.min(), answers.min()), max(some.max(), answers.max())]
    left.plot(ends, ends, color=BLACK, linewidth=1)
    left.set(xlabel="measured", ylabel="predicted")
    left.set_title("on the line: right")
    error = y - t
    middle.scatter(some, error[::step], **dots)
    middle.axhline(0.0, color=BLACK, linewidth=1)
    middle.set(xlabel="measured", ylabel="residual (predicted - measured)")
    middle.set_title(f"root mean square {np.sqrt(np.mean(error**2)):.4g}")
    right.hist(error, 30, color=GRAY, orientation="horizontal")
    right.axhline(0.0, color=BLACK, linewidth=1)
    right.set(xlabel="rows")
    right.tick_params(labelleft=False)
    right.set_ylim(middle.get_ylim())
    return write(figure, path)
