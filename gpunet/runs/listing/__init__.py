"""Run folders side by side: what each was set to, how it ended, what came out."""

from .compare import comparison
from .folder import Run, is_run, read_run
from .runs import Runs, list_runs

__all__ = ["Run", "Runs", "comparison", "is_run", "list_runs", "read_run"]
