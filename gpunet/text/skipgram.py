"""The skip-gram with negative sampling: a vector for each word of a corpus.

The trainer goes through the corpus span by span. A span's draws are made on the
host; its batches are stepped by the loop of `pairs`, on any device, or by the
compiled engine of `gpunet.fast.cpu.word_vectors`, with the same result. Between spans
it can be saved and continued bit for bit: its vectors and one number are all its state.
"""

import time
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from ..backend import Backend, open_backend
from ..backend.threads import usable_cores, usable_threads
from ..errors import ConfigError, DataError, Diverged
from ..fast.cpu import word_vectors
from ..random import host_rng
from ..training.settings import check_engine
from . import pairs
from .draws import Sampler

_NO_SUMS = {"loss": 0.0, "spans": 0, "seconds": 0.0}
_REPORTED = 8  # the loss is the mean over one batch in eight


@dataclass(frozen=True)
class SkipGramSettings:
    """How a skip-gram is trained; the defaults are word2vec's.

    Parameters
    ----------
    dim : int
        Numbers a word.
    window : int
        The farthest neighbor; each window reaches 1 to `window` words.
    negatives : int
        Words drawn against the word of each window.
    sample : float
        How frequent a word must be to be left out at times; 0 keeps all.
    epochs : int
    learning_rate, min_learning_rate : float
        At the start and at the end, linear between.
    batch_size : int
        Windows a step. Their gradients are added, not averaged.
    seed : int
    dtype : "float32" or "float64"

    Raises
    ------
    ConfigError
        A number is out of its range.
    """

    dim: int = 100
    window: int = 5
    negatives: int = 5
    sample: float = 1e-3
    epochs: int = 5
    learning_rate: float = 0.025
    min_learning_rate: float = 1e-4
    batch_size: int = 128
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self):
        least = dict.fromkeys(("dim", "window", "negatives", "epochs", "batch_size"), 1)
        for name, low in (least | {"seed": 0}).items():
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value < 2**31:
                _refuse(name, f"a whole number from {low} to 2^31", value)
        rate, last = self.learning_rate, self.min_learning_rate
        if not (isfinite(rate) and rate > 0):
            _refuse("learning_rate", "a finite number above 0", rate)
        if not 0 <= last <= rate:
            _refuse("min_learning_rate", f"0 to the learning rate, {rate:g}", last)
        if not (isfinite(self.sample) and self.sample >= 0):
            _refuse("sample", "a finite number of at least 0", self.sample)
        if self.dtype not in ("float32", "float64"):
            _refuse("dtype", "float32 or float64", self.dtype)


def _refuse(name: str, expected: str, got: Any) -> None:
    raise ConfigError(f"skip-gram: {name}: expected {expected}, got {got!r:.40}")


class SpanReport(NamedTuple):
    """What a span was like.

    Attributes
    ----------
    span : int
        Spans done.
    epoch : float
        Epochs done.
    words : int
        Words read, those left out too.
    loss : float
        Nats a pair, over one batch in eight of this span.
    learning_rate : float
        Of the span's last step.
    """

    span: int
    epoch: float
    words: int
    loss: float
    learning_rate: float


