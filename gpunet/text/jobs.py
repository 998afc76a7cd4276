"""The two kinds of run on a corpus: what each reads, trains, saves and reports."""

import time
from typing import Any

from ..data import Dataset
from ..errors import ModelFileError
from ..io.messages import message
from ..runs.checkpoint import data_digest, history_from, restore
from ..runs.machine import fingerprint
from ..runs.recorders import FolderRecorder
from .corpus import read_corpus
from .formats import save_text, save_vectors
from .language_model import (
    LanguageModel,
    Text,
    held_out_perplexity,
    language_network,
    language_trainer,
)
from .skipgram import SkipGram
from .vectors import WordVectors
from .vocabulary import Vocabulary, encode_corpus

_CHECKPOINT_SECONDS = 60.0


class Run:
    """What both kinds of run have: a configuration, a folder, a wish to stop."""

    def __init__(self, config, settings, backend, options, folder):
        self.config, self.settings = config, settings
        self.backend, self.options, self.folder = backend, options, folder
        self.more = {"config": config}

    def lines(self):
        """Return the corpus anew, as lines of words."""
        c = self.config
        return read_corpus(c["corpus"], errors=c["errors"], lower=c["lower"])

    def save_vectors(self, vectors: WordVectors) -> None:
        """Write the vectors in both formats."""
        about = {"config": self.config}
        save_vectors(self.folder.path / "vectors.safetensors", vectors, **about)
        save_text(self.folder.path / "vectors.txt", vectors)


class SkipGramRun(Run):
    """Skip-gram: spans of words until the epochs are done."""

    def __init__(self, config, settings, backend, options, folder):
        super().__init__(config, settings, backend, options, folder)
        self.vocabulary = Vocabulary.build(self.lines(), config["min_count"])
        ids, offsets = encode_corpus(self.lines(), self.vocabulary)
        self.more["data"] = data_digest(Dataset(ids, offsets))
        self.trainer = SkipGram(
            ids,
            offsets,
            self.vocabulary.counts,
            self.settings,
            device=backend,
            engine=config["engine"],
            threads=options.threads,
        )
        self.more["fingerprint"] = fingerprint(backend, self.trainer.engine)
        self.headline = (
            f"skip-gram: {len(ids):,} words, {len(self.vocabulary):,} different, "
            f"dim {self.settings.dim}, window {self.settings.window}, "
            f"{self.settings.epochs} epochs, engine {self.trainer.engine}"
        )
        if self.trainer.note:
            self.headline += f" ({self.trainer.note})"
        self._sums = {"loss": 0.0, "spans": 0, "seconds": 0.0}
        self._why, self._saved, self._seconds, self._first = "", -1, 0.0, 0

    @property
    def step(self) -> int:
        """Spans done."""
        return self.trainer.span

    def stop(self, why: str) -> None:
        """Ask for an end after the current span."""
        self._why = why

    def restore(self, tensors, state, path) -> None:
        """Go back to where a checkpoint stood."""
        try:
            self._sums = {key: state["sums"][key] for key in self._sums}
            self.trainer.restore(tensors, state["step"])
        except (KeyError, TypeError, ValueError) as error:
            why, cure = f"is of another run ({error})", "start a new run"
            raise ModelFileError(message("checkpoint", path, why, cure)) from error
        self._first = self._saved = self.step

    def run(self) -> None:
        """Train to the end, or to the span in which a stop was asked for."""
        job, bar, written = self.trainer, self.options.bar, time.perf_counter()
        if bar:
            bar.start(job)
        try:
            while not (job.done or self._why):
                report = self._span()
                ended = job.span % (job.n_spans // self.settings.epochs) == 0
                if ended:
                    self._end_epoch(report)
                if ended or time.perf_counter() - written > _CHECKPOINT_SECONDS:
                    self._save()
                    written = time.perf_counter()
            self._save()
        finally:
            if bar:
                bar.stop()

    def _span(self):
        started = time.perf_counter()
        report = self.trainer.train_span()
        spent = time.perf_counter() - started
        self._seconds += spent
        for name, value in (("loss", report.loss), ("spans", 1), ("seconds", spent)):
            self._sums[name] += value
        if self.options.bar:
            self.options.bar.update(report)
        return report

    def _end_epoch(self, report) -> None:
        sums, self._sums = self._sums, dict.fromkeys(self._sums, 0)
        record = {
            "epoch": self.step * self.settings.epochs // self.trainer.n_spans,
            "step": self.step,
            "loss": float(f"{sums['loss'] / sums['spans']:.7g}"),
            "learning_rate": report.learning_rate,
            "seconds": round(sums["seconds"], 4),
        }
        self.folder.append_history(record)
        self._record = record
        if self.options.bar:
            self.options.bar.epoch(record)

    def _save(self) -> None:
        if self.step == self._saved:
            return
        state = {**self.more, "sums": self._sums}
        self.folder.save_checkpoint(self.step, self.trainer.state(), state)
        self._saved = self.step

    def finish(self) -> dict[str, Any]:
        """Write the vectors; return the result."""
        self.save_vectors(WordVectors(self.vocabulary, self.trainer.vectors()))
        job = self.trainer
        n = job.words_before(self.step) - job.words_before(self._first)
        last = self.folder.read_history()
        return {
            "model": "skipgram",
            "words": int(self.vocabulary.counts.sum()),
            "vocabulary": len(self.vocabulary),
            "spans": self.step,
            "loss": last[-1]["loss"] if last else None,
            "words_per_second": round(n / self._seconds) if self._seconds else None,
        }


class LanguageRun(Run):
    """A language model: the trainer of the lesson, on windows of words."""

    def __init__(self, config, settings, backend, options, folder):
        super().__init__(config, settings, backend, options, folder)
        self.text = text = Text(self.lines, settings.n_words)
        net = language_network(len(text.vocabulary), settings, backend)
        self.more["data"] = data_digest(Dataset(text.ids, text.vocabulary.counts))
        recorder = FolderRecorder(folder, self.more)
        self.trainer = language_trainer(
            net,
            text,
            settings,
            callbacks=[*options.callbacks, recorder],
            engine=config["engine"],
        )
        self.more["fingerprint"] = fingerprint(backend, self.trainer.engine.name)
        self.headline = (
            f"language model: {text.validation:,} words, "
            f"{len(text.ids) - text.validation:,} held out, {len(text.vocabulary):,} "
            f"told apart, {settings.context} before each, dim {settings.dim}, hidden "
            f"{settings.hidden}, {settings.epochs} epochs"
        )
        self.stop = self.trainer.stop

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trainer.step

    def restore(self, tensors, state, path) -> None:
        """Go back to where a checkpoint stood."""
        restore(self.trainer, tensors, state, path)
        history_from(self.folder.read_history(self.trainer.step), self.trainer)

    def run(self) -> None:
        """Train to the end, or to the step in which a stop was asked for."""
        self.trainer.run()

    def finish(self) -> dict[str, Any]:
        """Score the held-out text; write the model and its vectors."""
        net, text, settings = self.trainer.net, self.text, self.settings
        result = {
            "model": "lm",
            "words": len(text.ids),
            "vocabulary": len(text.vocabulary),
            "steps": self.step,
            "test_words": len(text.ids) - text.test,
            "test_unknown": text.unknown_share,
            "perplexity": held_out_perplexity(net, text, settings.context),
            **text.yardsticks(),
        }
        model = LanguageModel(net, text.vocabulary, settings)
        model.save(self.folder.model, step=self.step, result=result)
        self.save_vectors(model.vectors())
        return result
