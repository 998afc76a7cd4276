"""Training: settings, batches, the loop, callbacks, history."""

from .callbacks import Callback, EarlyStopping
from .evaluate import evaluate
from .fit import fit
from .history import History
from .loop import Trainer
from .settings import Settings

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "Settings",
    "Trainer",
    "evaluate",
    "fit",
]
