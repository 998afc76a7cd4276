"""A run on a corpus: skip-gram or language model, in a folder, from where it stood.

The folder is a run folder like those of the digits: config.json, history.jsonl,
checkpoints/, result.json; beside them vectors.safetensors, vectors.txt in
word2vec's format and, of a language model, model.safetensors.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..backend import open_backend
from ..errors import ConfigError, DataError, Interrupted, ModelFileError
from ..io.json_text import write_json
from ..io.messages import file_errors, message, printable
from ..io.reading import open_regular
from ..runs.hints import resume_hint, retry_hint
from ..runs.machine import differences
from ..runs.signals import stop_on_signals
from ..storage import RunFolder
from ..training.engines import check_engine
from .jobs import LanguageRun, SkipGramRun
from .language_model import LanguageSettings
from .skipgram import SkipGramSettings

_COMMON = {
    "corpus": None,  # None: the Shakespeare of the package
    "errors": "strict",
    "lower": True,
    "device": "auto",
    "engine": "auto",
}
_SETTINGS = {"skipgram": SkipGramSettings, "lm": LanguageSettings}
MODELS = tuple(_SETTINGS)
_FREE_ON_RESUME = ("device", "engine")


@dataclass
class Options:
    """How a run is carried out, beside what its configuration says.

    Attributes
    ----------
    folder : path
    resume : bool
        Go on from the newest sound checkpoint, or start where there is none.
    threads : int, optional
        Of a compiled engine.
    say : callable of one str
        Where notes for the user go.
    bar : SpanBar, optional
        Shows the progress of skip-gram.
    callbacks : sequence of Callback
        Of the language model's training.
    given : set of str
        The settings that the user gave, which a resumed run must not contradict.
    command : callable, optional
        As in `gpunet.runs.run.Options`.
    """

    folder: Any
    resume: bool = False
    threads: int | None = None
    say: Callable[[str], None] = print
    bar: Any = None
    callbacks: tuple = ()
    given: set[str] = field(default_factory=set)
    command: Callable[..., str] | None = None


def defaults(model: str) -> dict[str, Any]:
    """Return the configuration of a model of which nothing was said.

    Raises
    ------
    ConfigError
        There is no such model.
    """
    if model not in _SETTINGS:
        raise ConfigError(f"model: {model!r}: choose from {', '.join(MODELS)}")
    own = {"min_count": 5} if model == "skipgram" else {}
    return {"model": model, **_COMMON, **own, **asdict(_SETTINGS[model]())}


def run(config: dict[str, Any], options: Options) -> dict[str, Any]:
    """Carry a configuration out; return its result.

    Parameters
    ----------
    config : dict
        See `defaults`.
    options : Options

    Returns
    -------
    result : dict
        What result.json holds.

    Raises
    ------
    GpunetError
        Whatever cannot work, with its exit code; `Interrupted` after a signal.
    """
    _settings(config)  # refused before a folder is made
    check_engine(config["engine"])
    open_backend(config["device"])
    for path in config["corpus"] or ():
        errors = file_errors("text", path, "check the path", DataError)
        with errors, open_regular(path):
            pass
    with ExitStack() as stack:
        folder = stack.enter_context(RunFolder(options.folder))
        found = _find(folder, options)
        config = _settle(config, found, options)
        backend = open_backend(config["device"])
        note = f" ({backend.note})" if backend.note else ""
        options.say(f"device: {backend.name}{note}")
        job = (SkipGramRun if config["model"] == "skipgram" else LanguageRun)(
            config, _settings(config), backend, options, folder
        )
        options.say(job.headline)
        received = stack.enter_context(stop_on_signals(job.stop))
        write_json(folder.config, config)
        if found is None:
            folder.truncate_history(-1)
        else:
            _resume(job, folder, found, options)
        with retry_hint(config, folder.path, options):
            job.run()
        if not received:
            result = job.finish()
            write_json(folder.path / "result.json", result)
        if received:
            how = resume_hint(folder.path, options, "resume=True")
            raise Interrupted(
                f"training: interrupted: step {job.step} is saved in "
                f"{printable(folder.path)}; {how}",
                received[0],
            )
        return result


def _settings(config: dict[str, Any]) -> Any:
    kind = _SETTINGS[config["model"]]
    return kind(**{f.name: config[f.name] for f in fields(kind)})


def _find(folder: RunFolder, options: Options):
    begun = folder.config.exists() or any(folder.checkpoints.glob("step-*"))
    if not options.resume:
        if begun:
            raise ConfigError(
                f"out: {printable(folder.path)}: holds a run already; choose another "
                f"folder, or {resume_hint(folder.path, options, 'resume=True')}"
            )
        return None
    return folder.newest_checkpoint(warn=lambda text: options.say(f"warning: {text}"))


def _settle(config, found, options) -> dict[str, Any]:
    """Return the configuration that counts: the run's own when resuming."""
    if found is None:
        return config
    path, _, state = found
    old = state.get("config")
    model = old.get("model") if isinstance(old, dict) else None
    if model not in MODELS or old.keys() != defaults(model).keys():
        why, cure = "is of another kind of run", "name the folder of a run on text"
        raise ModelFileError(message("resume", path, why, cure))
    for key in sorted(options.given - set(_FREE_ON_RESUME)):
        if key not in old or config[key] != old[key]:
            raise ConfigError(
                f"resume: {key}: the run was begun with {old.get(key)!r}, now "
                f"{config[key]!r} is asked for; leave the option out, or start a new "
                "run"
            )
    return old | {key: config[key] for key in _FREE_ON_RESUME if key in options.given}


def _resume(job, folder, found, options) -> None:
    path, tensors, state = found
    if state.get("data") != job.more["data"]:
        raise DataError(
            f"resume: {printable(path)}: the run was begun with another text; give "
            "back the one it began with, or start a new run"
        )
    for line in differences(state.get("fingerprint"), job.more["fingerprint"]):
        options.say(f"warning: resume: {line}")
    job.restore(tensors, state, path)
    folder.drop_after(job.step)
    folder.truncate_history(job.step)
    options.say(f"resuming from {printable(path)} (step {job.step})")
