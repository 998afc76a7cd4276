"""Training: settings, batches, the loop, callbacks, history."""

from .callbacks import Callback, EarlyStopping
from .fit import fit
from .history import History
from .loop import Trainer
from .metrics import evaluate
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
