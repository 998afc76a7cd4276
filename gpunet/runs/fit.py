"""The task of `gpunet.fit` in a folder: a network and data that Python has made.

Such a run has no preset and names no data: its config.json describes the network as
a model file does, the settings as far as JSON can hold them, and what JSON cannot
hold by its repr. Whoever resumes it brings network, data and settings again, and
they are compared with what the folder says.
"""

import os
import re
import signal
import warnings
from dataclasses import fields, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..data import Dataset, Splits
from ..errors import ConfigError, GpunetWarning, Interrupted
from ..io.json_text import finite_json
from ..network import Network
from ..optimizers import OPTIMIZERS
from ..storage import network_to_config
from ..training.device_data import check_data, training_data
from ..training.history import History
from ..training.loop import Trainer
from ..training.metrics import evaluate
from ..training.settings import Settings
from .checkpoint import data_digest
from .network import NetworkJob
from .run import run_task
from .task import RunOptions, Task

_ELSEWHERE = {"validation", "callbacks", "max_steps"}  # or not of the run


class _Inputs(NamedTuple):
    """What `fit` was called with; both parts are checked, the data as they came."""

    net: Network
    data: Any
    settings: Settings
    train: Dataset
    held_out: Dataset | None


def fit_in_folder(
    net: Network,
    data: Any,
    settings: Settings,
    *,
    folder: Any,
    resume: Any,
    every: int | None,
) -> History:
    """Train as `gpunet.fit` with a folder, which describes its arguments and errors."""
    _check_keywords(folder, resume, every)
    train, held_out = training_data(net, data, settings)
    if folder is None and resume is True:
        raise ConfigError("resume: give the run's folder too: folder='runs/x'")
    if isinstance(data, Splits) and data.test is not None:
        check_data(net, data.test, "test data", one_class_ok=True)
    inputs = _Inputs(net, data, settings, train, held_out)
    config, notes = _config(inputs), list[str]()
    options = RunOptions(
        folder=folder,
        resume="auto" if resume is True else resume or None,
        checkpoint_every_steps=every,
        callbacks=settings.callback_objects(),
        say=notes.append,
        given=set(config),
        command=_command,
        on_second_signal=_interrupt,
    )
    try:
        return _run(inputs, config, options)
    finally:
        for note in notes:
            if note.startswith("warning: "):
                text = note.removeprefix("warning: ")
                warnings.warn(text, GpunetWarning, stacklevel=4)


def _check_keywords(folder: Any, resume: Any, every: Any) -> None:
    path = str | bytes | os.PathLike
    if folder is not None and not (folder and isinstance(folder, path)):
        raise ConfigError(f"folder: must be a path, got {folder!r:.60}")
    if resume == "" or not isinstance(resume, path | bool | None):
        raise ConfigError(f"resume: must be True, False or a path, got {resume!r:.60}")
    if every is None:
        return
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        name = "checkpoint_every_steps"
        raise ConfigError(f"{name}: must be a whole number >= 1, got {every!r:.60}")


def _run(inputs: _Inputs, config: dict[str, Any], options: RunOptions) -> History:
    make_job = partial(_FitJob, inputs)
    free = ("device", "engine", "epochs")
    task = Task(_check_config, lambda config: None, make_job, free)
    try:
        job, _ = run_task(task, config, options)
    except Interrupted as error:
        if error.exit_code - 128 == signal.SIGINT:  # what Python raises for Ctrl-C
            raise KeyboardInterrupt(str(error)) from None
        raise
    return job.trainer.history


def _interrupt(number: int) -> None:
    raise KeyboardInterrupt


def _command(folder: Any, rates: Any = None) -> str:
    """Return what resumes a run when typed; nothing but a human changes its rate."""
    return "" if rates else f"gpunet.fit(..., folder={str(folder)!r}, resume=True)"


def _check_config(config: Any, where: str) -> dict[str, Any]:
    if not isinstance(config, dict) or "layers" not in config:
        raise ConfigError(
            f"{where}: was not started by gpunet.fit; resume it with the command that "
            "started it"
        )
    return config


def _config(inputs: _Inputs) -> dict[str, Any]:
    """Return what config.json says of the arguments of `fit`."""
    net, settings, train = inputs.net, inputs.settings, inputs.train
    config = {key: getattr(settings, key) for key in _names(Settings)}
    config = {key: config[key] for key in config.keys() - _ELSEWHERE}
    optimizer = settings.make_optimizer()
    names = {kind: name for name, kind in OPTIMIZERS.items()}
    config["optimizer"] = optimizer
    if name := names.get(type(optimizer)):
        config |= {key: getattr(optimizer, key) for key in _names(optimizer)}
        config["optimizer"] = name
    test = inputs.data.test if isinstance(inputs.data, Splits) else None
    parts = {"train": train, "validation": inputs.held_out, "test": test}
    config |= {f"n_{name}": len(part or ()) for name, part in parts.items()}
    config |= {"scale": train.scale, "device": net.backend.name}
    config |= network_to_config(net)
    return {key: _plain(value) for key, value in config.items()}


def _names(dataclass: Any) -> list[str]:
    return [item.name for item in fields(dataclass)]


def _plain(value: Any) -> Any:
    """Return what JSON holds of a value, else its repr without an address."""
    try:
        return finite_json(value)
    except ConfigError:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


class _FitJob(NetworkJob):
    """The network, data and settings that `fit` was called with."""

    data_settings = "`data` and `validation`"

    def __init__(self, inputs: _Inputs, *context: Any):
        self.inputs = inputs
        super().__init__(*context)

    def read_data(self) -> dict[str, Any]:
        """Return what checkpoints keep of the data, which are there already."""
        parts = (self.inputs.train, self.inputs.held_out)
        digests = [data_digest(part) for part in parts if part is not None]
        self.data, table = self.inputs.data, getattr(self.inputs.data, "table", None)
        self._table = {} if table is None else {"table": table.to_json()}
        return {"data": "-".join(digests), **self._table}

    def make_trainer(self, engine: str) -> Trainer:
        """Return the trainer of the network that is there already."""
        inputs = self.inputs
        settings = replace(
            inputs.settings,
            engine=engine,
            validation=inputs.held_out,
            class_weight=None,  # the data have been weighted
            callbacks=self.callbacks,
        )
        return Trainer(inputs.net, inputs.train, settings)

    def score(self, stopped: dict[str, str]) -> dict[str, Any]:
        """Return what the network is worth on the test part, if there is one."""
        test = self.data.test if isinstance(self.data, Splits) else None
        if test is None:
            return {}
        net = self.inputs.net
        numbers = isinstance(test.t, np.ndarray) and test.t.dtype.kind in "iu"
        if self.data.table or (numbers and test.t.ndim == 1 and net.classes is None):
            return super().score(stopped)
        result = evaluate(net, test)
        names = [name for name in ("loss", "accuracy") if result[name] is not None]
        return {f"test_{name}": result[name] for name in names}
