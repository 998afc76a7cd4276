"""What to type next: the command that resumes a run, or starts it anew.

Only the caller knows how it was started, so it brings the words: the `command` of
the options. Without it, as in Python, the message names the setting instead.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import Diverged
from .task import RunOptions

RESUME, RETRY = "resume with: ", "start anew with: "  # a command stands after them


def resume_hint(folder: Path, options: RunOptions) -> str:
    """Return how the run of a folder is resumed."""
    if options.command is None:
        return "resume it with resume='auto'"
    return f"{RESUME}{options.command(folder)}"


@contextlib.contextmanager
def retry_hint(
    config: dict[str, Any], folder: Path, options: RunOptions
) -> Iterator[None]:
    """Let a divergence name the command that trains anew at a tenth of the rate.

    Resuming the run would only repeat it: its settings are the folder's.
    """
    try:
        yield
    except Diverged as error:
        rates = config["learning_rate"]
        rates = rates if isinstance(rates, list) else [rates]
        command = options.command and options.command(folder, [r / 10 for r in rates])
        if not command:
            raise
        raise Diverged(f"{error}; {RETRY}{command}") from error
