"""One run folder, as its small files tell of it: nothing of its tensors is read.

A folder may be another program's, half copied or damaged, and its run may be at work
at this moment. What cannot be read is left out; only a folder without a sound
config.json is refused.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...io.json_text import parse_json
from ...io.messages import message, printable
from ...io.reading import open_regular
from ...storage import RunFolder
from ...training.history import History
from ...training.metrics import summary
from ..config import read_config, with_new_keys

_LARGEST = 2**26  # bytes of a result or a history that are read
_SECONDS = re.compile(rb'"seconds": ([0-9.]+)')
# What runs are judged by, the first that any has: name -> whether more is better.
SCORES = {
    **{"test_accuracy": True, "r2": True, "test_loss": False, "perplexity": False},
    **{"val_accuracy": True, "val_loss": False, "accuracy": True, "loss": False},
}


@dataclass(frozen=True)
class Run:
    """A run, by its folder.

    Attributes
    ----------
    path : pathlib.Path
    settings : dict
        What config.json holds, under the names of this version.
    result : dict
        What result.json holds; empty while the run is at work or after an interruption.
    state : str
        "done", "running", "interrupted at step 12", or how else it ended.
    modified : float
        When something was written last, in seconds since 1970.
    """

    path: Path
    settings: dict[str, Any]
    result: dict[str, Any]
    state: str
    modified: float

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    @cached_property
    def history(self) -> History:
        """The epochs so far (ModelFileError: the file is damaged)."""
        history = History(RunFolder(self.path).read_history())
        history.outcome = str(self.result.get("outcome") or self.state)
        return history

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """What came out as numbers: epochs_done, best_epoch, members, seconds, scores.

        Those of a population are means over its members, and each score's standard
        deviation has "_sd" after its name. Scores that result.json lacks, such as
        those of the validation data, are of the epoch whose weights were kept.
        """
        seconds, record = self._measured()
        row = {"epochs_done": self.result.get("epochs", record.get("epoch"))}
        row |= {"best_epoch": self.result.get("best_epoch")}
        row |= {"members": self.settings.get("population"), "seconds": seconds}
        row |= {name: (record | self.result).get(name) for name in SCORES}
        for name, value in list(row.items()):
            parts = mean_and_sd(value)
            row[name] = parts.get("mean")
            if isinstance(value, list) and name in SCORES:
                row[f"{name}_sd"] = parts.get("sd")
        return {key: value for key, value in row.items() if value is not None}

    def _measured(self) -> tuple[float | None, dict[str, Any]]:
        """Return the seconds of all epochs, and the record of the one that counts."""
        lines = _content(self.path / "history.jsonl").split(b"\n")[:-1]
        seconds = [float(m[1]) for line in lines if (m := _SECONDS.search(line))]
        epoch = len(lines)
        best = self.result.get("best_epoch")
        if self.result.get("best_weights_kept") and isinstance(best, int):
            epoch = best
        record = _json_object(b"".join(lines[epoch - 1 : epoch]))
        return round(sum(seconds), 4) if seconds else None, record


def _content(path: Path) -> bytes:
    """Return what a file holds, nothing if it cannot be read."""
    with (
        contextlib.suppress(OSError, ValueError),
        open_regular(path, _LARGEST) as (file, _),
    ):
        return file.read()
    return b""


def _json_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object, an empty one if the content is not one."""
    value: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        value = parse_json(content.decode())
    return value if isinstance(value, dict) else {}


def mean_and_sd(value: Any) -> dict[str, Any]:
    """Return mean and sd of a number, or of a list of one for each member; or {}."""
    if type(value) in (int, float):
        return {"mean": value}
    known = (int, float, type(None))
    if isinstance(value, list) and all(type(v) in known for v in value):
        return summary(value)
    return {}


def is_run(path: Path) -> bool:
    """Say whether a folder looks like that of a run, sound or not."""
    names = ("config.json", "history.jsonl", "checkpoints")
    return any(os.path.exists(path / name) for name in names)


def read_run(path: Path) -> Run:
    """Return the run of a folder (ConfigError: it is none, or config.json is bad)."""
    folder = RunFolder(path)
    if not os.path.exists(folder.config):
        reason, remedy = "has no config.json", "restore it, or name a run folder"
        raise ConfigError(message("run folder", path, reason, remedy))
    settings = read_config(folder.config)
    if not isinstance(settings, dict):
        reason = "its config.json is not a JSON object"
        raise ConfigError(message("run folder", path, reason, "restore it from a copy"))
    settings = with_new_keys(settings, printable(folder.config))
    result = _json_object(_content(folder.result))
    state = _state(folder, result)
    if state == "running" or state.startswith("interrupted"):
        result = {}
    modified = 0.0
    for name in (folder.config, folder.history, folder.result):
        with contextlib.suppress(OSError):
            modified = max(modified, name.stat().st_mtime)
    return Run(folder.path, settings, result, state, modified)


def _state(folder: RunFolder, result: dict[str, Any]) -> str:
    if folder.in_use():
        return "running"
    step = folder.newest_step()
    if not result or step not in (None, result.get("steps", step)):
        return f"interrupted at step {step or 0}"  # it was resumed since the result
    outcome = result.get("outcome")
    if not isinstance(outcome, str) or outcome in ("all epochs done", "early stopping"):
        return "done"
    if outcome == "step limit reached":
        return f"stopped at step {result.get('steps')}"
    return outcome.partition(":")[0]  # such as "diverged at epoch 1, step 3"
