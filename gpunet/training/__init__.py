"""Training: batches, the loop, callbacks, history."""

from .callbacks import Callback, EarlyStopping
from .evaluate import evaluate
from .fit import fit, trainer
from .history import History
from .loop import Trainer

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "Trainer",
    "evaluate",
    "fit",
    "trainer",
]
