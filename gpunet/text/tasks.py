"""The tasks of a run on a text: word vectors by skip-gram, or a language model.

Their folders also hold vectors.safetensors, vectors.txt in word2vec's format and, of
a language model, model.safetensors.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from ..backend import HostArray, open_backend
from ..data import Dataset
from ..errors import ConfigError, DataError, ModelFileError
from ..io.messages import choices, counted, file_errors, message
from ..io.reading import open_regular
from ..runs.checkpoint import data_digest
from ..runs.recorders import FolderRecorder
from ..runs.run import run_task
from ..runs.task import Checkpoint, Job, RunOptions, Task
from ..training.loop import Trainer
from ..training.settings import check_engine
from .corpus import read_corpus
from .formats import save_text, save_vectors
from .language_model import (
    LanguageModel,
    Text,
    held_out_perplexity,
    language_network,
    language_trainer,
)
from .settings import LanguageSettings, SkipGramSettings
from .skipgram_trainer import SkipGramTrainer
from .vectors import WordVectors
from .vocabulary import Vocabulary, encode_corpus

_COMMON = {
    "corpus": None,  # None: the Shakespeare of the package
    "errors": "strict",
    "lower": True,
    "device": "auto",
    "engine": "auto",
}
_SETTINGS = {"skipgram": SkipGramSettings, "lm": LanguageSettings}
MODELS = tuple(_SETTINGS)
_CHECKPOINT_SECONDS = 60.0


def defaults(model: str) -> dict[str, Any]:
    """Return the default configuration of a model (ConfigError: there is none)."""
    if model not in _SETTINGS:
        raise ConfigError(f"model: {model!r}: {choices(model, MODELS)}")
    rare = {"min_count": 5} if model == "skipgram" else {}
    return {"model": model, **_COMMON, **rare, **asdict(_SETTINGS[model]())}


def run_text(config: dict[str, Any], options: RunOptions) -> dict[str, Any]:
    """Learn from a text (see `defaults`) in a run folder; return its result.json."""
    return run_task(TASK, config, options)[1]


def _check_config(config: Any, where: str) -> dict[str, Any]:
    model = config.get("model") if isinstance(config, dict) else None
    if model not in MODELS or config.keys() != defaults(model).keys():
        raise ConfigError(
            f"{where}: is of another kind of run; name the folder of a run on text"
        )
    return config


def _settings(config: dict[str, Any]) -> Any:
    kind = _SETTINGS[config["model"]]
    return kind(**{item.name: config[item.name] for item in fields(kind)})


def _rehearse(config: dict[str, Any]) -> None:
    _settings(config)
    check_engine(config["engine"])
    open_backend(config["device"])
    for path in config["corpus"] or ():
        errors = file_errors("text", path, "check the path", DataError)
        with errors, open_regular(path):
            pass


class _SpanRecorder(FolderRecorder):
    """Also saves a checkpoint every minute, and never half a span."""

    _saved_at = 0.0

    @staticmethod
    def capture(trainer: Any) -> tuple[dict[str, HostArray], dict[str, Any]]:
        return trainer.state(), {"sums": trainer.sums}

    def on_start(self, trainer):
        super().on_start(trainer)
        self._saved_at = time.perf_counter()

    def on_span(self, trainer):
        if time.perf_counter() - self._saved_at > _CHECKPOINT_SECONDS:
            self.save(trainer)

    def save(self, trainer):
        if trainer.sound:
            super().save(trainer)
            self._saved_at = time.perf_counter()


class _TextJob(Job):
    """What both models share: lines of words, settings, files of vectors."""

    data_settings = "`corpus`"

    def lines(self) -> Iterator[list[str]]:
        config = self.config
        return read_corpus(
            config["corpus"], errors=config["errors"], lower=config["lower"]
        )

    def save_vectors(self, vectors: WordVectors) -> None:
        path = self.folder.path
        save_vectors(path / "vectors.safetensors", vectors, config=self.config)
        save_text(path / "vectors.txt", vectors)


class _SkipGramJob(_TextJob):
    """Spans of words until the epochs are done."""

    recorder = _SpanRecorder

    def read_data(self) -> dict[str, Any]:
        self.settings = s = _settings(self.config)
        self.vocabulary = Vocabulary.build(self.lines(), self.config["min_count"])
        self.corpus = ids, offsets = encode_corpus(self.lines(), self.vocabulary)
        self.options.say(
            f"skip-gram: {len(ids):,} words, {len(self.vocabulary):,} different, "
            f"dim {s.dim}, window {s.window}, {counted(s.epochs, 'epoch')}"
        )
        return {"data": data_digest(Dataset(ids, offsets))}

    def make_trainer(self, engine: str) -> SkipGramTrainer:
        return SkipGramTrainer(
            *self.corpus,
            self.vocabulary.counts,
            self.settings,
            device=self.backend,
            engine=engine,
            threads=self.options.threads,
            callbacks=self.callbacks,
        )

    @property
    def engine(self) -> tuple[str, str]:
        return self.trainer.engine, self.trainer.note

    def restore(self, checkpoint: Checkpoint) -> None:
        path, tensors, state = checkpoint
        try:
            sums = {key: state["sums"][key] for key in self.trainer.sums}
            self.trainer.restore(tensors, state["step"])
        except (KeyError, TypeError, ValueError) as error:
            reason, remedy = f"is of another run ({error})", "start a new run"
            raise ModelFileError(message("checkpoint", path, reason, remedy)) from error
        self.trainer.sums = sums

    def finish(self) -> dict[str, Any]:
        self.save_vectors(WordVectors(self.vocabulary, self.trainer.vectors()))
        epochs = self.folder.read_history()
        speed = self.trainer.words_per_second
        return {
            "model": "skipgram",
            "words": int(self.vocabulary.counts.sum()),
            "vocabulary": len(self.vocabulary),
            "spans": self.step,
            "loss": epochs[-1]["loss"] if epochs else None,
            "words_per_second": None if speed is None else round(speed),
        }


class _LanguageJob(_TextJob):
    """The trainer of every network, on windows of words."""

    def read_data(self) -> dict[str, Any]:
        self.settings = s = _settings(self.config)
        self.text = text = Text(self.lines, s.n_words)
        self.options.say(
            f"language model: {text.validation:,} words, "
            f"{len(text.ids) - text.validation:,} held out, {len(text.vocabulary):,} "
            f"told apart, {s.context} before each, dim {s.dim}, hidden "
            f"{s.hidden}, {counted(s.epochs, 'epoch')}"
        )
        return {"data": data_digest(Dataset(text.ids, text.vocabulary.counts))}

    def make_trainer(self, engine: str) -> Trainer:
        net = language_network(len(self.text.vocabulary), self.settings, self.backend)
        options = {"callbacks": self.callbacks, "engine": engine}
        return language_trainer(net, self.text, self.settings, **options)

    def finish(self) -> dict[str, Any]:
        net, text, settings = self.trainer.net, self.text, self.settings
        result = {
            "model": "lm",
            "words": len(text.ids),
            "vocabulary": len(text.vocabulary),
            "steps": self.step,
            "test_words": len(text.ids) - text.test,
            "test_unknown": text.unknown_share,
            "perplexity": held_out_perplexity(net, text, settings.context),
            **text.baselines(),
        }
        model = LanguageModel(net, text.vocabulary, settings)
        model.save(self.folder.model, step=self.step, result=result)
        self.save_vectors(model.vectors())
        return result


def _make_job(config: dict[str, Any], *context: Any) -> Job:
    kind = _SkipGramJob if config["model"] == "skipgram" else _LanguageJob
    return kind(config, *context)


TASK = Task(_check_config, _rehearse, _make_job, ("device", "engine"))
