"""Resuming: which run a folder holds, from where, and with which settings.

A run is resumed only as the same run. What would make it another one, other data
or another setting, is refused; what may change its last bits is reported.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DataError, ModelFileError
from ..io.messages import message, printable
from ..storage import RunFolder, read_tensors
from .config import read_config
from .listing import is_run
from .machine import differences
from .task import Checkpoint, Job, RunOptions, Task


def claim_folder(
    stack: ExitStack, options: RunOptions
) -> tuple[RunFolder, Path | None]:
    """Enter the run folder, which `stack` leaves; return it and the checkpoint's file.

    The file is None where the options do not name one. A ConfigError says that the
    folder holds another run, a ModelFileError that it has no such checkpoint.
    """
    path = None
    if options.resume not in (None, "auto"):
        path = Path(options.resume).absolute()
    if path and os.path.isdir(path):
        if options.folder is not None and Path(options.folder).absolute() != path:
            raise ConfigError(
                f"resume: {printable(path)}: a run is resumed in its own folder; "
                "name no other folder, or name a checkpoint file"
            )
        if not is_run(path):  # nothing is written into a folder of other things
            remedy = "name a checkpoint or a run folder"
            raise _resume_error(path, "holds no checkpoint", remedy)
        folder, path = RunFolder(path), None
    elif path and not os.path.exists(path):
        reason = "there is no such file or folder"
        raise _resume_error(path, reason, "name a checkpoint or a run folder")
    elif path and options.folder is None and path.parent.name != "checkpoints":
        reason = "is not in the checkpoints folder of a run"
        remedy = "name a checkpoint of a run, or give the folder as out"
        raise _resume_error(path, reason, remedy)
    else:
        where: Any = options.folder or (path and path.parent.parent)
        folder = RunFolder(where)
    stack.enter_context(folder)
    started = folder.config.exists() or any(folder.checkpoints.glob("step-*"))
    if options.resume is None and started:
        raise ConfigError(
            f"run folder: {printable(folder.path)}: holds a run already; choose "
            f"another folder, or {options.resume_hint(folder.path)}"
        )
    return folder, path


def _resume_error(path: Path, reason: str, remedy: str) -> ModelFileError:
    return ModelFileError(message("resume", path, reason, remedy))


def find_checkpoint(
    folder: RunFolder, path: Path | None, options: RunOptions
) -> Checkpoint | None:
    """Return the checkpoint to resume from, or None to start.

    A ModelFileError says that it is damaged, or missing where it was asked for.
    """
    if options.resume is None:
        return None
    if path is not None:
        tensors, state = read_tensors(path)
        if state.get("kind") != "checkpoint":
            reason = "is a model, not a checkpoint"
            raise _resume_error(path, reason, "name a checkpoint")
        return Checkpoint(path, tensors, state)
    newest = folder.newest_checkpoint(warn=lambda text: options.say(f"warning: {text}"))
    if newest is None and options.resume != "auto":
        remedy = "name another folder or leave `resume` out"
        raise _resume_error(folder.path, "holds no checkpoint", remedy)
    return None if newest is None else Checkpoint(*newest)


def settle_config(
    task: Task,
    config: dict[str, Any],
    folder: RunFolder,
    checkpoint: Checkpoint | None,
    options: RunOptions,
) -> dict[str, Any]:
    """Return the configuration that counts: that of the folder when resuming.

    A ConfigError names the given settings that the run was not started with.
    """
    if checkpoint is not None:
        where = printable(checkpoint.path)
        try:
            old = task.check_config(checkpoint.state.get("config"), where)
        except ConfigError as error:
            raise ModelFileError(f"checkpoint: {error}") from error
    elif options.resume is not None and folder.config.exists():
        # It was stopped before its first checkpoint.
        old = task.check_config(read_config(folder.config), printable(folder.config))
    else:
        return task.check_config(config, "config")
    others = [
        _difference(key, old.get(key), config[key])
        for key in sorted(options.given.difference(task.free_on_resume))
        if key not in old or config[key] != old[key]
    ]
    if others:
        remedy = "resume with what it was started with, or start a new run"
        raise ConfigError(f"resume: {', '.join(others[:4])}; {remedy}")
    changed = options.given.intersection(task.free_on_resume)
    return old | {key: config[key] for key in changed}


def _difference(name: str, old: Any, new: Any) -> str:
    """Return what differs between two values of a setting; of long ones the part."""
    if len(f"{old!r}{new!r}") >= 120:  # too long to be read at a glance
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            old, new = dict(enumerate(old)), dict(enumerate(new))
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            key = next(key for key in old if old[key] != new[key])
            return _difference(f"{name} {key}", old[key], new[key])
    return f"{name}: the run was started with {old!r:.80}, got {new!r:.80}"


def engine_for(config: dict[str, Any], checkpoint: Checkpoint | None) -> str:
    """Return the engine to ask for: that of the checkpoint, where "auto" may choose."""
    fingerprint = checkpoint.state.get("fingerprint") if checkpoint else None
    if config["engine"] != "auto" or not isinstance(fingerprint, dict):
        return config["engine"]
    engine = fingerprint.get("engine")
    return engine if engine in ("loop", "compiled") else "auto"


def resume(
    job: Job, folder: RunFolder, checkpoint: Checkpoint, options: RunOptions
) -> None:
    """Return a job, and the folder's files, to where a checkpoint was made.

    Refuse other data (DataError), and with strict_resume another machine.
    """
    path, _, state = checkpoint
    if state.get("data") != job.details["data"]:
        raise DataError(
            f"resume: {printable(path)}: the run was started with other training "
            f"data; use the same {job.data_settings}"
        )
    for line in differences(state.get("fingerprint"), job.details["fingerprint"]):
        if options.strict_resume:
            remedy = "use the same one, or leave `strict_resume` out"
            raise _resume_error(path, line, remedy)
        options.say(f"warning: resume: {line}")
    job.restore(checkpoint)
    if path.parent == folder.checkpoints:
        folder.drop_after(job.step, options.keep)
    folder.truncate_history(job.step)
    options.say(f"resuming from {printable(path)} (step {job.step})")
