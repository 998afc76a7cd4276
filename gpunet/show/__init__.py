"""Pictures: what a network learned and how, drawn with matplotlib.

Each function returns a `matplotlib.figure.Figure`: a notebook displays it, and
``figure.savefig("picture.png")`` writes it. They need the extra `plot`.
"""

from .curves import learning_curves
from .page import page
from .pictures import confusion_matrix, images, weights
from .plots import bands, bars, histogram, residuals

__all__ = [
    "bands",
    "bars",
    "confusion_matrix",
    "histogram",
    "images",
    "learning_curves",
    "page",
    "residuals",
    "weights",
]
