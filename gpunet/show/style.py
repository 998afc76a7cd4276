"""The look of all pictures: readable at 800 pixels, by any eye.

Okabe and Ito's colors for what differs in kind; blue - white - orange for what
has a sign, blue below zero and orange above; gray for digits. Each function of
this room draws one picture and returns it as a Figure, apart from pyplot and its
state. It raises ImportError without matplotlib.
"""

import importlib
import io
import os
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError
from ..io.writing import write_atomically

Axes = Any  # of matplotlib, which is loaded when it draws
Figure = Any
PathLike = str | os.PathLike[str]
F = TypeVar("F", bound=Callable[..., Any])
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, AMBER, YELLOW, BLACK = "#56B4E9", "#E69F00", "#F0E442", "#333333"
COLORS = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER, YELLOW, BLACK)
GRAY = "#8C8C8C"
MARKERS = "osD^vPX*"
_SIGNED = "#00568A #3B93C8 #B7DCF0 #FFFFFF #F8CBA8 #E4874A #BD4B00"
_STYLE = {
    "font.family": "DejaVu Sans",
    **dict.fromkeys(["font.size", "axes.titlesize", "axes.labelsize"], 11),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right", "legend.frameon"], False),
    "axes.edgecolor": BLACK,
    "legend.fontsize": 10,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
}


def styled(draw: F) -> F:
    """Let a function draw in this look; matplotlib's settings stay as they were."""

    @wraps(draw)
    def draw_styled(*args: Any, **settings: Any) -> Any:
        with _matplotlib().rc_context(_STYLE):
            return draw(*args, **settings)

    return draw_styled  # type: ignore[return-value]


def _matplotlib() -> Any:
    # It reads the user's settings, and looks for a place to keep fonts, on loading.
    try:
        return importlib.import_module("matplotlib")
    except ImportError as error:
        raise ImportError(
            "pictures: matplotlib is not installed; python -m pip install "
            '"gpunet[plot]"'
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"pictures: matplotlib: {error}; correct MPLBACKEND, MPLCONFIGDIR or its "
            "settings file"
        ) from error


def new_figure(title: str = "", height: float = 4.0, width: float = 8.0) -> Figure:
    """Return an empty figure of this size in inches, 100 pixels an inch.

    A notebook displays it as PNG, whether or not pyplot's inline backend is active.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure._repr_png_ = partial(to_png, figure)  # what IPython asks for
    if title:
        figure.suptitle(title)
    return figure


@styled
def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file: equal figures are equal bytes."""
    memory = io.BytesIO()
    figure.savefig(memory, format="png", metadata={"Software": None})
    return memory.getvalue()


def save_png(figure: Figure, path: PathLike) -> Path:
    """Write a figure as PNG, wholly or not at all (WriteError); return its path."""
    write_atomically(path, to_png(figure))
    return Path(path)


def thin_frame(axes: Axes) -> None:
    """Leave a thin gray frame around a panel, without ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=GRAY, linewidth=0.5)


def no_frame(axes: Axes) -> None:
    """Remove the frame and the tick marks of a panel; the labels stay."""
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def signed_colors() -> Any:
    """Return the color map of signed numbers: blue, white at zero, orange."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", _SIGNED.split())
