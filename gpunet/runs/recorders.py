"""Callbacks that write: checkpoints, the best network, history and log."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WriteError
from ..storage import HistoryFile, RunFolder, network_to_config, write_tensors
from ..training.callbacks import Callback
from ..training.loop import Trainer
from .checkpoint import capture

if TYPE_CHECKING:
    from .task import RunOptions


class EventLog(Callback):
    """Writes what happens to a file, one JSON object a line, at once.

    Events: progress (step, loss so far), epoch (its record), saved (step,
    path), stopped (step, why).
    """

    def __init__(self, path: Any):
        self._file = HistoryFile(Path(path))
        self._file.open()

    def write(self, event: str, **record: Any) -> None:
        """Append one event."""
        self._file.append({"event": event, **record})

    def on_span(self, trainer):  # noqa: D102
        if trainer.compute_metrics and trainer.step_in_epoch < trainer.steps_per_epoch:
            self.write("progress", step=trainer.step, loss=trainer.loss_so_far())

    def on_epoch(self, trainer, record):  # noqa: D102
        self.write("epoch", **record)

    def on_stop(self, trainer):  # noqa: D102
        self.write("stopped", step=trainer.step, why=trainer.history.outcome)


class FolderRecorder(Callback):
    """Keeps a run folder: history, checkpoints and the best network.

    A checkpoint, which keeps `details`, is written after every epoch, after every
    so many steps if asked for, and when training ends, whatever ended it.
    """

    capture = staticmethod(capture)  # trainer -> (tensors, state) of a checkpoint

    def __init__(
        self,
        folder: RunFolder,
        details: dict[str, Any],
        options: "RunOptions",
        log: EventLog | None,
    ):
        self.folder, self._details, self._options = folder, details, options
        self.every_steps, self._log = options.checkpoint_every_steps, log
        self._saved_step = self._written_step = -1
        self._best: list[Any] = []

    def on_start(self, trainer):  # noqa: D102
        if isinstance(trainer, Trainer):
            self._best = list(trainer.best.state["loss"])
        self._saved_step = trainer.step or -1
        self._written_step = trainer.step

    def on_epoch(self, trainer, record):  # noqa: D102
        self._write(lambda: self.folder.append_history(record))
        self._written_step = trainer.step
        if isinstance(trainer, Trainer) and trainer.best.state["loss"] != self._best:
            self._best = list(trainer.best.state["loss"])
            self._write(lambda: self._save_best(trainer))
        self.save(trainer)

    def on_pause(self, trainer):  # noqa: D102
        self.save(trainer)

    def on_stop(self, trainer):  # noqa: D102
        if isinstance(trainer, Trainer):
            last = trainer.history.last
            if last.get("step", -1) > self._written_step:  # a callback raised before us
                self.on_epoch(trainer, last)
        self.save(trainer)

    def save(self, trainer: Any) -> None:
        """Write a checkpoint, unless this step has one."""
        if trainer.step != self._saved_step:
            self._write(lambda: self._save(trainer))

    def _save(self, trainer) -> None:
        tensors, state = self.capture(trainer)
        path = self.folder.save_checkpoint(
            trainer.step, tensors, self._details | state, self._options.keep
        )
        self._saved_step = trainer.step
        if self._log:
            self._log.write("saved", step=trainer.step, path=str(path))

    def _save_best(self, trainer) -> None:
        to_host, best = trainer.net.backend.to_host, trainer.best
        state = {
            "kind": "model",
            "network": network_to_config(trainer.net),
            "step": trainer.step,
            "best": best.state,
        }
        if "table" in self._details:
            state["table"] = self._details["table"]
        tensors = {name: to_host(p) for name, p in best.params.items()}
        write_tensors(self.folder.best, tensors, state)

    def _write(self, action: Callable[[], None]) -> None:
        try:
            action()
        except WriteError as error:
            if self._options.on_write_error == "stop":
                raise
            print(f"gpunet: warning: {error}", file=sys.stderr)