class SkipGram:
    """Trains word vectors, a span of about 65,000 words at a time.

    Parameters
    ----------
    ids, offsets : arrays
        The corpus, as of `encode_corpus`.
    counts : array, shape (n_words,)
    settings : SkipGramSettings
    device : str or Backend
    engine : "auto", "loop" or "compiled"
    threads : int, optional
        Of the compiled engine, at most the cores this process may use, which None
        takes all. They change the speed and not one bit of the result.
    callbacks : sequence of Callback
        Told of spans and epochs by `run`.

    Attributes
    ----------
    W_in, W_out : arrays, shape (n_words, dim)
    span, n_spans : int
        The next span, and how many the run has.
    engine, note : str
        "loop" or "compiled", and why "auto" took the loop.
    sums : dict
        Of the spans of this epoch: loss, spans, seconds.
    sound : bool
        False inside a span, and for ever after one that failed.

    Raises
    ------
    ConfigError
        Not more words than negatives, or no compiled engine where it is asked for.
    DataError
        No word has a neighbor in its line.
    """

    compute_metrics = True  # the loss is computed while training

    def __init__(
        self, ids, offsets, counts, settings=None, *, device="cpu", engine="auto",
        threads=None, callbacks=(),
    ):  # fmt: skip
        self.settings = s = settings or SkipGramSettings()
        if len(counts) <= s.negatives:
            raise ConfigError(
                f"skip-gram: negatives: expected fewer than the {len(counts)} words of "
                f"the vocabulary, got {s.negatives}; take fewer, or more text"
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
        self._sampler = Sampler(
            ids, offsets, counts, window=s.window, negatives=s.negatives,
            sample=s.sample, seed=s.seed,
        )  # fmt: skip
        self.epochs, self.steps_per_epoch = s.epochs, self._sampler.n_spans
        self.n_spans = s.epochs * self.steps_per_epoch
        self.callbacks, self.sums = tuple(callbacks), dict(_NO_SUMS)
        self.span, self._stop_reason, self._seconds, self._words = 0, "", 0.0, 0
        shape = (len(counts), s.dim)
        start = host_rng(s.seed, "text", 0).random(shape) - 0.5
        self.restore({"W_in": start / s.dim, "W_out": np.zeros(shape)}, 0)

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
        """Train the next span; return what it was like.

        Raises
        ------
        Diverged
            The loss or a vector is no longer finite.
        """
        self.sound = False
        draws = self._sampler.draw(self.span)
        rates = self._rates(len(draws.center))
        run = self._compiled if self.engine == "compiled" else self._loop
        with self.backend.use():
            total, n_pairs = run(draws, rates)
            whole = all(
                isfinite(float(self.backend.xp.sum(W))) for W in (self.W_in, self.W_out)
            )
        if not (whole and isfinite(total)):
            raise Diverged(
                f"skip-gram: the vectors are no longer finite after span {self.span}; "
                f"take a learning rate below {self.settings.learning_rate:g}, or a "
                f"batch size below {self.settings.batch_size}"
            )
        self.span, self.sound = self.span + 1, True
        words = self.words_before(self.span)
        last = float(rates[-1]) if len(rates) else 0.0
        epoch = self.span / self._sampler.n_spans
        return SpanReport(self.span, epoch, words, total / max(n_pairs, 1), last)

    def run(self) -> None:
        """Train to the end, or to the span in which a stop was asked for."""
        self._tell("on_start")
        try:
            while not (self.done or self._stop_reason):
                started = time.perf_counter()
                report = self.train_span()
                self._add(report, time.perf_counter() - started)
                if self.step_in_epoch:
                    self._tell("on_span")
                else:
                    self._end_epoch(report)
        finally:
            self._tell("on_stop")

    def stop(self, reason: str) -> None:
        """Ask for an end after the current span."""
        self._stop_reason = self._stop_reason or reason

    def _tell(self, event, *args):
        for callback in self.callbacks:
            getattr(callback, event)(self, *args)

    def _add(self, report, seconds):
        for name, value in (("loss", report.loss), ("spans", 1), ("seconds", seconds)):
            self.sums[name] += value
        self._seconds += seconds
        self._words += report.words - self.words_before(self.span - 1)

    def _end_epoch(self, report):
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

    def _rates(self, n_windows):
        """Return the learning rate of each batch of the next span."""
        s, total = self.settings, self.words_before(self.n_spans)
        begin, end = (self.words_before(self.span + k) / total for k in (0, 1))
        part = np.arange(0, n_windows, s.batch_size) / max(n_windows, 1)
        done = begin + (end - begin) * part
        rates = s.learning_rate + (s.min_learning_rate - s.learning_rate) * done
        return rates.astype(s.dtype)

    def _compiled(self, draws, rates):
        """Return the sum of the reported batches' losses, and of how many pairs."""
        size = self.settings.batch_size
        losses = word_vectors.train_span(
            draws, rates, size, self.W_in, self.W_out, self.threads
        )
        reported = np.arange(len(losses)) // size % _REPORTED == 0
        n_pairs = int(np.diff(draws.first)[reported].sum())
        return float(losses[reported].sum()), n_pairs * (1 + self.settings.negatives)

    def _loop(self, draws, rates):
        """Do the same with the lines of `pairs`, on any device."""
        bk, size, n = self.backend, self.settings.batch_size, len(draws.center)
        host, first = pairs.lay_out(draws)
        span, sums, n_pairs = pairs.on_device(host, bk), [], 0
        for b, rate in enumerate(rates):
            lo, hi = b * size, min((b + 1) * size, n)
            batch = pairs.batch_of(span, first, lo, hi)
            reported = b % _REPORTED == 0
            loss = pairs.step(self.W_in, self.W_out, batch, float(rate), reported)
            if reported:
                sums.append(loss)
                n_pairs += int(first[hi] - first[lo])
        total = sum(float(bk.to_host(x)) for x in sums)
        return total, n_pairs * (1 + self.settings.negatives)

    def state(self) -> dict[str, np.ndarray]:
        """Return host copies of the vectors; with `span` they are the whole state."""
        return {
            "W_in": np.array(self.backend.to_host(self.W_in)),
            "W_out": np.array(self.backend.to_host(self.W_out)),
        }

    def restore(self, arrays: dict[str, np.ndarray], span: int) -> None:
        """Go on from a state, before span number `span`.

        Raises
        ------
        ConfigError
            The arrays do not fit the vocabulary and dim, or there is no such span.
        """
        n_words = len(self._sampler.counts)
        for name in ("W_in", "W_out"):
            if np.shape(arrays[name]) != (n_words, self.settings.dim):
                wanted = f"shape ({n_words}, {self.settings.dim})"
                _refuse(name, wanted, np.shape(arrays[name]))
        if not 0 <= span <= self.n_spans:
            _refuse("span", f"0 to {self.n_spans}", span)
        dtype = self.settings.dtype
        self.W_in = self.backend.array(arrays["W_in"], dtype)
        self.W_out = self.backend.array(arrays["W_out"], dtype)
        self.span = span
        self.sound = True

    def vectors(self) -> np.ndarray:
        """Return the words' vectors on the host, shape (n_words, dim), float32."""
        return np.array(self.backend.to_host(self.W_in), np.float32)


_LOOP_SECONDS = 2.4e-9  # for a unit of work: 140,000 words a second by default


def _choose(engine: str, bk: Backend, work: int, dtype: str) -> tuple[str, str]:
    """Return ("loop" or "compiled", why "auto" took the loop).

    The work is counted in words times dim times window times outputs.
    """
    check_engine(engine)
    why = word_vectors.missing() if bk.name == "cpu" else f"there is none for {bk.name}"
    if engine == "compiled" and why:
        raise ConfigError(f"engine: compiled: {why}; take engine auto or loop")
    if engine == "auto" and not why:
        wait = word_vectors.seconds_until_ready(dtype)
        if _LOOP_SECONDS * work < wait:
            why = f"the run is short; compiling ({wait:.0f} s) would not pay"
    if engine == "loop" or why:
        return "loop", why if engine == "auto" else ""
    return "compiled", ""


def train_skipgram(
    ids, offsets, vocabulary, *, device="cpu", engine="auto", threads=None,
    on_span=None, **settings: Any,
) -> tuple[np.ndarray, list[SpanReport]]:  # fmt: skip
    """Return the vectors of a vocabulary's words, learned from a corpus.

    Parameters
    ----------
    ids, offsets : arrays
        As of `encode_corpus`.
    vocabulary : Vocabulary
    device, engine, threads
        As of `SkipGram`.
    on_span : callable, optional
        Called with a SpanReport after each span.
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
    options = {"device": device, "engine": engine, "threads": threads}
    settings_ = SkipGramSettings(**settings)
    trainer = SkipGram(ids, offsets, vocabulary.counts, settings_, **options)
    reports = []
    while not trainer.done:
        reports.append(trainer.train_span())
        if on_span is not None:
            on_span(reports[-1])
    return trainer.vectors(), reports
