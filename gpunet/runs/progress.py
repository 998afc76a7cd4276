"""Progress for people: a bar on a terminal, a line an epoch elsewhere."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..training.callbacks import Callback


def brief(value: Any, digits: int = 4) -> str:
    """Return a number, or the mean of the members' numbers, as short text."""
    if isinstance(value, list):
        numbers = [v for v in value if v is not None]
        value = sum(numbers) / len(numbers) if numbers else None
    return "-" if value is None else f"{value:.{digits}f}"


class ProgressBar(Callback):
    """Shows steps done, loss, accuracy and the time left, on standard error."""

    def __init__(self, console: Console | None = None):
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._task: Any = None

    def __reduce__(self):
        return type(self), ()  # a terminal stays where it is

    def on_start(self, trainer):  # noqa: D102
        self._started, self._first = time.perf_counter(), trainer.step
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,  # no thread, whose locks a forked child would inherit
        )
        total, done = trainer.epochs * trainer.steps_per_epoch, trainer.step
        self._task = self._bar.add_task(
            "training", total=total, completed=done, loss=""
        )
        self._bar.start()

    def on_span(self, trainer):  # noqa: D102
        if self._bar is None or trainer.step_in_epoch >= trainer.steps_per_epoch:
            return
        loss = f"loss {brief(trainer.loss_so_far())}" if trainer.compute_metrics else ""
        self._bar.update(
            self._task,
            completed=trainer.step,
            description=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
            loss=loss,
            refresh=True,
        )

    def on_epoch(self, trainer, record):  # noqa: D102
        line = self._line(trainer, record)
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def on_stop(self, trainer):  # noqa: D102
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _line(self, trainer, record) -> str:
        width = len(str(trainer.epochs))
        words = [f"epoch {record['epoch']:>{width}}/{trainer.epochs}"]
        for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
            if record.get(key) is not None:
                label = key.replace("_", " ").replace("accuracy", "acc")
                words.append(f"{label} {brief(record[key])}")
        words.append(f"{record['seconds']:.2f} s")
        spent = time.perf_counter() - self._started
        left = trainer.epochs * trainer.steps_per_epoch - trainer.step
        if left and trainer.step > self._first:
            words.append(f"{spent / (trainer.step - self._first) * left:.0f} s left")
        return "  ".join(words)
