"""A run's folder: who may write in it, what lies in it, what to resume from.

One process at a time writes, held apart by a lock that vanishes with its
holder, even a killed one. Nothing points to the newest checkpoint: it is found
by name and proven by its digests, so there is no pointer that can disagree
with the folder.
"""

import contextlib
import json
import os
import re
import warnings
from pathlib import Path

from gpunet.errors import ConfigError, ModelFileError, OutOfMemory
from gpunet.io.messages import one_line, readable, write_error
from gpunet.io.writing import probe_writable, remove_leftovers, write_atomically
from gpunet.storage.codec import finite_json
from gpunet.storage.history import HistoryFile
from gpunet.storage.lock import release_lock, take_lock
from gpunet.storage.tensors import read_tensors, write_tensors

_CHECKPOINT = re.compile(r"step-(\d{10})\.safetensors")
_LAST_STEP = 10**10 - 1


def write_json(path, value):
    """Write `value` as indented JSON with sorted keys, wholly or not at all.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    value : dict or list
        What JSON can hold; NaN and infinity become null.

    Raises
    ------
    ConfigError
        A value that JSON cannot hold.
    WriteError
        The system refused; the old file is intact.
    """
    text = json.dumps(finite_json(value), sort_keys=True, indent=2, allow_nan=False)
    write_atomically(path, (text + "\n").encode("ascii"))


