"""The task of training a network on data, as a configuration describes them."""

from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backend import open_backend
from ..blocks import check_init
from ..data import Splits
from ..errors import OutOfMemory
from ..io.messages import counted
from ..losses import get_loss
from ..network import Network
from ..parameters import check_layers, known_dtype
from ..random import member_seeds
from ..storage import save_network
from ..training.callbacks import EarlyStopping
from ..training.device_data import check_trainable
from ..training.diagnosis import not_learned
from ..training.history import History
from ..training.loop import Trainer
from ..training.members.table import MemberTable
from ..training.memory import memory_for
from ..training.schedules import get_schedule
from .checkpoint import data_digest
from .config import (
    check_config,
    check_table,
    complete,
    data_from_config,
    doubtful_sizes,
    layers_from_config,
    network_from_config,
    optimizer_from_config,
    settings_from_config,
)
from .report import describe_table, score
from .run import run_task
from .task import Job, RunOptions, Task

_TESTS = ("test_accuracy", "r2", "mae", "rmse")  # of one network, or of each member


class Outcome(NamedTuple):
    """What a run leaves: network, history, result, where, and the data used."""

    net: Network
    history: History
    result: dict[str, Any]
    folder: Path
    data: Splits


def run_config(config: dict[str, Any], options: RunOptions) -> Outcome:
    """Train the network that a configuration (see `presets.DEFAULTS`) describes.

    The result is that of `score`, with the steps done, why the run and its members
    ended, and with validation data the epoch of the best validation loss.
    """
    job, result = run_task(TASK, config, options)
    assert isinstance(job, NetworkJob)
    trainer = job.trainer
    return Outcome(trainer.net, trainer.history, result, job.folder.path, job.data)


class NetworkJob(Job):
    """A network, its data and its trainer."""

    def read_data(self) -> dict[str, Any]:
        """Read the data, complete `config`; return what checkpoints keep of them."""
        self.data = data = data_from_config(self.config)
        self.config = complete(self.config, data)
        notes = [headline(self.config)]
        notes += [describe_table(data)] if data.table else []
        notes += [f"warning: {text}" for text in doubtful_sizes(self.config, data)]
        for note in (*notes, *(f"note: {text}" for text in data.notes)):
            self.options.say(note)
        # What a model file keeps of the table it was trained on.
        self._table = {} if data.table is None else {"table": data.table.to_json()}
        return {"data": data_digest(data.train), **self._table}

    def make_trainer(self, engine: str) -> Trainer:
        """Return the trainer of a new network."""
        with memory_for("weights", self.backend, self.config["batch_size"]):
            net = network_from_config(self.config, self.backend)
        settings = settings_from_config(
            self.config | {"engine": engine},
            callbacks=self.callbacks,
            max_steps=self.options.max_steps,
        )
        return Trainer(net, self.data, settings)

    def run(self) -> None:
        """Train, and warn if nothing was learned."""
        self.trainer.run()
        if fault := not_learned(self.trainer):
            self.options.say(f"warning: {fault}")

    def ended(self) -> dict[str, Any]:
        """Return how training ended, as result.json says it."""
        trainer, stopped = self.trainer, self.trainer.history.stopped
        return {
            "outcome": trainer.history.outcome,
            "epochs": trainer.epoch,
            "steps": trainer.step,
            "frozen": {str(i): text for i, text in sorted(stopped.items())},
        }

    def finish(self) -> dict[str, Any]:
        """Save and score the network; return the result."""
        trainer, net, result = self.trainer, self.trainer.net, self.ended()
        if trainer.validation is not None:
            best = [epoch or None for epoch in trainer.best.state["epoch"]]  # 0: none
            result["best_epoch"] = best if net.population else best[0]
            result["best_weights_kept"] = trainer.best.restored
        with memory_for("evaluation", net.backend):
            result |= self.score(result["frozen"])
        with memory_for("save", net.backend):
            about = {"step": trainer.step, "result": result}
            save_network(net, self.folder.model, **about, **self._table)
        if net.population:
            result |= {"members": _with_tests(trainer.history.members(), result)}
        return result

    def score(self, stopped: dict[str, str]) -> dict[str, Any]:
        """Return what the network is worth on the test part, if there is one."""
        if self.data.test is None:
            return {}
        diverged = [int(i) for i, why in stopped.items() if why.startswith("diverged")]
        return score(self.trainer.net, self.data, diverged)


def _with_tests(rows: MemberTable, result: dict[str, Any]) -> MemberTable:
    """Return the rows of members with what each is worth on the test part."""
    names = [name for name in _TESTS if name in result]
    for i, row in enumerate(rows):
        state = row.pop("state")
        row |= {name: result[name][i] for name in names} | {"state": state}
    return rows


def _rehearse(config: dict[str, Any]) -> None:
    open_backend(config["device"])
    check_table(config)
    config = complete(config)
    layers = layers_from_config(config)
    check_layers(tuple(layers), get_loss(config["loss"]))
    check_trainable(layers)
    known_dtype(config["dtype"])
    member_seeds(config["seed"], config["population"])
    check_init(config["init"])
    bk, params = open_backend("cpu"), {}
    for i, layer in enumerate(layers):
        for name, shape in layer.shapes().items():
            _check_memory(f"{i}.{name}", shape)
            params[f"{i}.{name}"] = bk.array([0.0])
    optimizer_from_config(config).start(params, bk, config["population"])
    get_schedule(config["schedule"])
    settings_from_config(config | {"early_stopping": None})
    if config["early_stopping"] not in (None, "auto"):
        EarlyStopping(config["early_stopping"])


def _check_memory(name: str, shape: tuple[int, ...]) -> None:
    try:
        np.empty(shape)  # reserved, not drawn
    except (ValueError, MemoryError) as error:  # NumPy has a largest shape, too
        raise OutOfMemory(
            f"memory: {name} of shape {shape} needs {8 * prod(shape):,} bytes; use "
            "fewer neurons"
        ) from error


def headline(config: dict[str, Any]) -> str:
    """Return what a configuration trains, in one line."""
    sizes = "-".join(map(str, config["sizes"]))
    members = f"{config['population']} x " if config["population"] else ""
    patience = config["early_stopping"]
    rule = f", early stopping {patience}" if patience else ""
    return (
        f"{members}{sizes} {config['activation']}, {config['loss']}, "
        f"{config['optimizer']}, batch {config['batch_size']}, "
        f"{counted(config['epochs'], 'epoch')}{rule}"
    )


TASK = Task(
    check_config, _rehearse, NetworkJob, ("device", "engine", "epochs", "data_dir")
)
