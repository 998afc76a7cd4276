"""A run: a configuration carried out in a folder, from its start or onwards.

The folder holds config.json, history.jsonl, checkpoints/, best.safetensors and,
at the end, model.safetensors and result.json. It is claimed and written to
before any data are read, so that what cannot work fails at once.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import open_backend
from ..data import Splits
from ..errors import ConfigError, Interrupted
from ..io.json_text import write_json
from ..io.messages import printable
from ..network import Network
from ..random import member_seeds
from ..storage import RunFolder, save_network
from ..training.callbacks import Callback, EarlyStopping
from ..training.checks import check_settings, check_trainable
from ..training.engines import check_engine
from ..training.fit import trainer as make_trainer
from ..training.history import History
from ..training.learned import not_learned
from ..training.loop import Trainer
from ..training.memory import memory_for
from ..training.schedules import get_schedule
from .checkpoint import data_digest
from .config import (
    check_config,
    check_table,
    complete,
    data_from_config,
    doubtful_sizes,
    network_from_config,
    optimizer_from_config,
)
from .hints import resume_hint, retry_hint
from .machine import fingerprint
from .recorders import EventLog, FolderRecorder
from .report import describe_table, score
from .resume import claim_folder, engine_for, find_checkpoint, go_on, settle_config
from .resume import load_config as load_config
from .signals import stop_on_signals


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
    command : callable, optional
        command(folder) is what resumes the run when typed, and command(folder,
        rates) what starts it anew with other learning rates; messages name them.
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
    command: Callable[..., str] | None = None


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
        their summary; the baseline to compare with; and with validation data the
        epoch of the best validation loss.

    Raises
    ------
    GpunetError
        Whatever cannot work, with its exit code; `Interrupted` after a signal.
    """
    if options.resume is None:
        _rehearse(check_config(config))
    with ExitStack() as stack:
        folder, path = claim_folder(stack, options)
        found = find_checkpoint(folder, path, options)
        config = settle_config(config, folder, found, options)
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
        for doubt in doubtful_sizes(config, data):
            options.say(f"warning: {doubt}")
        for note in data.notes:
            options.say(f"note: {note}")
        with memory_for("weights", backend, config["batch_size"]):
            net = network_from_config(config, backend)
        log = EventLog(options.log) if options.log else None
        more = {"config": config, "data": data_digest(data.train)} | _table(data)
        recorder = FolderRecorder(
            folder,
            more,
            every_steps=options.checkpoint_every_steps,
            keep=options.keep,
            on_write_error=options.on_write_error,
            log=log,
        )
        callbacks = [*options.callbacks, recorder, *([log] if log else [])]
        own = net, data, options, callbacks
        try:
            job = _trainer(config | {"engine": engine_for(config, found)}, *own)
        except ConfigError:  # the checkpoint's engine is not to be had here
            job = _trainer(config, *own)
        box["trainer"] = job
        more["fingerprint"] = fingerprint(backend, job.engine.name)
        note = f" ({job.engine.note})" if job.engine.note else ""
        options.say(f"engine: {job.engine.name}{note}")
        write_json(folder.config, config)
        if found is not None:
            go_on(job, folder, found, more, options)
        else:
            folder.truncate_history(-1)
        if "why" in box:
            job.stop(box["why"])
        with retry_hint(config, folder.path, options):
            job.run()
        if fault := not_learned(job):
            options.say(f"warning: {fault}")
        done = None if received else _finish(net, job, data, folder)
        if received:
            raise Interrupted(
                f"training: interrupted: step {job.step} is saved in "
                f"{printable(folder.path)}; {resume_hint(folder.path, options)}",
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
    get_schedule(config["schedule"])
    check_engine(config["engine"], config["precision"])
    counts = config["epochs"], config["batch_size"]
    check_settings(*counts, config["order"], order_seed=config["order_seed"])
    if config["early_stopping"] not in (None, "auto"):
        EarlyStopping(config["early_stopping"])


def _stop(box: dict[str, Any], why: str) -> None:
    box["why"] = why
    if "trainer" in box:
        box["trainer"].stop(why)


def _trainer(config, net, data: Splits, options, callbacks) -> Trainer:
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
        order_seed=config["order_seed"],
        track=config["track"],
        callbacks=callbacks,
        max_steps=options.max_steps,
        engine=config["engine"],
        precision=config["precision"],
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
    if data.validation is not None:
        best = [epoch or None for epoch in job.best.state["epoch"]]  # 0: none yet
        result["best_epoch"] = best if net.population else best[0]
        result["best_weights_kept"] = job.best.restored
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
    patience = config["early_stopping"]
    rule = f", early stopping {patience}" if patience else ""
    return (
        f"{crowd}{sizes} {config['activation']}, {config['loss']}, "
        f"{config['optimizer']}, batch {config['batch_size']}, "
        f"{config['epochs']} epochs{rule}"
    )
