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
from .hints import resume_hint
from .machine import differences
from .task import Checkpoint, Job, RunOptions, Task


def claim_folder(
    stack: ExitStack, options: RunOptions
) -> tuple[RunFolder, Path | None]:
    """Enter the run folder; return it and the checkpoint file asked for.

    Parameters
    ----------
    stack : ExitStack, which leaves the folder
    options : RunOptions

    Raises
    ------
    ConfigError, ModelFileError, WriteError, FolderInUse
        The folder holds another run, no such checkpoint, or cannot be used.
    """
    where, path = options.folder, None
    if options.resume not in (None, "auto"):
        path = Path(options.resume).absolute()
        if os.path.isdir(path):
            if where is not None and Path(where).absolute() != path:
                raise ConfigError(
                    f"resume: {printable(path)}: a run is resumed in its own folder; "
                    "name no other folder, or name a checkpoint file"
                )
            where, path = path, None
        elif not os.path.exists(path):
            why = "there is no such file or folder"
            raise _refused(path, why, "name a checkpoint or a run folder")
        elif where is None and path.parent.name != "checkpoints":
            why = "is not in the checkpoints folder of a run"
            cure = "name a checkpoint of a run, or give the folder as out"
            raise _refused(path, why, cure)
        else:
            where = where or path.parent.parent
    folder = stack.enter_context(RunFolder(where))
    started = folder.config.exists() or any(folder.checkpoints.glob("step-*"))
    if options.resume is None and started:
        raise ConfigError(
            f"out: {printable(folder.path)}: holds a run already; choose another "
            f"folder, or {resume_hint(folder.path, options)}"
        )
    return folder, path


def _refused(path: Path, why: str, cure: str) -> ModelFileError:
    return ModelFileError(message("resume", path, why, cure))


def find_checkpoint(
    folder: RunFolder, path: Path | None, options: RunOptions
) -> Checkpoint | None:
    """Return the checkpoint to resume from, or None to start.

    Raises
    ------
    ModelFileError
        It is damaged, not a checkpoint, or missing where one was asked for.
    """
    if options.resume is None:
        return None
    if path is not None:
        tensors, state = read_tensors(path)
        if state.get("kind") != "checkpoint":
            raise _refused(path, "is a model, not a checkpoint", "name a checkpoint")
        return Checkpoint(path, tensors, state)
    newest = folder.newest_checkpoint(warn=lambda text: options.say(f"warning: {text}"))
    if newest is None and options.resume != "auto":
        cure = "name another folder or leave `resume` out"
        raise _refused(folder.path, "holds no checkpoint", cure)
    return None if newest is None else Checkpoint(*newest)


def settle_config(
    task: Task,
    config: dict[str, Any],
    folder: RunFolder,
    checkpoint: Checkpoint | None,
    options: RunOptions,
) -> dict[str, Any]:
    """Return the configuration that counts: that of the folder when resuming.

    Raises
    ------
    ConfigError
        A setting was given that the run was not started with.
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
    for key in sorted(options.given.difference(task.free_on_resume)):
        if key not in old or config[key] != old[key]:
            raise ConfigError(
                f"resume: {key}: the run was started with {old.get(key)!r}, got "
                f"{config[key]!r}; leave it out, or start a new run"
            )
    changed = options.given.intersection(task.free_on_resume)
    return old | {key: config[key] for key in changed}


def engine_for(config: dict[str, Any], checkpoint: Checkpoint | None) -> str:
    """Return the engine to ask for: that of the checkpoint, where "auto" may choose."""
    mark = checkpoint.state.get("fingerprint") if checkpoint else None
    if config["engine"] != "auto" or not isinstance(mark, dict):
        return config["engine"]
    return mark["engine"] if mark.get("engine") in ("loop", "compiled") else "auto"


def resume(
    job: Job, folder: RunFolder, checkpoint: Checkpoint, options: RunOptions
) -> None:
    """Return a job, and the folder's files, to where a checkpoint was made.

    Raises
    ------
    DataError, ModelFileError
        The data are others; with strict_resume the machine's fingerprint is.
    """
    path, _, state = checkpoint
    if state.get("data") != job.details["data"]:
        raise DataError(
            f"resume: {printable(path)}: the run was started with other training "
            f"data; use the same {job.data_settings}"
        )
    for line in differences(state.get("fingerprint"), job.details["fingerprint"]):
        if options.strict_resume:
            raise _refused(path, line, "use the same one, or leave `strict_resume` out")
        options.say(f"warning: resume: {line}")
    job.restore(checkpoint)
    if path.parent == folder.checkpoints:
        folder.drop_after(job.step, options.keep)
    folder.truncate_history(job.step)
    options.say(f"resuming from {printable(path)} (step {job.step})")
