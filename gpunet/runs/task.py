"""What a run is given: its options, and the task that says what is trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import Backend, HostArray
from ..errors import ConfigError
from ..storage import RunFolder
from ..training.callbacks import Callback
from .checkpoint import history_from, restore
from .recorders import EventLog, FolderRecorder


@dataclass
class RunOptions:
    """How a run is carried out, beside what its configuration says.

    Attributes
    ----------
    resume : None, "auto" or path
        Resume from the newest sound checkpoint of the folder (or start, if it
        has none), or from that checkpoint file or run folder.
    strict_resume : bool
        Refuse to resume with another library version, device or thread count.
    keep : int
        Checkpoints to keep.
    on_write_error : "stop" or "warn"
        Whether a disk that is full ends the run.
    log : path, optional
        See `EventLog`.
    threads : int, optional
        Of the compiled engine of word vectors.
    say : callable of one str
        Where notes for the user go.
    given : set of str
        The settings that the user gave, which a resumed run must not contradict.
    command : callable, optional
        command(folder) is what resumes the run when typed, and command(folder,
        rates) what starts it anew with other learning rates; messages name them.
    """

    folder: Any
    resume: Any = None
    strict_resume: bool = False
    max_steps: int | None = None
    checkpoint_every_steps: int | None = None
    keep: int = 2
    on_write_error: str = "stop"
    log: Any = None
    threads: int | None = None
    callbacks: Sequence[Callback] = ()
    say: Callable[[str], None] = print
    given: set[str] = field(default_factory=set)
    command: Callable[..., str] | None = None


class Checkpoint(NamedTuple):
    """A checkpoint that was read: where from, its tensors and the rest."""

    path: Path
    tensors: dict[str, HostArray]
    state: dict[str, Any]


class Job:
    """What a task makes of a configuration: everything that one run needs.

    A subclass reads its data, makes its trainer, and says how its work is saved.

    Parameters
    ----------
    engine : str
        As asked for, or that of the checkpoint, which may be missing here.

    Attributes
    ----------
    details : dict
        What every checkpoint keeps: config, data digest, fingerprint.
    trainer : object with `step`, `stop`, `run`, such as a Trainer
    """

    data_settings = "`data` and `data_dir`"  # that name the data
    recorder = FolderRecorder
    trainer: Any

    def __init__(
        self,
        config: dict[str, Any],
        backend: Backend,
        folder: RunFolder,
        options: RunOptions,
        engine: str,
    ):
        self.config, self.backend, self.folder = config, backend, folder
        self.options = options
        data = self.read_data()
        self.details: dict[str, Any] = {"config": self.config, **data}
        log = EventLog(options.log) if options.log else None
        recorder = self.recorder(
            folder,
            self.details,
            every_steps=options.checkpoint_every_steps,
            keep=options.keep,
            on_write_error=options.on_write_error,
            log=log,
        )
        self.callbacks = [*options.callbacks, recorder, *([log] if log else [])]
        try:
            self.trainer = self.make_trainer(engine)
        except ConfigError:
            if engine == self.config["engine"]:
                raise
            self.trainer = self.make_trainer(self.config["engine"])

    def read_data(self) -> dict[str, Any]:
        """Read the data, complete `config`; return what checkpoints keep of them."""
        raise NotImplementedError

    def make_trainer(self, engine: str) -> Any:
        """Return a new trainer (ConfigError: this engine is missing)."""
        raise NotImplementedError

    @property
    def engine(self) -> tuple[str, str]:
        """What takes the steps, and why no faster one does."""
        return self.trainer.engine.name, self.trainer.engine.note

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trainer.step

    def restore(self, checkpoint: Checkpoint) -> None:
        """Return to where a checkpoint was made (ModelFileError: it does not fit)."""
        path, tensors, state = checkpoint
        restore(self.trainer, tensors, state, path)
        history_from(self.folder.read_history(self.step), self.trainer)

    def run(self) -> None:
        """Train to the end, or until a stop was asked for."""
        self.trainer.run()

    def finish(self) -> dict[str, Any]:
        """Save what was trained; return what result.json holds."""
        raise NotImplementedError


class Task(NamedTuple):
    """A kind of run.

    Attributes
    ----------
    check_config : callable (config, where) -> config
        Fills in the defaults; a ConfigError names the wrong setting.
    rehearse : callable of a config
        Refuses what cannot work before a folder is made or data are read.
    make_job : callable
        Of the parameters of `Job`.
    free_on_resume : tuple of str
        Settings that may differ between a run and its continuation.
    """

    check_config: Callable[[Any, str], dict[str, Any]]
    rehearse: Callable[[dict[str, Any]], None]
    make_job: Callable[[dict[str, Any], Backend, RunFolder, RunOptions, str], Job]
    free_on_resume: tuple[str, ...]
