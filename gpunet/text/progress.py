"""Progress of skip-gram for people: a bar on a terminal, a line an epoch elsewhere."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class SpanBar:
    """Shows words done, loss, words a second and the time left, on standard error."""

    def __init__(self, console: Console | None = None):
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._task: Any = None

    def start(self, trainer: Any) -> None:
        """Begin where the trainer stands."""
        self._started, self._first = time.perf_counter(), trainer.span
        self._trainer = trainer
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("skip-gram"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,  # no thread, whose locks a forked child would inherit
        )
        self._task = self._bar.add_task(
            "", total=trainer.n_spans, completed=trainer.span, loss=""
        )
        self._bar.start()

    def update(self, report: Any) -> None:
        """Show a span that is done."""
        if self._bar:
            loss = f"loss {report.loss:.4f}"
            self._bar.update(
                self._task, completed=self._trainer.span, loss=loss, refresh=True
            )

    def epoch(self, record: dict[str, Any]) -> None:
        """Print the line of an epoch."""
        spent = time.perf_counter() - self._started
        done, total = self._trainer.span, self._trainer.n_spans
        words = [f"epoch {record['epoch']}  loss {record['loss']:.4f}"]
        words.append(f"{record['seconds']:.2f} s")
        if total > done > self._first:
            left = spent / (done - self._first) * (total - done)
            words.append(f"{left:.0f} s left")
        line = "  ".join(words)
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
            self._bar = None
