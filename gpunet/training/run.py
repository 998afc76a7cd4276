"""A run: a configuration carried out in a folder, from its start or onwards.

The folder holds config.json, history.jsonl, checkpoints/, best.safetensors and,
at the end, model.safetensors and result.json. It is claimed and written to
before any data are read, so that what cannot work fails at once.
"""

import errno
import json
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import open_backend
from ..data import Splits
from ..errors import ConfigError, DataError, Interrupted, ModelFileError
from ..network import Network, member_seeds
from ..schedules import schedule as find_schedule
from ..storage import (
    RunFolder,
    one_line,
    read_tensors,
    readable,
    save_network,
    write_json,
)
from .callbacks import Callback, EarlyStopping
from .config import (
    check_config,
    check_table,
    complete,
    data_from_config,
    network_from_config,
    optimizer_from_config,
)
from .engines import check_engine
from .fit import trainer as make_trainer
from .history import History
from .loop import Trainer, check_settings, check_trainable
from .memory import memory_for
from .recorders import EventLog, FolderRecorder
from .report import describe_table, score
from .signals import stop_on_signals
from .state import data_digest, fingerprint, history_from, restore

# What may differ between a run and its continuation.
_FREE_ON_RESUME = ("device", "engine", "epochs", "data_dir")


@dataclass
class Options:
    """How a run is carried out, beside what its configuration says.

    Attributes
    ----------
    folder : path
        The run folder.
    resume : None, "auto" or path
        Go on from the newest sound checkpoint of the folder (or start, if it
        has none), or from that checkpoint file or run folder.
    strict_resume : bool
        Refuse to go on with another library version, device or thread count.
    max_steps, checkpoint_every_steps, keep, on_write_error, log
        As the options of the command.
    callbacks : sequence of Callback
    say : callable of one str
        Where notes for the user go.
    """

    folder: Any
    resume: Any = None
    strict_resume: bool = False
    max_steps: int | None = None
    checkpoint_every_steps: int | None = None
    keep: int = 2
    on_write_error: str = "stop"
    log: Any = None
    callbacks: Sequence[Callback] = ()
    say: Any = print
    given: set[str] = field(default_factory=set)


class Outcome(NamedTuple):
    """What a run leaves: network, history, result, where, and the data used."""

    net: Network
    history: History
    result: dict[str, Any]
    folder: Path
    data: Splits


def run(config: dict[str, Any], options: Options) -> Outcome:
    """Carry a configuration out.

    Parameters
    ----------
    config : dict
        See `presets.DEFAULTS`. When resuming, what the folder's own config.json
        says counts, and only `options.given` may change it.
    options : Options

    Returns
    -------
    outcome : Outcome
        Its result has the test accuracy, n, dead classes, and for a population
        their summary.

    Raises
    ------
    GpunetError
        Whatever cannot work, with its exit code; `Interrupted` after a signal.
    """
    if options.resume is None:
        _rehearse(check_config(config))
    with ExitStack() as stack:
        folder, path = _claim(stack, options)
        found = _find_checkpoint(folder, path, options)
        config = _settle_config(config, folder, found, options)
        backend = open_backend(config["device"])
        note = f" ({backend.note})" if backend.note else ""
        options.say(f"device: {backend.name}{note}")
        box: dict[str, Any] = {}
        received = stack.enter_context(stop_on_signals(lambda why: _stop(box, why)))
        data = data_from_config(config)
        config = complete(config, data)
        options.say(headline(config))
        if data.table is not None:
            options.say(describe_table(data))
        with memory_for("weights", backend, config["batch_size"]):
            net = network_from_config(config, backend)
        log = EventLog(options.log) if options.log else None
        more = {
            "config": config,
            "data": data_digest(data.train),
            "fingerprint": fingerprint(backend),
        } | _table(data)
        recorder = FolderRecorder(
            folder,
            more,
            every_steps=options.checkpoint_every_steps,
            keep=options.keep,
            on_write_error=options.on_write_error,
            log=log,
        )
        callbacks = [*options.callbacks, recorder, *([log] if log else [])]
        wanted = config | {"engine": _engine(config, found)}
        job = _trainer(net, data, wanted, options, callbacks)
        box["trainer"] = job
        more["fingerprint"]["engine"] = job.engine.name
        note = f" ({job.engine.note})" if job.engine.note else ""
        options.say(f"engine: {job.engine.name}{note}")
        write_json(folder.config, config)
        if found is not None:
            _resume(job, folder, found, more, options)
        else:
            folder.truncate_history(-1)
        if "why" in box:
            job.stop(box["why"])
        job.run()
        done = None if received else _finish(net, job, data, folder)
        if received:
            raise Interrupted(
                f"training: interrupted: step {job.step} is saved in "
                f"{readable(folder.path)}; go on with --resume auto",
                received[0],
            )
        return Outcome(net, job.history, done, folder.path, data)


def _rehearse(config: dict[str, Any]) -> None:
    """Refuse what cannot work before a folder is made or data are read."""
    backend = open_backend(config["device"])
    check_table(config)
    config = complete(config)
    with memory_for("weights", backend, config["batch_size"]):
        net = network_from_config(config | {"population": None, "seed": 0})
    check_trainable(net)
    member_seeds(config["seed"], config["population"])
    optimizer = optimizer_from_config(config)
    optimizer.start(net.params, net.backend, config["population"])
    find_schedule(config["schedule"])
    check_engine(config["engine"], config["precision"])
    check_settings(config["epochs"], config["batch_size"], config["order"])
    if config["early_stopping"] is not None:
        EarlyStopping(config["early_stopping"])


