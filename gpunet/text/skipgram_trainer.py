"""Runs the spans of a skip-gram to their end, with callbacks like a Trainer's."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend import Backend
from ..training.callbacks import Callback
from ..training.history import History
from .settings import SkipGramSettings
from .skipgram import SkipGram, SpanReport
from .vocabulary import Vocabulary

_NO_SUMS = {"loss": 0.0, "spans": 0, "seconds": 0.0}


class SkipGramTrainer(SkipGram):
    """A SkipGram that callbacks are told of, whose step is a span."""

    compute_metrics = True  # the loss is computed while training

    def __init__(
        self, *corpus: Any, callbacks: Sequence[Callback] = (), **options: Any
    ):
        super().__init__(*corpus, **options)
        self.epochs = self.settings.epochs
        self.steps_per_epoch = self.n_spans // self.epochs
        self.callbacks, self.history = tuple(callbacks), History()
        self.sums = dict(_NO_SUMS)  # of the spans of this epoch
        self.sound = True  # not inside a span, nor after one that failed
        self._seconds, self._words = 0.0, 0

    def run(self) -> None:
        """Train to the end, or to the span in which a stop was asked for."""
        self._tell("on_start")
        try:
            while not (self.done or self.history.outcome):
                started, self.sound = time.perf_counter(), False
                report = self.train_span()
                self.sound = True
                self._add(report, time.perf_counter() - started)
                if self.step_in_epoch:
                    self._tell("on_span")
                else:
                    self._end_epoch(report)
            self.stop("all epochs done")
        finally:
            self.stop("stopped by an error")
            self._tell("on_stop")

    def stop(self, reason: str) -> None:
        """Ask for an end after the current span."""
        self.history.outcome = self.history.outcome or reason

    def _tell(self, event: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *args)

    def _add(self, report: SpanReport, seconds: float) -> None:
        self.sums["loss"] += report.loss
        self.sums["spans"] += 1
        self.sums["seconds"] += seconds
        self._seconds += seconds
        self._words += report.words - self.words_before(self.span - 1)

    def _end_epoch(self, report: SpanReport) -> None:
        record = {
            "epoch": self.epoch,
            "step": self.span,
            "loss": float(f"{self.loss_so_far():.7g}"),
            "learning_rate": report.learning_rate,
            "seconds": round(self.sums["seconds"], 4),
        }
        self.sums = dict(_NO_SUMS)
        self._tell("on_epoch", record)

    @property
    def step(self) -> int:
        """Spans done, which the files of a run call steps."""
        return self.span

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.span // self.steps_per_epoch

    @property
    def step_in_epoch(self) -> int:
        """Spans done in this epoch."""
        return self.span % self.steps_per_epoch

    def loss_so_far(self) -> float:
        """Return the mean loss of this epoch's spans."""
        return self.sums["loss"] / max(self.sums["spans"], 1)

    @property
    def words_per_second(self) -> float | None:
        """The speed of `run`, or None before it."""
        return self._words / self._seconds if self._seconds else None


def train_skipgram(
    ids: np.ndarray,
    offsets: np.ndarray,
    vocabulary: Vocabulary,
    *,
    device: str | Backend = "cpu",
    engine: str = "auto",
    threads: int | None = None,
    on_span: Callable[[SpanReport], None] | None = None,
    **settings: Any,
) -> tuple[np.ndarray, list[SpanReport]]:
    """Return the vectors of a vocabulary's words, learned from a corpus.

    Parameters
    ----------
    ids, offsets, device, engine, threads
        As of `SkipGram`.
    on_span : callable, optional
        Called after each span.
    **settings
        As of `SkipGramSettings`.

    Returns
    -------
    W_in : array, shape (n_words, dim), float32
    reports : list of SpanReport

    Examples
    --------
    >>> from gpunet.text import Vocabulary, encode_corpus
    >>> lines = [["fair", "is", "foul"], ["foul", "is", "fair"]] * 5
    >>> words = Vocabulary.build(lines)
    >>> corpus = encode_corpus(lines, words)
    >>> W, reports = train_skipgram(*corpus, words, dim=4, negatives=2, engine="loop")
    >>> W.shape, len(reports)
    ((3, 4), 5)
    """
    trainer = SkipGram(
        ids,
        offsets,
        vocabulary.counts,
        SkipGramSettings(**settings),
        device=device,
        engine=engine,
        threads=threads,
    )
    reports = []
    while not trainer.done:
        reports.append(trainer.train_span())
        if on_span is not None:
            on_span(reports[-1])
    return trainer.vectors(), reports
