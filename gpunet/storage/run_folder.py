"""A run's folder: who may write in it, what is in it, what to resume from.

One process at a time writes, held apart by a lock. Nothing points to the newest
checkpoint: it is found by name and proven by its digests, so there is no pointer
that can disagree with the folder.
"""

import contextlib
import os
import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, ModelFileError, OutOfMemory
from ..io.messages import message, printable, write_errors
from ..io.writing import probe_writable, remove_leftovers
from .history import HistoryFile
from .lock import lock_is_held, release_lock, take_lock
from .tensors import read_tensors, write_tensors

Checkpoint = tuple[Path, dict[str, np.ndarray], dict[str, Any]]
_CHECKPOINT = re.compile(r"step-(\d{10})\.safetensors")
_LAST_STEP = 10**10 - 1


class RunFolder:
    """The folder of one run, to be entered by the process that writes in it.

    Entering makes the folder, shows that it can be written (WriteError), takes its
    lock (FolderInUse names the process that holds it) and removes what killed writers
    left. Reading needs no entering.
    """

    def __init__(self, path: str | bytes | os.PathLike) -> None:
        with write_errors(path):  # the current folder may be gone
            self._place(Path(os.fsdecode(path)).absolute())
        self._lock: int | None = None

    def _place(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.history = path / "history.jsonl"
        self.model = path / "model.safetensors"
        self.result = path / "result.json"
        self.best = path / "best.safetensors"
        self.checkpoints = path / "checkpoints"
        self._history = HistoryFile(self.history)

    def __enter__(self) -> "RunFolder":
        probe_writable(self.path)
        path = Path(os.path.realpath(self.path))
        self._lock = take_lock(path / ".lock")
        self._place(path)
        try:
            probe_writable(self.checkpoints)
            for folder in (self.path, self.checkpoints):
                remove_leftovers(folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._history.close()
        fd, self._lock = self._lock, None
        if fd is not None:
            release_lock(fd)

    def save_checkpoint(
        self,
        step: int,
        tensors: dict[str, np.ndarray],
        state: dict[str, Any],
        keep: int = 2,
    ) -> Path:
        """Write a checkpoint and then remove the oldest; return its path.

        `step`, those done, is saved in the state, as is the "kind" checkpoint unless it
        has one. The newest `keep` sound checkpoints up to this step, at least 2, stay;
        damaged ones do not count, so they push no sound one out. Errors are as in
        `write_tensors`, and leave the older checkpoints.
        """
        self._require_lock()
        if not 0 <= step <= _LAST_STEP:
            raise ConfigError(f"step must be 0 to {_LAST_STEP}, got {step!r:.60}.")
        if keep < 2:
            raise ConfigError(f"keep must be at least 2, got {keep!r:.60}.")
        path = self.checkpoints / f"step-{step:010d}.safetensors"
        self._history.sync()
        state = {"kind": "checkpoint", **state, "step": int(step)}
        write_tensors(path, tensors, state)
        self._prune(step, keep)
        return path

    def newest_checkpoint(
        self, warn: Callable[[str], object] = warnings.warn
    ) -> Checkpoint | None:
        """Return (path, tensors, state) of the newest sound one, if there are any.

        `warn` is called once with a text if the newest is damaged and an older one is
        used; checkpoints of which not one is sound are a ModelFileError.
        """
        damaged = []
        for number, path in self._numbered():
            try:
                checkpoint = _read_checkpoint(number, path)
            except ModelFileError as error:
                damaged.append((path, error))
                continue
            if damaged:
                n = len(damaged) - 1
                reason = "is damaged" + (f" (as are the {n} before it)" if n else "")
                remedy = f"falling back to {printable(path)}"
                warn(message("checkpoint", damaged[0][0], reason, remedy))
            return checkpoint
        if damaged:
            reason = f"none of its {len(damaged)} checkpoints is sound"
            remedy = "move the folder away to start anew"
            line = message("checkpoint", self.checkpoints, reason, remedy)
            raise ModelFileError(line) from damaged[0][1]
        return None

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint by its name, sound or not."""
        return next((number for number, _ in self._numbered()), None)

    def in_use(self) -> bool:
        """Say whether a process, perhaps this one, has entered the folder."""
        return lock_is_held(self.path / ".lock")

    def append_history(self, record: dict[str, Any]) -> None:
        """Append one record; see `HistoryFile.append`."""
        self._require_lock()
        self._history.append(record)

    def read_history(self, up_to_step: int | None = None) -> list[dict[str, Any]]:
        """Return the sound records; see `HistoryFile.read`."""
        return self._history.read(up_to_step)

    def truncate_history(self, step: int) -> None:
        """Drop what is torn or beyond `step`, and show that more can be appended."""
        self._require_lock()
        self._history.truncate(step)
        self._history.open()

    def drop_after(self, step: int, keep: int = 2) -> None:
        """Remove checkpoints beyond `step`, once a run resumes from there.

        They would be the newest at the next resume. Of the others the newest `keep`
        stay: a process killed between writing one and removing the oldest leaves one
        too many, and the run that resumes at its end would save nothing and so never
        remove it.
        """
        self._require_lock()
        _remove(path for number, path in self._numbered() if number > step)
        self._prune(step, keep)

    def _require_lock(self) -> None:
        if self._lock is None:
            raise ConfigError(
                "A RunFolder is written inside `with RunFolder(path) as run:` only."
            )

    def _numbered(self) -> list[tuple[int, Path]]:
        """Return (step, path) of the checkpoints, the newest first."""
        with contextlib.suppress(FileNotFoundError):
            names = sorted(os.listdir(self.checkpoints), reverse=True)
            matches = [_CHECKPOINT.fullmatch(name) for name in names]
            return [(int(m[1]), self.checkpoints / m[0]) for m in matches if m]
        return []

    def _prune(self, step: int, keep: int) -> None:
        # Those beyond the step stem from before a resume from an older file:
        # they neither count nor go, so the one just written always stays.
        older = [(n, path) for n, path in self._numbered() if n <= step]
        if len(older) <= keep:
            return
        n_sound, remaining = 0, iter(older)
        for number, path in remaining:
            with contextlib.suppress(ModelFileError, OutOfMemory):
                _read_checkpoint(number, path)
                n_sound += 1
            if n_sound == keep:
                break
        _remove(path for _, path in remaining)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:  # what cannot go, open elsewhere, is tried at the next save
        with contextlib.suppress(OSError):
            os.unlink(path)


def _read_checkpoint(number: int, path: Path) -> Checkpoint:
    tensors, state = read_tensors(path)
    if state.get("step") != number:
        reason = f"contains step {state.get('step')!r:.60}, not the step of its name"
        raise ModelFileError(message("model file", path, reason, "rename it back"))
    return path, tensors, state