def _stop(box: dict[str, Any], why: str) -> None:
    box["why"] = why
    if "trainer" in box:
        box["trainer"].stop(why)


def _claim(stack: ExitStack, options: Options) -> tuple[RunFolder, Path | None]:
    """Enter the run folder; return it and the checkpoint file asked for."""
    where, path = options.folder, None
    if options.resume not in (None, "auto"):
        path = Path(options.resume).absolute()
        if os.path.isdir(path):
            if where is not None and Path(where).absolute() != path:
                raise ConfigError(
                    f"resume: {readable(path)}: a run goes on in its own folder; leave "
                    "--out away, or name a checkpoint file"
                )
            where, path = path, None
        elif not os.path.exists(path):
            why, cure = (
                "there is no such file or folder",
                "name a checkpoint or a run folder",
            )
            raise ModelFileError(one_line("resume", path, why, cure))
        else:
            where = where or path.parent.parent
    folder = stack.enter_context(RunFolder(where))
    begun = folder.config.exists() or any(folder.checkpoints.glob("step-*"))
    if options.resume is None and begun:
        raise ConfigError(
            f"out: {readable(folder.path)}: holds a run already; go on with "
            "--resume auto, or choose another folder"
        )
    return folder, path


def _find_checkpoint(folder: RunFolder, path: Path | None, options: Options):
    if options.resume is None:
        return None
    if path is not None:
        tensors, state = read_tensors(path)
        if state.get("kind") != "checkpoint":
            why = "is a model, not a checkpoint"
            raise ModelFileError(one_line("resume", path, why, "name a checkpoint"))
        return path, tensors, state
    found = folder.newest_checkpoint(warn=lambda text: options.say(f"warning: {text}"))
    if found is None and options.resume != "auto":
        why, cure = "holds no checkpoint", "name another folder or leave --resume out"
        raise ModelFileError(one_line("resume", folder.path, why, cure))
    return found


def _settle_config(config, folder, found, options) -> dict[str, Any]:
    """Return the configuration that counts: the run's own when resuming."""
    if found is not None:
        path, _, state = found
        try:
            old = check_config(state.get("config"), readable(path))
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


def _engine(config, found) -> str:
    """Return the engine to ask for: that of the checkpoint, where "auto" may choose."""
    mark = found[2].get("fingerprint") if found else None
    loop = isinstance(mark, dict) and mark.get("engine") == "loop"
    return "loop" if loop and config["engine"] == "auto" else config["engine"]


def _trainer(net, data: Splits, config, options, callbacks) -> Trainer:
    return make_trainer(
        net,
        data,
        epochs=config["epochs"],
        batch_size=config["batch_size"],
        optimizer=optimizer_from_config(config),
        schedule=config["schedule"],
        early_stopping=config["early_stopping"],
        class_weight=config["class_weight"],
        order=config["order"],
        track=config["track"],
        callbacks=callbacks,
        max_steps=options.max_steps,
        engine=config["engine"],
        precision=config["precision"],
    )


def _resume(job: Trainer, folder, found, more, options) -> None:
    path, tensors, state = found
    if state.get("data") != more["data"]:
        raise DataError(
            f"resume: {readable(path)}: the run was begun with other training "
            "data; give the same --data and --data-dir"
        )
    for key, old in (state.get("fingerprint") or {}).items():
        now = more["fingerprint"].get(key)
        if old == now:
            continue
        line = (
            f"{key} was {old!r} and is {now!r}: not bit for bit the same run any more"
        )
        if options.strict_resume:
            cure = "use the same one, or leave --strict-resume out"
            raise ModelFileError(one_line("resume", path, line, cure))
        options.say(f"warning: resume: {line}")
    restore(job, tensors, state, path)
    if path.parent == folder.checkpoints:
        folder.drop_after(job.step)
    folder.truncate_history(job.step)
    history_from(folder.read_history(job.step), job)
    options.say(
        f"resuming from {readable(path)} (epoch {job.epoch + 1}, step {job.step})"
    )


def _table(data: Splits) -> dict[str, Any]:
    """Return what a model file keeps of the table it was trained on."""
    return {} if data.table is None else {"table": data.table.to_json()}


def _finish(net: Network, job: Trainer, data: Splits, folder: RunFolder) -> dict:
    result: dict[str, Any] = {
        "outcome": job.history.outcome,
        "epochs": job.epoch,
        "steps": job.step,
        "frozen": {str(i): why for i, why in sorted(job.history.frozen.items())},
    }
    lost = [i for i, why in job.history.frozen.items() if why.startswith("diverged")]
    if data.test is not None:
        with memory_for("evaluation", net.backend):
            result |= score(net, data, lost)
    with memory_for("save", net.backend):
        save_network(net, folder.model, step=job.step, result=result, **_table(data))
    write_json(folder.path / "result.json", result)
    return result


def headline(config: dict[str, Any]) -> str:
    """Return what a configuration trains, in one line."""
    sizes = "-".join(map(str, config["sizes"]))
    crowd = f"{config['population']} x " if config["population"] else ""
    return (
        f"{crowd}{sizes} {config['activation']}, {config['loss']}, "
        f"{config['optimizer']}, batch {config['batch_size']}, "
        f"{config['epochs']} epochs"
    )


def load_config(path: Any) -> dict[str, Any]:
    """Return the configuration in a JSON file, checked.

    Raises
    ------
    ConfigError
        No such file, no JSON, or settings that do not exist.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for ever
            raise OSError(errno.EINVAL, "is no regular file")
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"config: {readable(path)}: {error.strerror or error}; name a config.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"config: {readable(path)}: is no JSON ({str(error)[:80]}); correct it"
        ) from error
    return check_config(config, readable(path))