class RunFolder:
    """The folder of one run, to be entered by the process that writes in it.

    Entering makes the folder, shows that it can be written, takes its lock
    and removes what killed writers left. Reading needs no entering.

    Parameters
    ----------
    path : str, bytes or os.PathLike

    Attributes
    ----------
    path : pathlib.Path, absolute

    Raises
    ------
    WriteError
        On entering: the folder cannot be made or written.
    FolderInUse
        On entering: another process holds it; the message has its number.
    """

    def __init__(self, path):
        try:
            self.path = Path(os.fsdecode(path)).absolute()
        except OSError as error:  # the folder we stand in is gone
            raise write_error(path, error) from error
        self._history = HistoryFile(self.history)
        self._lock = None

    def __enter__(self):
        probe_writable(self.path)
        path = Path(os.path.realpath(self.path))
        self._lock = take_lock(path / ".lock")
        self.path = path
        self._history = HistoryFile(self.history)
        try:
            probe_writable(self.checkpoints)
            for folder in (self.path, self.checkpoints):
                remove_leftovers(folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._history.close()
        fd, self._lock = self._lock, None
        release_lock(fd)

    @property
    def config(self):
        """Return the path of the run's configuration."""
        return self.path / "config.json"

    @property
    def history(self):
        """Return the path of the run's diary."""
        return self.path / "history.jsonl"

    @property
    def model(self):
        """Return the path of the finished model."""
        return self.path / "model.safetensors"

    @property
    def best(self):
        """Return the path of the best model so far."""
        return self.path / "best.safetensors"

    @property
    def curves(self):
        """Return the path of the picture of the learning curves."""
        return self.path / "curves.png"

    @property
    def checkpoints(self):
        """Return the path of the folder of checkpoints."""
        return self.path / "checkpoints"

    def save_checkpoint(self, step, tensors, state, keep=2):
        """Write a checkpoint and then remove the oldest; return its path.

        Parameters
        ----------
        step : int
            Steps done; saved in the state as "step".
        tensors : dict of str to numpy array
        state : dict
            Gets the "kind" checkpoint unless it has one.
        keep : int, at least 2
            How many sound checkpoints up to this step to leave. Damaged ones
            do not count, so they push no sound one out.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        ConfigError, ModelFileError, WriteError
            As `write_tensors`; the older checkpoints are all still there.
        """
        self._require_lock()
        if not 0 <= step <= _LAST_STEP:
            raise ConfigError(f"step expected 0 to {_LAST_STEP}, got {step!r:.60}.")
        if keep < 2:
            raise ConfigError(f"keep expected at least 2, got {keep!r:.60}.")
        path = self.checkpoints / f"step-{step:010d}.safetensors"
        self._history.sync()
        state = {"kind": "checkpoint", **state, "step": int(step)}
        write_tensors(path, tensors, state)
        self._prune(step, keep)
        return path

    def newest_checkpoint(self, warn=warnings.warn):
        """Return the newest sound checkpoint, or None where there is none at all.

        Parameters
        ----------
        warn : callable of one str
            Called once if the newest is damaged and an older one is taken.

        Returns
        -------
        (path, tensors, state) or None

        Raises
        ------
        ModelFileError
            There are checkpoints and not one is sound.
        """
        damaged = []
        for number, path in self._numbered():
            try:
                tensors, state = _read_checkpoint(number, path)
            except ModelFileError as error:
                damaged.append((path, error))
                continue
            if damaged:
                why = "is damaged"
                if len(damaged) > 1:
                    why += f" (as are the {len(damaged) - 1} before it)"
                cure = f"falling back to {readable(path)}"
                warn(one_line("checkpoint", damaged[0][0], why, cure))
            return path, tensors, state
        if damaged:
            why = f"none of its {len(damaged)} checkpoints is sound"
            cure = "move the folder away to start anew"
            line = one_line("checkpoint", self.checkpoints, why, cure)
            raise ModelFileError(line) from damaged[0][1]
        return None

    def append_history(self, record):
        """Append one record to the diary; see `HistoryFile.append`."""
        self._require_lock()
        self._history.append(record)

    def sync_history(self):
        """Bring the diary to the disk; `save_checkpoint` does it by itself."""
        self._history.sync()

    def read_history(self, up_to_step=None):
        """Return the sound records of the diary; see `HistoryFile.read`."""
        return self._history.read(up_to_step)

    def truncate_history(self, step):
        """Drop what is torn or beyond `step`, and show that more can be appended."""
        self._require_lock()
        self._history.truncate(step)
        self._history.open()

    def drop_after(self, step, keep=2):
        """Remove checkpoints beyond `step`, once a run goes on from there.

        Left lying, they would be the newest at the next resume. Of those up to
        `step` the newest `keep` stay: a process killed between writing one and
        removing the oldest leaves one too many, and the run that resumes at its
        end would save nothing and so never remove it.
        """
        self._require_lock()
        for number, path in self._numbered():
            if number > step:
                with contextlib.suppress(OSError):
                    os.unlink(path)
        self._prune(step, keep)

    def _require_lock(self):
        if self._lock is None:
            raise ConfigError(
                "A RunFolder is written inside `with RunFolder(path) as run:` only."
            )

    def _numbered(self):
        with contextlib.suppress(FileNotFoundError):
            names = sorted(os.listdir(self.checkpoints), reverse=True)
            found = [(_CHECKPOINT.fullmatch(name), name) for name in names]
            return [(int(m[1]), self.checkpoints / name) for m, name in found if m]
        return []

    def _prune(self, step, keep):
        # Those beyond the step stem from before a resume from an older file:
        # they neither count nor go, so the one just written always stays.
        older = [(n, path) for n, path in self._numbered() if n <= step]
        if len(older) <= keep:
            return
        sound = 0
        for number, path in older:
            if sound >= keep:
                # One that will not go, open elsewhere, is tried at the next save.
                with contextlib.suppress(OSError):
                    os.unlink(path)
                continue
            with contextlib.suppress(ModelFileError, OutOfMemory):
                _read_checkpoint(number, path)
                sound += 1


def _read_checkpoint(number, path):
    tensors, state = read_tensors(path)
    if state.get("step") != number:
        why = f"holds step {state.get('step')!r:.60}, not the step of its name"
        raise ModelFileError(one_line("model file", path, why, "rename it back"))
    return tensors, state
