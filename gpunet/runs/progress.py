"""Progress for people: a bar on a terminal, a line an epoch elsewhere."""

import importlib
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..training.callbacks import Callback
from ..training.history import mean_value

_NOTEBOOK_LINES = 12
_BETWEEN_MOVES = 0.25  # seconds, where epochs are shorter than a span


def brief(value: Any, digits: int = 4) -> str:
    """Return a number, or the mean of the members' numbers, as short text."""
    mean = mean_value(value)
    return "-" if mean is None else f"{mean:.{digits}f}"


class ProgressBar(Callback):
    """Shows steps done, loss, accuracy and the time left, on standard error.

    A bar in a terminal and a line an epoch; elsewhere the lines alone. In a notebook
    both are one text that is replaced. `gpunet.fit` shows one by itself in a
    terminal or notebook.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where it is shown.
    interval : float
        Seconds before anything is shown, and between two lines at least; lines in
        between are left out, the last epoch's never.
    """

    def __init__(self, console: Console | None = None, interval: float = 0.0):
        self._console = console or Console(stderr=True)
        self._interval = interval
        self._bar: Progress | None = None
        self._task: Any = None
        self._notebook: _NotebookText | None = None

    def __reduce__(self):
        return type(self), (None, self._interval)  # a terminal stays where it is

    def on_start(self, trainer):  # noqa: D102
        self._started = self._printed = self._moved = time.perf_counter()
        self._first, self._waiting = trainer.step, ""
        if self._console.is_jupyter:
            self._notebook = _NotebookText()
        elif self._interval == 0:
            self._show_bar(trainer)

    def _show_bar(self, trainer) -> None:
        if not self._console.is_terminal or self._bar is not None:
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
        total = trainer.epochs * trainer.steps_per_epoch
        self._task = self._bar.add_task(
            "training", total=total, completed=self._first, loss=""
        )
        self._bar.start()

    def on_span(self, trainer):  # noqa: D102
        too_soon = time.perf_counter() - self._started < self._interval
        if too_soon or trainer.step_in_epoch >= trainer.steps_per_epoch:
            return
        loss = trainer.loss_so_far() if trainer.compute_metrics else None
        self._move(trainer, f"loss {brief(loss)}" if trainer.compute_metrics else "")

    def _move(self, trainer, loss: str) -> None:
        """Let the bar, or the notebook, say how far training is."""
        epoch = f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}"
        if self._notebook is not None:
            done = trainer.step / (trainer.epochs * trainer.steps_per_epoch)
            self._notebook.show(f"{epoch}  {done:4.0%}  {loss}")
        self._show_bar(trainer)
        if self._bar is not None:
            step = trainer.step
            self._bar.update(self._task, completed=step, description=epoch, loss=loss)
            self._bar.refresh()
        self._moved = time.perf_counter()

    def on_epoch(self, trainer, record):  # noqa: D102
        self._waiting = self._line(trainer, record)
        now = time.perf_counter()
        if now - self._printed >= self._interval:
            self._print()
        shown = now - self._started >= self._interval and trainer.epoch < trainer.epochs
        if shown and now - self._moved >= _BETWEEN_MOVES:
            self._move(trainer, "")

    def on_stop(self, trainer):  # noqa: D102
        if self._waiting and time.perf_counter() - self._started >= self._interval:
            self._print()
        if self._notebook is not None:
            self._notebook.show()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self) -> None:
        if self._notebook is not None:
            self._notebook.add(self._waiting)
        else:
            self._console.print(
                self._waiting, highlight=False, markup=False, soft_wrap=True
            )
        self._waiting, self._printed = "", time.perf_counter()

    def _line(self, trainer, record) -> str:
        width = len(str(trainer.epochs))
        words = [f"epoch {record['epoch']:>{width}}/{trainer.epochs}"]
        for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
            if record.get(key) is not None:
                label = key.replace("_", " ").replace("accuracy", "acc")
                words.append(f"{label} {brief(record[key])}")
        rates = record.get("learning_rate")
        if isinstance(rates, list) and None in rates:  # the means are of the others
            learning = len(rates) - rates.count(None)
            words.append(f"{learning} of {len(rates)} learning")
        words.append(f"{record['seconds']:.2f} s")
        spent = time.perf_counter() - self._started
        left = trainer.epochs * trainer.steps_per_epoch - trainer.step
        if left and trainer.step > self._first:
            words.append(f"{spent / (trainer.step - self._first) * left:.0f} s left")
        return "  ".join(words)


class _NotebookText:
    """The newest lines in a notebook's output, replaced in place.

    Plain text, because rich's own display asks for ipywidgets.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._handle: Any = None

    def add(self, line: str) -> None:
        """Keep a line, and show it."""
        self._lines = [*self._lines, line][-_NOTEBOOK_LINES:]
        self.show()

    def show(self, *last: str) -> None:
        """Show the lines that are kept, and one more for now."""
        text = {"text/plain": "\n".join([*self._lines, *last])}
        if not text["text/plain"]:
            return
        if self._handle is None:
            display = importlib.import_module("IPython.display").display
            self._handle = display(text, raw=True, display_id=True)
        else:
            self._handle.update(text, raw=True)
