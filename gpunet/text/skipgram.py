"""The skip-gram with negative sampling: a vector for each word of a corpus.

A span's draws are made on the host; its batches are stepped by the loop of `pairs`,
on any device, or by the compiled engine of `gpunet.fast.cpu.word_vectors`, with the
same result. Between spans its vectors and one number are all its state.
"""

from math import isfinite
from typing import NamedTuple

import numpy as np

from ..backend import Backend, open_backend
from ..backend.threads import usable_cores, usable_threads
from ..errors import ConfigError, DataError, Diverged
from ..fast.cpu import word_vectors
from ..random import host_rng
from ..training.settings import check_engine
from . import pairs
from .draws import Sampler, SpanWindows
from .settings import SkipGramSettings, check_setting

_REPORTED = 8  # the loss is the mean over one batch in eight


class SpanReport(NamedTuple):
    """The progress after a span."""

    span: int  # spans done
    epoch: float  # epochs done
    words: int  # words read, those left out too
    loss: float  # nats a pair, over one batch in eight of this span
    learning_rate: float  # of the span's last step


class SkipGram:
    """Trains word vectors, a span of about 65,000 words at a time.

    Parameters
    ----------
    ids, offsets : arrays
        The corpus, as of `encode_corpus`.
    counts : array, shape (n_words,)
    engine : "auto", "loop" or "compiled"
    threads : int, optional
        Of the compiled engine, at most the cores this process may use, which None
        uses all. They change the speed and not one bit of the result.

    Attributes
    ----------
    W_in, W_out : arrays, shape (n_words, dim)
    span, n_spans : int
        The next span, and how many the run has.
    engine, note : str
        "loop" or "compiled", and why "auto" chose the loop.

    Raises
    ------
    ConfigError, DataError
        Too few words, no line with two, or no compiled engine.
    """

    def __init__(
        self,
        ids: np.ndarray,
        offsets: np.ndarray,
        counts: np.ndarray,
        settings: SkipGramSettings | None = None,
        *,
        device: str | Backend = "cpu",
        engine: str = "auto",
        threads: int | None = None,
    ):
        self.settings = s = settings or SkipGramSettings()
        if len(counts) <= s.negatives:
            raise ConfigError(
                f"skip-gram: negatives: must be fewer than the {len(counts)} words of "
                f"the vocabulary, got {s.negatives}; use fewer, or more text"
            )
        if np.max(np.diff(offsets), initial=0) < 2:
            raise DataError(
                "corpus: no line has two words of the vocabulary, so there are no "
                "neighbors to learn from; give running text"
            )
        self.backend = open_backend(device)
        work = len(ids) * s.epochs * s.dim * s.window * (1 + s.negatives)
        self.engine, self.note = _choose(engine, self.backend, work, s.dtype)
        self.threads = min(threads, usable_cores()) if threads else usable_threads()
        self._sampler = Sampler(ids, offsets, counts, s)
        self.n_spans = s.epochs * self._sampler.n_spans
        self._shape = (len(counts), s.dim)
        start = host_rng(s.seed, "text", 0).random(self._shape) - 0.5
        self.restore({"W_in": start / s.dim, "W_out": np.zeros(self._shape)}, 0)

    @property
    def done(self) -> bool:
        """Whether every span is trained."""
        return self.span >= self.n_spans

    def words_before(self, span: int) -> int:
        """Return how many words of the corpus, over all epochs, come before a span."""
        ends = self._sampler.ends
        epoch, k = divmod(span, self._sampler.n_spans)
        return int(epoch * ends[-1] + ends[k])

    def train_span(self) -> SpanReport:
        """Train the next span (Diverged: it is no longer finite); return its report."""
        draws = self._sampler.draw(self.span)
        n_windows, size = len(draws.center), self.settings.batch_size
        rates = self._rates(n_windows)
        reported = np.arange(n_windows) // size % _REPORTED == 0
        n_pairs = np.diff(draws.first)[reported].sum() * (1 + self.settings.negatives)
        run = self._compiled if self.engine == "compiled" else self._loop
        with self.backend.use():
            total, xp = run(draws, rates, reported), self.backend.xp
            sums = [total, *(float(xp.sum(W)) for W in (self.W_in, self.W_out))]
        if not all(map(isfinite, sums)):
            raise Diverged(
                f"skip-gram: the vectors are no longer finite after span {self.span}; "
                f"use a learning rate below {self.settings.learning_rate:g}, or a "
                f"batch size below {self.settings.batch_size}"
            )
        self.span += 1
        words = self.words_before(self.span)
        last = float(rates[-1]) if len(rates) else 0.0
        epoch = self.span / self._sampler.n_spans
        loss = total / max(int(n_pairs), 1)
        return SpanReport(self.span, epoch, words, loss, last)

    def _rates(self, n_windows: int) -> np.ndarray:
        """Return the learning rate of each batch of the next span."""
        s, total = self.settings, self.words_before(self.n_spans)
        first, last = (self.words_before(self.span + k) / total for k in (0, 1))
        part = np.arange(0, n_windows, s.batch_size) / max(n_windows, 1)
        done = first + (last - first) * part
        rates = s.learning_rate + (s.min_learning_rate - s.learning_rate) * done
        return rates.astype(s.dtype)

    def _compiled(
        self, draws: SpanWindows, rates: np.ndarray, reported: np.ndarray
    ) -> float:
        """Return the sum of the losses of the reported windows."""
        size, tables = self.settings.batch_size, (self.W_in, self.W_out)
        losses = word_vectors.train_span(draws, rates, size, *tables, self.threads)
        return float(losses[reported].sum())

    def _loop(
        self, draws: SpanWindows, rates: np.ndarray, reported: np.ndarray
    ) -> float:
        """Do the same by `pairs`, on any device."""
        bk, size, losses = self.backend, self.settings.batch_size, []
        host, first = pairs.lay_out(draws)
        span = pairs.on_device(host, bk)
        for rate, lo in zip(rates, range(0, len(reported), size), strict=True):
            batch = pairs.batch_of(span, first, lo, min(lo + size, len(reported)))
            with_loss = bool(reported[lo])
            loss = pairs.step(self.W_in, self.W_out, batch, float(rate), with_loss)
            losses += [loss] if with_loss else []
        return sum(float(bk.to_host(loss)) for loss in losses)

    def state(self) -> dict[str, np.ndarray]:
        """Return host copies of the vectors; with `span` they are the whole state."""
        return {
            "W_in": np.array(self.backend.to_host(self.W_in)),
            "W_out": np.array(self.backend.to_host(self.W_out)),
        }

    def restore(self, arrays: dict[str, np.ndarray], span: int) -> None:
        """Return to a state, before span number `span` (ConfigError: no such one)."""
        shape, last, dtype = self._shape, self.n_spans, self.settings.dtype
        for name in ("W_in", "W_out"):
            actual = np.shape(arrays[name])
            check_setting(
                actual == shape, f"skip-gram: {name}", f"shape {shape}", actual
            )
        check_setting(0 <= span <= last, "skip-gram: span", f"0 to {last}", span)
        self.W_in = self.backend.array(arrays["W_in"], dtype)
        self.W_out = self.backend.array(arrays["W_out"], dtype)
        self.span = span

    def vectors(self) -> np.ndarray:
        """Return the words' vectors on the host, shape (n_words, dim), float32."""
        return np.array(self.backend.to_host(self.W_in), np.float32)


_LOOP_SECONDS = 2.4e-9  # for a unit of work: 140,000 words a second by default


def _choose(engine: str, bk: Backend, work: int, dtype: str) -> tuple[str, str]:
    """Return ("loop" or "compiled", why "auto" chose the loop).

    The work is counted in words times dim times window times outputs.
    """
    check_engine(engine)
    if engine == "loop":
        return engine, ""
    note = f"there is none for {bk.name}"
    if bk.name == "cpu":
        note = word_vectors.missing()
    if engine == "compiled" and note:
        raise ConfigError(f"engine: compiled: {note}; use engine auto or loop")
    if engine == "auto" and not note:
        wait = word_vectors.seconds_until_ready(dtype)
        if _LOOP_SECONDS * work < wait:
            note = f"the run is short; compiling ({wait:.0f} s) would not pay"
    return "loop" if note else "compiled", note
