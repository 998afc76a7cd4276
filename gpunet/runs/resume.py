"""Going on: which run a folder holds, from where, and with which settings.

A run goes on only as the same run. What would make it another one, other data or
another setting, is refused; what may change its last bits is told.
"""

import errno
import json
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DataError, ModelFileError
from ..io.messages import message, printable
from ..storage import RunFolder, read_tensors
from ..training.loop import Trainer
from .checkpoint import history_from, restore
from .config import check_config
from .hints import resume_hint
from .machine import differences

# What may differ between a run and its continuation.
_FREE_ON_RESUME = ("device", "engine", "epochs", "data_dir")
_LONGEST_CONFIG = 2**20  # bytes; a sparse file of a terabyte costs its maker nothing


def claim_folder(stack: ExitStack, options: Any) -> tuple[RunFolder, Path | None]:
    """Enter the run folder; return it and the checkpoint file asked for.

    Parameters
    ----------
    stack : ExitStack, which leaves the folder
    options : `run.Options`

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
                    f"resume: {printable(path)}: a run continues in its own folder; "
                    "name no other folder, or name a checkpoint file"
                )
            where, path = path, None
        elif not os.path.exists(path):
            why, cure = (
                "there is no such file or folder",
                "name a checkpoint or a run folder",
            )
            raise ModelFileError(message("resume", path, why, cure))
        elif where is None and path.parent.name != "checkpoints":
            why = "is not in the checkpoints folder of a run"
            cure = "name a checkpoint of a run, or give the folder as out"
            raise ModelFileError(message("resume", path, why, cure))
        else:
            where = where or path.parent.parent
    folder = stack.enter_context(RunFolder(where))
    begun = folder.config.exists() or any(folder.checkpoints.glob("step-*"))
    if options.resume is None and begun:
        raise ConfigError(
            f"out: {printable(folder.path)}: holds a run already; choose another "
            f"folder, or {resume_hint(folder.path, options)}"
        )
    return folder, path


def find_checkpoint(folder: RunFolder, path: Path | None, options: Any) -> Any:
    """Return (path, tensors, state) to go on from, or None to start.

    Raises
    ------
    ModelFileError
        It is damaged, no checkpoint, or there is none where one was asked for.
    """
    if options.resume is None:
        return None
    if path is not None:
        tensors, state = read_tensors(path)
        if state.get("kind") != "checkpoint":
            why = "is a model, not a checkpoint"
            raise ModelFileError(message("resume", path, why, "name a checkpoint"))
        return path, tensors, state
    found = folder.newest_checkpoint(warn=lambda text: options.say(f"warning: {text}"))
    if found is None and options.resume != "auto":
        why, cure = "holds no checkpoint", "name another folder or leave `resume` out"
        raise ModelFileError(message("resume", folder.path, why, cure))
    return found


def settle_config(
    config: dict[str, Any], folder: RunFolder, found: Any, options: Any
) -> dict[str, Any]:
    """Return the configuration that counts: the run's own when resuming.

    Raises
    ------
    ConfigError
        A setting was given that the run was not begun with.
    """
    if found is not None:
        path, _, state = found
        try:
            old = check_config(state.get("config"), printable(path))
        except ConfigError as error:
            raise ModelFileError(f"checkpoint: {error}") from error
    elif options.resume is not None and folder.config.exists():
        old = load_config(folder.config)  # stopped before its first checkpoint
    else:
        return check_config(config)
    for key in options.given:
        if key in _FREE_ON_RESUME or config[key] == old[key]:
            continue
        raise ConfigError(
            f"resume: {key}: the run was begun with {old[key]!r}, now {config[key]!r} "
            "is asked for; leave the option out, or start a new run"
        )
    return old | {key: config[key] for key in _FREE_ON_RESUME if key in options.given}


def engine_for(config: dict[str, Any], found: Any) -> str:
    """Return the engine to ask for: that of the checkpoint, where "auto" may choose."""
    mark = found[2].get("fingerprint") if found else None
    if config["engine"] != "auto" or not isinstance(mark, dict):
        return config["engine"]
    return mark.get("engine") if mark.get("engine") in ("loop", "compiled") else "auto"


def go_on(
    job: Trainer, folder: RunFolder, found: Any, more: dict[str, Any], options: Any
) -> None:
    """Put a trainer, and the folder's files, back to where a checkpoint was made.

    Raises
    ------
    DataError, ModelFileError
        The data are others; with strict_resume the machine's fingerprint is.
    """
    path, tensors, state = found
    if state.get("data") != more["data"]:
        raise DataError(
            f"resume: {printable(path)}: the run was begun with other training "
            "data; use the same `data` and `data_dir`"
        )
    for line in differences(state.get("fingerprint"), more["fingerprint"]):
        if options.strict_resume:
            cure = "use the same one, or leave `strict_resume` out"
            raise ModelFileError(message("resume", path, line, cure))
        options.say(f"warning: resume: {line}")
    restore(job, tensors, state, path)
    if path.parent == folder.checkpoints:
        folder.drop_after(job.step, options.keep)
    folder.truncate_history(job.step)
    history_from(folder.read_history(job.step), job)
    options.say(
        f"resuming from {printable(path)} (epoch {job.epoch + 1}, step {job.step})"
    )


def load_config(path: Any) -> dict[str, Any]:
    """Return the configuration in a JSON file, checked.

    Raises
    ------
    ConfigError
        No such file, no JSON, or settings that do not exist.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
            raise OSError(errno.EINVAL, "is no regular file")
        if status.st_size > _LONGEST_CONFIG:
            raise OSError(errno.EFBIG, f"has {status.st_size:,} bytes")
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"config: {printable(path)}: {error.strerror or error}; name a config.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"config: {printable(path)}: is no JSON ({str(error)[:80]}); correct it"
        ) from error
    return check_config(config, printable(path))
